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
