"""Properties of one molecule, as plain functions of an RDKit molecule."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import Crippen, rdMolDescriptors
from rdkit.Chem.Scaffolds import MurckoScaffold

from molgan.chem.fast_qed import fast_qed
from molgan.chem.fast_scores import fast_sa_score


def qed(mol: Chem.Mol) -> float:
    """Quantitative estimate of drug-likeness, 0 to 1, higher is better.

    Bickerton et al., Nature Chemistry 4, 90 (2012), with RDKit's mean weights. The value of RDKit's
    QED in a fraction of its time: see `molgan.chem.fast_qed`.

    Args:
        mol: A sanitised molecule.
    """
    return fast_qed(mol)


def logp(mol: Chem.Mol) -> float:
    """Octanol-water partition coefficient logP by Wildman and Crippen's atom contributions.

    J. Chem. Inf. Comput. Sci. 39, 868 (1999). Drug-like molecules lie between about -2 and 6.

    Args:
        mol: A sanitised molecule.
    """
    return float(Crippen.MolLogP(mol))  # type: ignore[attr-defined]


def sa_score(mol: Chem.Mol) -> float:
    """Synthetic accessibility score, 1 (easy) to 10 (hard).

    Ertl and Schuffenhauer, J. Cheminf. 1, 8 (2009), in the version that RDKit's Contrib carries.
    The fragment table (4 MB) is read at the first call and kept.

    Args:
        mol: A sanitised molecule.

    Raises:
        ChemistryError: the molecule has no atoms, or RDKit came without its Contrib folder.
    """
    return fast_sa_score(mol)


def num_heavy_atoms(mol: Chem.Mol) -> int:
    """Number of atoms other than hydrogen.

    Args:
        mol: A sanitised molecule.
    """
    return int(mol.GetNumHeavyAtoms())


def molecular_weight(mol: Chem.Mol) -> float:
    """Average molecular weight in g/mol, hydrogens included.

    Args:
        mol: A sanitised molecule.
    """
    return float(rdMolDescriptors._CalcMolWt(mol))


def tpsa(mol: Chem.Mol) -> float:
    """Topological polar surface area in square angstrom (Ertl et al., J. Med. Chem. 43, 3714).

    Args:
        mol: A sanitised molecule.
    """
    return float(rdMolDescriptors.CalcTPSA(mol))


def num_h_bond_donors(mol: Chem.Mol) -> int:
    """Number of hydrogen bond donors as RDKit counts them.

    Args:
        mol: A sanitised molecule.
    """
    return int(rdMolDescriptors.CalcNumHBD(mol))


def num_h_bond_acceptors(mol: Chem.Mol) -> int:
    """Number of hydrogen bond acceptors as RDKit counts them.

    Args:
        mol: A sanitised molecule.
    """
    return int(rdMolDescriptors.CalcNumHBA(mol))


def num_rotatable_bonds(mol: Chem.Mol) -> int:
    """Number of rotatable bonds, amides and other stiff bonds left out (RDKit's default).

    Args:
        mol: A sanitised molecule.
    """
    return int(rdMolDescriptors.CalcNumRotatableBonds(mol))


def num_rings(mol: Chem.Mol) -> int:
    """Number of rings in the smallest set of smallest rings.

    Args:
        mol: A sanitised molecule.
    """
    return int(rdMolDescriptors.CalcNumRings(mol))


def murcko_scaffold(mol: Chem.Mol) -> str:
    """Canonical SMILES of the Bemis-Murcko scaffold without stereochemistry.

    Bemis and Murcko, J. Med. Chem. 39, 2887 (1996). An acyclic molecule has none: ``""``.

    Args:
        mol: A sanitised molecule.
    """
    scaffold = MurckoScaffold.GetScaffoldForMol(mol)
    smiles: str = Chem.MolToSmiles(scaffold, isomericSmiles=False)
    return smiles
