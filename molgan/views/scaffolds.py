"""The scaffolds of a set as a tree: from single rings to the scaffolds that hold them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from rdkit import Chem

from molgan.metrics.reporting.page import drawing
from molgan.views.view import View

if TYPE_CHECKING:
    from molgan.library import Library

NO_RINGS = ""
"""The scaffold of molecules without a ring."""

_CELL = (120, 90)
_MOST_LEAVES = 6  # molecules shown under a scaffold


@dataclass
class Scaffold:
    """A node of the tree.

    Attributes:
        smiles: Of the scaffold; `NO_RINGS` for molecules without one.
        rows: Positions of the molecules that have exactly this scaffold.
        children: Scaffolds that contain this one, most frequent first.
    """

    smiles: str
    rows: list[int] = field(default_factory=list)
    children: list[Scaffold] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Molecules of this scaffold and of all below it."""
        return len(self.rows) + sum(child.count for child in self.children)


def scaffold_forest(smiles: Sequence[str]) -> list[Scaffold]:
    """Sort molecules by their Murcko scaffolds, and scaffolds below the largest one they contain.

    Bemis and Murcko, J. Med. Chem. 39, 2887 (1996). A scaffold's parent is the one of the set with
    the most rings, then the most atoms, that is a part of it and has fewer rings; ring systems of
    the set's scaffolds count as scaffolds too, so that what shares a ring is found together.

    Args:
        smiles: Molecules.

    Returns:
        Roots, most frequent first.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES; it is named.
    """
    from molgan.metrics.frameworks import ring_systems

    found = _scaffolds(smiles)
    nodes = {text: Scaffold(text, rows) for text, rows in found.items()}
    mols = {text: Chem.MolFromSmiles(text) for text in nodes if text}
    for mol in list(mols.values()):
        for system in ring_systems(mol):
            ring = Chem.MolFromSmiles(system)
            if ring is not None:
                text = Chem.MolToSmiles(ring)
                nodes.setdefault(text, Scaffold(text))
                mols.setdefault(text, ring)
    rings = {text: mol.GetRingInfo().NumRings() for text, mol in mols.items()}
    # Largest first: the first that fits is the parent.
    order = sorted(mols, key=lambda text: (-rings[text], -mols[text].GetNumAtoms(), text))
    children: dict[str, list[str]] = defaultdict(list)
    roots = [NO_RINGS] if NO_RINGS in nodes else []
    for text in order:
        parent = next(
            (
                other
                for other in order
                if rings[other] < rings[text] and mols[text].HasSubstructMatch(mols[other])
            ),
            None,
        )
        if parent is None:
            roots.append(text)
        else:
            children[parent].append(text)
    for parent, below in children.items():
        nodes[parent].children = [nodes[text] for text in below]
    return _sorted([nodes[text] for text in roots])


def scaffold_tree(library: Library | Sequence[str], *, most: int = 60) -> View:
    """Draw the scaffolds of a set as a tree that can be opened and closed.

    Args:
        library: Molecules.
        most: Scaffolds of the tree, and of the picture, that are drawn, most frequent first.

    Raises:
        ChemistryError: If RDKit cannot read one of the SMILES.
    """
    from molgan.library import Library
    from molgan.library.pictures import grid_png, grid_svg

    smiles = library.smiles if isinstance(library, Library) else list(library)
    forest = scaffold_forest(smiles)
    left = [most]
    body = "".join(_node(node, smiles, len(smiles), left) for node in forest)
    counts = Counter({node.smiles: len(node.rows) for node in _all(forest) if node.rows})
    shown = [(text, n) for text, n in counts.most_common(most) if text]
    texts, legends = [text for text, _ in shown], [f"{n:,} molecules" for _, n in shown]
    acyclic = counts.get(NO_RINGS, 0)
    return View(
        "Scaffolds",
        f"{len(smiles):,} molecules on {len([t for t in counts if t]):,} Murcko scaffolds; "
        f"{acyclic:,} without a ring. A scaffold stands below the largest one that it contains.",
        lambda: grid_svg(texts, legends),
        lambda: grid_png(texts, legends),
        body=f'<div class="tree">{body}</div>',
        style=_STYLE,
        height=620,
    )


def _scaffolds(smiles: Sequence[str]) -> Mapping[str, list[int]]:
    from molgan.chem import murcko_scaffold, quiet_rdkit, read_smiles
    from molgan.errors import ChemistryError

    found: dict[str, list[int]] = defaultdict(list)
    with quiet_rdkit():
        for row, text in enumerate(smiles):
            mol, _ = read_smiles(text)
            if mol is None:
                raise ChemistryError(
                    f"cannot find the scaffold of {text!r}: RDKit does not read it"
                )
            found[murcko_scaffold(mol)].append(row)
    return found


def _sorted(nodes: list[Scaffold]) -> list[Scaffold]:
    for node in nodes:
        node.children = _sorted(node.children)
    # A ring system that came second everywhere has nothing below it.
    return sorted(
        (node for node in nodes if node.count), key=lambda node: (-node.count, node.smiles)
    )


def _all(nodes: Sequence[Scaffold]) -> list[Scaffold]:
    return [each for node in nodes for each in (node, *_all(node.children))]


def _node(node: Scaffold, smiles: Sequence[str], total: int, left: list[int]) -> str:
    """One scaffold as HTML; `left` counts down how many may still be drawn."""
    if left[0] <= 0:
        return ""
    left[0] -= 1
    picture = drawing(node.smiles, _CELL) if node.smiles else "<em>no ring</em>"
    own = f", {len(node.rows):,} of them exactly this" if node.children and node.rows else ""
    text = f"{node.count:,} molecules ({100 * node.count / max(total, 1):.1f} %){own}"
    leaves = "".join(drawing(smiles[row], _CELL) for row in node.rows[:_MOST_LEAVES])
    more = len(node.rows) - _MOST_LEAVES
    rest = f"<p>and {more:,} more</p>" if more > 0 else ""
    inside = f'<div class="leaves">{leaves}</div>{rest}' if leaves else ""
    inside += "".join(_node(child, smiles, total, left) for child in node.children)
    head = f'<summary title="{escape(node.smiles)}">{picture}<span>{text}</span></summary>'
    return f"<details>{head}{inside}</details>"


_STYLE = """\
.tree details { margin-left: 1.4rem; border-left: 1px solid #d5dade; padding-left: .5rem; }
.tree > details { margin-left: 0; border-left: 0; padding-left: 0; }
.tree summary { cursor: pointer; padding: .15rem 0; }
.tree summary img, .tree summary span, .tree summary em { vertical-align: middle;
  margin-right: .7rem; }
.leaves { display: flex; flex-wrap: wrap; background: #f7f9fa; margin-left: 1.4rem; }
.tree p { margin: .2rem 1.4rem; font-size: .8rem; color: #49525a; }
"""
