"""Graphs, symmetry and labellings: the pure combinatorics of the bundled set's enumeration.

A molecule's heavy atoms and the bonds between them are a connected simple graph in which no vertex
has more than four neighbours. Everything here works on such graphs with up to eight vertices; no
chemistry beyond that degree limit, and no RDKit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from typing import NamedTuple

MAX_DEGREE = 4  # carbon, the most branched of C, N, O, F


class Graph(NamedTuple):
    """A connected simple graph: `size` vertices 0..size-1 and sorted edges (i, j), i < j."""

    size: int
    edges: tuple[tuple[int, int], ...]

    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """Return, for every vertex, its neighbours in ascending order."""
        lists: list[list[int]] = [[] for _ in range(self.size)]
        for i, j in self.edges:
            lists[i].append(j)
            lists[j].append(i)
        return tuple(tuple(sorted(row)) for row in lists)

    @property
    def num_rings(self) -> int:
        """Number of independent rings (cyclomatic number) of the connected graph."""
        return len(self.edges) - self.size + 1


def vertex_colours(graph: Graph, labels: dict[tuple[int, int], int]) -> list[int]:
    """Colour vertices by refinement until stable, so that equivalent vertices get the same colour.

    Args:
        graph: the graph.
        labels: edge (i, j), i < j -> label; edges with different labels are different.

    Returns:
        One colour per vertex. The colours are comparable between graphs of one size only through
        `canonical_form`; within one graph, vertices of different colours are never equivalent.
    """
    neighbours = graph.neighbours()
    label = {**labels, **{(j, i): value for (i, j), value in labels.items()}}
    colours = [0] * graph.size
    while True:
        keys = [
            (colours[v], sorted((label[v, w], colours[w]) for w in neighbours[v]))
            for v in range(graph.size)
        ]
        ranks = {repr(key): rank for rank, key in enumerate(sorted(keys))}
        refined = [ranks[repr(key)] for key in keys]
        if len(set(refined)) == len(set(colours)):
            return refined
        colours = refined


def canonical_form(graph: Graph) -> Graph:
    """Return the one representative of all graphs isomorphic to this one.

    Vertices are ordered by refined colour; within a colour every order is tried and the smallest
    edge list wins. Eight vertices at most, so trying is cheap enough, and plainly correct.
    """
    colours = vertex_colours(graph, dict.fromkeys(graph.edges, 1))
    cells: dict[int, list[int]] = {}
    for vertex, colour in enumerate(colours):
        cells.setdefault(colour, []).append(vertex)
    ordered = [cells[colour] for colour in sorted(cells)]

    def orders(index: int) -> Iterator[list[int]]:
        if index == len(ordered):
            yield []
            return
        for rest in orders(index + 1):
            for cell in permutations(ordered[index]):
                yield [*cell, *rest]

    best: tuple[tuple[int, int], ...] | None = None
    for order in orders(0):
        position = {vertex: place for place, vertex in enumerate(order)}
        edges = tuple(sorted(_edge(position[i], position[j]) for i, j in graph.edges))
        if best is None or edges < best:
            best = edges
    assert best is not None
    return Graph(graph.size, best)


def connected_graphs(max_size: int) -> Iterator[tuple[int, list[Graph]]]:
    """Yield (size, every connected graph of that size with degrees <= 4), each graph once.

    Exhaustive because every connected graph has a vertex (a leaf of a spanning tree) whose removal
    leaves a connected graph: so each graph of n vertices is some graph of n - 1 vertices plus one
    vertex joined to a non-empty set of at most four others, and all of these are tried.
    """
    current = {Graph(1, ())}
    yield 1, sorted(current)
    for size in range(2, max_size + 1):
        grown: set[Graph] = set()
        tried: set[Graph] = set()
        for parent in current:
            degrees = [len(row) for row in parent.neighbours()]
            open_vertices = [v for v, degree in enumerate(degrees) if degree < MAX_DEGREE]
            for count in range(1, MAX_DEGREE + 1):
                for chosen in combinations(open_vertices, count):
                    edges = (*parent.edges, *((v, size - 1) for v in chosen))
                    child = Graph(size, tuple(sorted(edges)))
                    if child not in tried:
                        tried.add(child)
                        grown.add(canonical_form(child))
        current = grown
        yield size, sorted(current)


def automorphisms(
    graph: Graph, labels: dict[tuple[int, int], int] | None = None
) -> list[tuple[int, ...]]:
    """Return every permutation of the vertices that maps the (edge-labelled) graph onto itself.

    Args:
        graph: the graph.
        labels: optional edge labels that must be preserved as well.
    """
    labels = dict.fromkeys(graph.edges, 1) if labels is None else labels
    colours = vertex_colours(graph, labels)
    size = graph.size
    matrix = [[0] * size for _ in range(size)]
    for (i, j), value in labels.items():
        matrix[i][j] = matrix[j][i] = value
    found: list[tuple[int, ...]] = []
    image: list[int] = []

    def extend() -> None:
        vertex = len(image)
        if vertex == size:
            found.append(tuple(image))
            return
        for target in range(size):
            if colours[target] != colours[vertex] or target in image:
                continue
            if all(matrix[target][image[w]] == matrix[vertex][w] for w in range(vertex)):
                image.append(target)
                extend()
                image.pop()

    extend()
    return found


def labellings(
    length: int,
    choices: Sequence[Sequence[int]],
    symmetries: Sequence[Sequence[int]],
    allowed: Callable[[list[int]], bool],
) -> Iterator[tuple[int, ...]]:
    """Yield every labelling of `length` places, once up to symmetry.

    Args:
        length: number of places.
        choices: for every place, the labels it may take.
        symmetries: permutations of the places; `p` turns labelling x into y with y[k] = x[p[k]].
        allowed: called with each beginning of a labelling (places 0..k filled); False prunes all
            that start so. It must never reject a beginning of a labelling that is wanted.
    """
    moving = [p for p in symmetries if any(k != target for k, target in enumerate(p))]
    labels: list[int] = []

    def extend() -> Iterator[tuple[int, ...]]:
        if len(labels) == length:
            if all([labels[t] for t in p] >= labels for p in moving):
                yield tuple(labels)
            return
        for label in choices[len(labels)]:
            labels.append(label)
            if allowed(labels):
                yield from extend()
            labels.pop()

    yield from extend()


def _edge(i: int, j: int) -> tuple[int, int]:
    return (i, j) if i < j else (j, i)
