"""Repair: named policies that turn graphs which are no molecules into molecules.

Nothing is repaired unless a policy is named, and its name belongs in the results. Graphs that
decode strictly pass through every policy unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from molgan.chem.codec import Codec
from molgan.chem.connectivity import largest_component
from molgan.chem.decoding import Decoded
from molgan.chem.packing import unpack_bonds
from molgan.errors import ConfigError

_AROMATIC = 4


def repair(
    name: str,
    atoms: np.ndarray,
    bonds: np.ndarray,
    codec: Codec,
    atom_scores: np.ndarray | None = None,
    bond_scores: np.ndarray | None = None,
) -> list[Decoded]:
    """Decode a batch under a repair policy.

    Args:
        name: ``largest_fragment`` decodes the largest connected piece. ``valence`` takes bonds
            in descending probability while valence allows and always gives a valid molecule,
            unless there is no atom at all.
        atoms: (B, N) atom types.
        bonds: (B, N, N) or packed (B, P) bond types.
        codec: Vocabulary and strict decoder.
        atom_scores: (B, N, T) probabilities of the atom types; where pieces are of equal size,
            the one with the surer atoms is kept. Optional.
        bond_scores: (B, N, N, Y) probabilities of the bond types. With None, all bonds given
            count as equally sure and no others are possible.

    Returns:
        B results; `reason` is None wherever the repair worked.

    Raises:
        ConfigError: no policy of that name.
    """
    if name not in POLICIES:
        raise ConfigError(
            f"unknown repair policy '{name}'; there are {', '.join(sorted(POLICIES))}"
        )
    atoms, bonds = np.asarray(atoms), np.asarray(bonds)
    if bonds.ndim == 2:
        bonds = unpack_bonds(bonds, atoms.shape[1])
    results = codec.decode(atoms, bonds)
    broken = np.array([not r.valid and r.reason != "empty" for r in results], dtype=bool)
    if broken.any():
        fixed = POLICIES[name](
            atoms[broken].astype(np.uint8),
            _symmetric(bonds[broken], atoms[broken]),
            codec,
            None if atom_scores is None else np.asarray(atom_scores)[broken],
            None if bond_scores is None else np.asarray(bond_scores)[broken],
        )
        for row, result in zip(np.flatnonzero(broken).tolist(), fixed, strict=True):
            results[row] = result
    return results


def fit_valence(
    atoms: np.ndarray,
    bonds: np.ndarray,
    codec: Codec,
    bond_scores: np.ndarray | None = None,
) -> np.ndarray:
    """The bonds that the policy ``valence`` would choose, slot by slot, without decoding.

    Args:
        atoms: (B, N) atom types.
        bonds: (B, N, N) bond types.
        codec: of the vocabulary.
        bond_scores: (B, N, N, Y) probabilities; see `repair`.

    Returns:
        (B, N, N) uint8 bond types, Kekulé, that no atom is too small for; not always in one piece.
    """
    capacity = codec.vocabulary.max_valence().astype(np.int64)[atoms]
    wanted = _symmetric(bonds, atoms)
    fitted = [
        _fit_bonds(
            wanted[row], capacity[row], None if bond_scores is None else bond_scores[row], "kekule"
        )
        for row in range(len(atoms))
    ]
    return np.stack(fitted).astype(np.uint8)


def _symmetric(bonds: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Mirror the upper triangle, without the diagonal and without bonds to absent atoms."""
    upper = np.triu(bonds.astype(np.uint8), 1)
    present = (atoms != 0).astype(np.uint8)
    upper *= present[:, :, None] * present[:, None, :]
    return upper + upper.transpose(0, 2, 1)


def _largest_fragment(
    atoms: np.ndarray,
    bonds: np.ndarray,
    codec: Codec,
    atom_scores: np.ndarray | None,
    bond_scores: np.ndarray | None,
) -> list[Decoded]:
    kept = largest_component(bonds != 0, atoms != 0, _sureness(atoms, atom_scores))
    return codec.decode(np.where(kept, atoms, 0), bonds)


def _sureness(atoms: np.ndarray, scores: np.ndarray | None) -> np.ndarray | None:
    """Probability of each atom's own type, (B, N)."""
    if scores is None:
        return None
    own: np.ndarray = np.take_along_axis(scores, atoms[..., None].astype(np.intp), axis=-1)[..., 0]
    return own


