from __future__ import annotations

from molgan.metrics import format_table


def test_the_table_is_aligned_and_tells_ceiling_and_reasons() -> None:
    text = format_table(
        {
            "n": 10_000,
            "n_valid": 8_512,
            "valid": 0.8512,
            "unique": 0.934,
            "ceiling_unique": 0.959,
            "rejected/valence": 1_000,
            "rejected/fragments": 488,
            "fcd": 1.98765,
            "molecules_per_second": 37000.0,
        },
        title="10,000 samples",
    )
    assert text.splitlines() == [
        "10,000 samples",
        "molecules drawn        10,000",
        "valid (strict)         85.1 %  (8,512)",
        "  rejected: valence     1,000",
        "  rejected: fragments     488",
        "unique, of valid       93.4 %  (draws from the training set: 95.9 %)",
        "FCD                     1.988",
        "molecules_per_second   37,000",
    ]


def test_no_figures_no_lines() -> None:
    assert format_table({}) == ""


def test_repaired_figures_are_a_block_of_their_own() -> None:
    text = format_table(
        {
            "valid": 0.8,
            "fcd": 2.0,
            "fcd_n": 8_000,
            "fcd_reference_n": 13_082,
            "lenient/valid": 0.9,
            "seconds": 12.5,
            "repaired/valid": 1.0,
            "repaired/n_valid": 10_000,
            "repaired/rejected/empty": 3,
            "repaired/ceiling_unique": 0.9,
            "repaired/unique": 0.7,
        }
    )
    assert text.splitlines() == [
        "valid (strict)             80.0 %",
        "FCD                         2.000  (8,000 against 13,082)",
        "valid, as MolGAN counted   90.0 %",
        "seconds                    12.500",
        "after repair",
        "  valid (strict)          100.0 %  (10,000)",
        "    rejected: empty             3",
        "  unique, of valid         70.0 %  (draws from the training set: 90.0 %)",
    ]
