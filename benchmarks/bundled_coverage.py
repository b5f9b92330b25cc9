"""What share of QM9's small molecules the bundled set holds, and which rules cost the rest.

    python benchmarks/bundled_coverage.py --qm9 PATH

PATH is QM9 in any form that `data.path=` accepts: a table with a `smiles` column, a .smi file, or
QM9's own archive. Molecules are compared by canonical SMILES without stereochemistry, so rows of
QM9 that are one molecule count once.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rdkit import Chem

from molgan.chem import quiet_rdkit
from molgan.data.sources import QM9, Bundled

MAX_ATOMS = 8
CHARGED = "charged atoms (zwitterions)"


def identities(smiles: Iterable[str], max_atoms: int) -> dict[str, Chem.Mol]:
    """Map canonical stereo-free SMILES to molecules, up to `max_atoms` heavy atoms."""
    found: dict[str, Chem.Mol] = {}
    with quiet_rdkit():
        for text in smiles:
            mol = Chem.MolFromSmiles(text)
            if mol is None or not 0 < mol.GetNumHeavyAtoms() <= max_atoms:
                continue
            Chem.RemoveStereochemistry(mol)
            canonical = Chem.CanonSmiles(Chem.MolToSmiles(mol))
            found.setdefault(canonical, mol)
    return found


def is_charged(mol: Chem.Mol) -> bool:
    """Tell whether any atom carries a formal charge."""
    return any(atom.GetFormalCharge() for atom in mol.GetAtoms())


def why_missing(mol: Chem.Mol) -> str:
    """Name what keeps a molecule out of the set."""
    # The rules live beside the set, not in the package: nothing in molgan needs them.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data"))
    try:
        from bundled_rules import broken_rules
    finally:
        del sys.path[0]
    if is_charged(mol):
        return CHARGED
    return " + ".join(broken_rules(mol)) or "no rule (a defect)"


def main() -> None:
    """Print the table and the reasons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qm9", type=Path, required=True, help="QM9, see above")
    options = parser.parse_args()

    bundled = identities(Bundled().read().smiles, MAX_ATOMS)
    qm9 = identities(QM9(path=options.qm9).read().smiles, MAX_ATOMS)
    missing = [text for text in qm9 if text not in bundled]

    def sizes(texts: Iterable[str], mols: dict[str, Chem.Mol]) -> Counter[int]:
        return Counter(mols[text].GetNumHeavyAtoms() for text in texts)

    ours, theirs = sizes(bundled, bundled), sizes(qm9, qm9)
    absent = sizes(missing, qm9)
    print("| heavy atoms | bundled | QM9, distinct | QM9 in bundled | share |")
    print("|---|---|---|---|---|")
    for size in range(1, MAX_ATOMS + 1):
        row(str(size), ours[size], theirs[size], absent[size])
    row("all", len(bundled), len(qm9), len(missing))
    neutral = {text for text, mol in qm9.items() if not is_charged(mol)}
    row("all without zwitterions", len(bundled), len(neutral), len(neutral.intersection(missing)))

    print("\nQM9 molecules that the set lacks, by what keeps them out:")
    for reason, count in Counter(why_missing(qm9[text]) for text in missing).most_common():
        print(f"{count:>6,}  {reason}")


def row(label: str, ours: int, theirs: int, absent: int) -> None:
    """Print one row of the table."""
    share = (theirs - absent) / theirs if theirs else float("nan")
    print(f"| {label} | {ours:,} | {theirs:,} | {theirs - absent:,} | {100 * share:.1f} % |")


if __name__ == "__main__":
    main()