def _valence(
    atoms: np.ndarray,
    bonds: np.ndarray,
    codec: Codec,
    atom_scores: np.ndarray | None,
    bond_scores: np.ndarray | None,
) -> list[Decoded]:
    capacity = codec.vocabulary.max_valence().astype(np.int64)[atoms]
    rows = range(len(atoms))
    scores = [None if bond_scores is None else bond_scores[row] for row in rows]
    results: list[Decoded | None] = [None] * len(atoms)
    # Each attempt asks less of the chemistry than the one before; the last, one atom, cannot fail.
    for attempt in _ATTEMPTS[0 if codec.vocabulary.aromatic else 1 :]:
        todo = [row for row in rows if results[row] is None]
        if not todo:
            break
        repaired = np.stack(
            [_fit_bonds(bonds[row], capacity[row], scores[row], attempt) for row in todo]
        )
        sure = None if atom_scores is None else atom_scores[todo]
        decoded = _largest_fragment(atoms[todo], repaired, codec, sure, None)
        for row, result in zip(todo, decoded, strict=True):
            if result.valid or attempt == _ATTEMPTS[-1]:
                results[row] = result
    return [result for result in results if result is not None]


_ATTEMPTS = ("aromatic", "kekule", "single", "atom")
"""Aromatic bonds kept; as single and double bonds; all bonds single; a lone atom."""


def _fit_bonds(
    bonds: np.ndarray, capacity: np.ndarray, scores: np.ndarray | None, attempt: str
) -> np.ndarray:
    """Choose bonds for one molecule that no atom is too small for.

    First single bonds that join pieces (a maximum spanning forest with the valences as degree
    limits), so that ring closures and multiple bonds do not use up what holds it together. Then
    every wanted bond, the likeliest first, as far up to its order as both ends allow.

    Args:
        bonds: (N, N) wanted bond types, symmetric; absent atoms have none.
        capacity: (N,) largest valence of each atom, 0 where there is none.
        scores: (N, N, Y) probabilities or None.
        attempt: One of `_ATTEMPTS`.

    Returns:
        (N, N) uint8 bond types, symmetric.
    """
    if attempt == "atom":
        return np.zeros_like(bonds)
    first, second = np.nonzero(np.triu(bonds, 1))
    wanted = bonds[first, second]
    likelihood = np.ones(len(wanted)) if scores is None else scores[first, second, wanted]
    by_likelihood = np.argsort(-likelihood, kind="stable")
    pairs = [(int(first[k]), int(second[k]), int(wanted[k])) for k in by_likelihood]

    room: list[int] = capacity.tolist()
    forest = _Forest(len(room))
    chosen: dict[tuple[int, int], int] = {}

    def join(candidates: list[tuple[int, int]]) -> None:
        for i, j in candidates:
            if room[i] and room[j] and forest.join(i, j):
                chosen[i, j] = 1
                room[i] -= 1
                room[j] -= 1

    join([(i, j) for i, j, _ in pairs])
    if scores is not None:
        join(_likely_pairs(scores, capacity))

    has_double = [False] * len(room)
    for i, j, kind in pairs:
        current = chosen.get((i, j), 0)
        order = _target_order(kind, attempt, has_double[i] or has_double[j])
        step = min(order - current, room[i], room[j])
        if step > 0:
            chosen[i, j] = current + step
            room[i] -= step
            room[j] -= step
        if kind == _AROMATIC and chosen.get((i, j), 0) == 2:
            has_double[i] = has_double[j] = True

    wants_aromatic = {(i, j) for i, j, kind in pairs if kind == _AROMATIC}
    result = np.zeros_like(bonds, dtype=np.uint8)
    for (i, j), order in chosen.items():
        keep = attempt == "aromatic" and (i, j) in wants_aromatic
        result[i, j] = result[j, i] = _AROMATIC if keep else order
    return result


def _target_order(kind: int, attempt: str, next_to_double: bool) -> int:
    """Order that a wanted bond type asks for."""
    if attempt == "single":
        return 1
    if kind != _AROMATIC:
        return kind
    # An aromatic bond takes up one valence at least; as Kekulé bonds they alternate.
    return 1 if attempt == "aromatic" or next_to_double else 2


def _likely_pairs(scores: np.ndarray, capacity: np.ndarray) -> list[tuple[int, int]]:
    """All pairs of atoms, those most likely to be bonded at all first."""
    first, second = np.triu_indices(len(capacity), 1)
    real = (capacity[first] > 0) & (capacity[second] > 0)
    first, second = first[real], second[real]
    order = np.argsort(scores[first, second, 0], kind="stable")
    return list(zip(first[order].tolist(), second[order].tolist(), strict=True))


class _Forest:
    """Union-find: which atoms are already held together."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def _root(self, k: int) -> int:
        while self._parent[k] != k:
            self._parent[k] = self._parent[self._parent[k]]
            k = self._parent[k]
        return k

    def join(self, i: int, j: int) -> bool:
        """Join the trees of two atoms; False where they were one already."""
        a, b = self._root(i), self._root(j)
        self._parent[a] = b
        return a != b


Policy = Callable[
    [np.ndarray, np.ndarray, Codec, "np.ndarray | None", "np.ndarray | None"], list[Decoded]
]

POLICIES: dict[str, Policy] = {"largest_fragment": _largest_fragment, "valence": _valence}
"""Repair policies by name."""
