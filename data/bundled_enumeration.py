"""Exhaustive enumeration of the bundled set: graphs, then bond orders, elements, and the rules.

Why nothing is missed: every molecule has exactly one heavy-atom graph, and all connected graphs
with degrees up to four are made; on each graph all bond orders 1-3 within carbon's valence are
tried, one of each set equal by symmetry; on each of these frames all elements whose valence fits
are tried, again one of each set equal by symmetry. What is skipped on the way breaks a rule of
`bundled_rules` whatever the missing part may be. Kekulé forms of one aromatic molecule come out
several times; their canonical SMILES is the same, and a set keeps one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

from bundled_graphs import Graph, automorphisms, labellings
from bundled_rules import MAX_RINGS, is_stable
from rdkit import Chem

CARBON, NITROGEN, OXYGEN, FLUORINE = 6, 7, 8, 9
VALENCE = {CARBON: 4, NITROGEN: 3, OXYGEN: 2, FLUORINE: 1}
BOND_TYPES = {1: Chem.BondType.SINGLE, 2: Chem.BondType.DOUBLE, 3: Chem.BondType.TRIPLE}


def _pair(i: int, j: int) -> tuple[int, int]:
    return (i, j) if i < j else (j, i)


@dataclass(frozen=True)
class Skeleton:
    """A graph with the facts about its rings that the pruning needs."""

    graph: Graph

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """Neighbours of every vertex."""
        return self.graph.neighbours()

    @cached_property
    def cycles(self) -> list[tuple[int, ...]]:
        """Every simple cycle once, as the sequence of its vertices."""
        found: list[tuple[int, ...]] = []

        def walk(path: list[int]) -> None:
            for nxt in self.neighbours[path[-1]]:
                if nxt == path[0] and len(path) > 2 and path[1] < path[-1]:
                    found.append(tuple(path))
                elif nxt > path[0] and nxt not in path:
                    walk([*path, nxt])

        for start in range(self.graph.size):
            walk([start])
        return found

    @cached_property
    def smallest_ring(self) -> dict[tuple[int, int], int]:
        """Edge -> size of the smallest ring that contains it, ring edges only."""
        sizes: dict[tuple[int, int], int] = {}
        for cycle in self.cycles:
            for i, j in pairwise((*cycle, cycle[0])):
                edge = _pair(i, j)
                sizes[edge] = min(len(cycle), sizes.get(edge, len(cycle)))
        return sizes

    def may_be_stable(self) -> bool:
        """Tell whether the graph passes the rules on rings that need no element or bond order."""
        if self.graph.num_rings > MAX_RINGS:
            return False
        triangles = [set(cycle) for cycle in self.cycles if len(cycle) == 3]
        if any(one & two for one, two in combinations(triangles, 2)):
            return False
        return not any(self._is_inverted(vertex) for vertex in range(self.graph.size))

    def _is_inverted(self, vertex: int) -> bool:
        around = self.neighbours[vertex]
        if len(around) < 4 or any(_pair(vertex, w) not in self.smallest_ring for w in around):
            return False
        reached, stack = {vertex, around[0]}, [around[0]]
        while stack:
            for nxt in self.neighbours[stack.pop()]:
                if nxt not in reached:
                    reached.add(nxt)
                    stack.append(nxt)
        return len(reached) == self.graph.size


@dataclass(frozen=True)
class Frame:
    """A skeleton with bond orders: everything about a molecule but its elements."""

    skeleton: Skeleton
    order: dict[tuple[int, int], int]

    @cached_property
    def bonds(self) -> list[list[tuple[int, int]]]:
        """For every vertex, its (neighbour, bond order) pairs."""
        rows: list[list[tuple[int, int]]] = [[] for _ in self.skeleton.neighbours]
        for (i, j), order in self.order.items():
            rows[i].append((j, order))
            rows[j].append((i, order))
        return rows

    @cached_property
    def total_order(self) -> list[int]:
        """For every vertex, the sum of its bond orders."""
        return [sum(order for _, order in row) for row in self.bonds]

    @cached_property
    def highest_order(self) -> list[int]:
        """For every vertex, its highest bond order (1 for a lone vertex)."""
        return [max((order for _, order in row), default=1) for row in self.bonds]

    @cached_property
    def may_be_aromatic(self) -> set[tuple[int, int]]:
        """Edges of rings that can be aromatic: five or more atoms, at most two of them not sp2."""
        edges: set[tuple[int, int]] = set()
        for cycle in self.skeleton.cycles:
            sp2 = sum(self.highest_order[v] == 2 for v in cycle)
            if len(cycle) >= 5 and sp2 >= len(cycle) - 2:
                edges.update(_pair(i, j) for i, j in pairwise((*cycle, cycle[0])))
        return edges

    def element_choices(self) -> list[tuple[int, ...]]:
        """For every vertex, the elements whose valence fits."""
        return [tuple(z for z in VALENCE if VALENCE[z] >= total) for total in self.total_order]

    def may_be_stable(self, elements: list[int]) -> bool:
        """Tell whether the elements of the first vertices leave a stable molecule possible."""
        newest = len(elements) - 1
        if elements[newest] != CARBON and not self._heteroatom_fits(newest, elements):
            return False
        return all(
            self._carbon_fits(vertex, elements)
            for vertex in (newest, *self.skeleton.neighbours[newest])
            if vertex <= newest and elements[vertex] == CARBON
        )

    def _heteroatom_fits(self, vertex: int, elements: list[int]) -> bool:
        """Rule "bond between heteroatoms", for the bonds to earlier vertices."""
        for other, _ in self.bonds[vertex]:
            if other >= vertex or elements[other] == CARBON:
                continue
            pair = {elements[vertex], elements[other]}
            if FLUORINE in pair or pair == {OXYGEN}:
                return False
            if _pair(vertex, other) in self.may_be_aromatic:
                continue
            nitrogen, oxygen = (vertex, other) if elements[vertex] == NITROGEN else (other, vertex)
            is_oxime = pair == {NITROGEN, OXYGEN} and self.highest_order[nitrogen] == 2
            if not (is_oxime and self.total_order[oxygen] == 1):
                return False
        return True

    def _carbon_fits(self, vertex: int, elements: list[int]) -> bool:
        """Rules on heteroatoms at one carbon, judged by those of its neighbours that are known."""
        known = [w for w in self.skeleton.neighbours[vertex] if w < len(elements)]
        polar = [w for w in known if elements[w] in (NITROGEN, OXYGEN)]
        fluorine = any(elements[w] == FLUORINE for w in known)
        if self.highest_order[vertex] == 3:
            return not fluorine and all((w, 3) in self.bonds[vertex] for w in polar)
        if self.highest_order[vertex] == 2:
            return True
        if fluorine and polar:
            return False
        ethers = all(elements[w] == OXYGEN and self.total_order[w] == 2 for w in polar)
        return len(polar) < 2 or (len(polar) == 2 and ethers)


def frames(skeleton: Skeleton) -> Iterator[Frame]:
    """Yield the skeleton with all bond orders that may be stable, once up to symmetry."""
    edges = skeleton.graph.edges
    place = {edge: k for k, edge in enumerate(edges)}
    symmetries = [
        [place[_pair(p[i], p[j])] for i, j in edges] for p in automorphisms(skeleton.graph)
    ]
    cyclopropane = {v for cycle in skeleton.cycles if len(cycle) == 3 for v in cycle}
    choices = []
    for edge in edges:
        ring = skeleton.smallest_ring.get(edge, 0)
        # No triple bond in a ring; no double bond, be it aromatic, in a three- or four-membered
        # ring or at an atom of a three-membered one.
        single_only = 0 < ring <= 4 or not cyclopropane.isdisjoint(edge)
        choices.append((1,) if single_only else (1, 2) if ring else (1, 2, 3))

    def allowed(orders: list[int]) -> bool:
        total = [0] * skeleton.graph.size
        multiple = [0] * skeleton.graph.size
        for (i, j), order in zip(edges, orders, strict=False):
            for vertex in (i, j):
                total[vertex] += order
                multiple[vertex] += order > 1
        for i, j in edges[len(orders) :]:
            total[i] += 1
            total[j] += 1
        # Two multiple bonds at one atom are cumulated.
        return max(total) <= VALENCE[CARBON] and max(multiple) <= 1

    for orders in labellings(len(edges), choices, symmetries, allowed):
        yield Frame(skeleton, dict(zip(edges, orders, strict=True)))


def molecules(frame: Frame) -> Iterator[Chem.Mol]:
    """Yield the frame with every choice of elements that may be stable, as sanitised molecules."""
    graph = frame.skeleton.graph
    symmetries = automorphisms(graph, frame.order)
    for elements in labellings(
        graph.size, frame.element_choices(), symmetries, frame.may_be_stable
    ):
        mol = Chem.RWMol()
        for element in elements:
            mol.AddAtom(Chem.Atom(element))
        for (i, j), order in frame.order.items():
            mol.AddBond(i, j, BOND_TYPES[order])
        Chem.SanitizeMol(mol)
        yield mol.GetMol()


def stable_molecules(graph: Graph) -> set[str]:
    """Return the canonical SMILES of all stable molecules with this heavy-atom graph."""
    skeleton = Skeleton(graph)
    if not skeleton.may_be_stable():
        return set()
    return canonical_smiles(
        mol for frame in frames(skeleton) for mol in molecules(frame) if is_stable(mol)
    )


def canonical_smiles(mols: Iterable[Chem.Mol]) -> set[str]:
    """Return the stereo-free canonical SMILES, as a molecule read back from them writes itself."""
    texts = {Chem.MolToSmiles(mol) for mol in mols}
    return {Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in texts}
