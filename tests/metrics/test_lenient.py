from __future__ import annotations

import numpy as np
import pytest

from molgan.chem import AtomType, Vocabulary
from molgan.metrics import HashedIdentities, evaluate_lenient, lenient_smiles

VOCABULARY = Vocabulary(
    (AtomType("C"), AtomType("O"), AtomType("F")), ("none", "single", "double", "triple")
)
CARBON, OXYGEN, FLUORINE = 1, 2, 3


def graph(atoms: list[int], *bonds: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    table = np.zeros((len(atoms), len(atoms)), dtype=np.uint8)
    for start, end, kind in bonds:
        table[start, end] = table[end, start] = kind
    return np.array(atoms, dtype=np.uint8), table


@pytest.mark.parametrize(
    ("atoms", "bonds", "expected"),
    [
        ([CARBON, CARBON, OXYGEN, 0], [(0, 1, 1), (1, 2, 1)], "*.CCO"),
        ([CARBON, CARBON, OXYGEN, 0], [(0, 1, 1)], "*.CC.O"),
        ([0, 0, 0, 0], [], "*.*.*.*"),
        ([CARBON, 0, 0, 0], [(0, 1, 1)], "*.*.*C"),
        ([FLUORINE, CARBON, 0, 0], [(0, 1, 2)], None),
    ],
)
def test_empty_slots_are_dummy_atoms_and_fragments_pass(
    atoms: list[int],
    bonds: list[tuple[int, int, int]],
    expected: str | None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert lenient_smiles(*graph(atoms, *bonds), VOCABULARY) == expected
    assert capfd.readouterr().err == ""  # thousands fail in one sample


def test_counting_by_hand() -> None:
    graphs = [
        graph([CARBON, CARBON, OXYGEN], (0, 1, 1), (1, 2, 1)),  # CCO, known
        graph([OXYGEN, CARBON, CARBON], (0, 1, 1), (1, 2, 1)),  # CCO again, other order
        graph(
            [CARBON, OXYGEN, 0], (0, 1, 1)
        ),  # *.CO: methanol is known, but with a pad it counts as novel
        graph([CARBON, FLUORINE, OXYGEN], (0, 1, 3)),  # fluorine with three bonds
    ]
    atoms = np.stack([one for one, _ in graphs])
    bonds = np.stack([one for _, one in graphs])
    known = HashedIdentities.from_smiles(["CCO", "CO"])
    figures = evaluate_lenient(atoms, bonds, VOCABULARY, known)
    assert figures == {
        "lenient/valid": pytest.approx(3 / 4),
        "lenient/unique": pytest.approx(2 / 3),
        "lenient/novel": pytest.approx(1 / 3),
    }


def test_nothing_drawn() -> None:
    empty = np.zeros((0, 4), dtype=np.uint8), np.zeros((0, 4, 4), dtype=np.uint8)
    assert evaluate_lenient(*empty, VOCABULARY) == {"lenient/valid": 0.0, "lenient/unique": 0.0}
