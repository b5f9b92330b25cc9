"""Chemistry on RDKit and numpy: vocabulary, codec, repair, properties. No torch in here."""

from __future__ import annotations

from molgan.chem.codec import Codec, Encoded
from molgan.chem.coverage import CoverageReport
from molgan.chem.decoding import DECODE_REASONS, Decoded
from molgan.chem.encoding import ENCODE_REASONS, EncodingError
from molgan.chem.packing import pack_bonds, unpack_bonds
from molgan.chem.properties import (
    logp,
    molecular_weight,
    murcko_scaffold,
    num_h_bond_acceptors,
    num_h_bond_donors,
    num_heavy_atoms,
    num_rings,
    num_rotatable_bonds,
    qed,
    sa_score,
    tpsa,
)
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import identity, read_smiles
from molgan.chem.repair import POLICIES, fit_valence, repair
from molgan.chem.strict import JUDGE_REASONS, judge_all, judge_smiles
from molgan.chem.vocabulary import BOND_NAMES, AtomType, Vocabulary

__all__ = [
    "BOND_NAMES",
    "DECODE_REASONS",
    "ENCODE_REASONS",
    "JUDGE_REASONS",
    "POLICIES",
    "AtomType",
    "Codec",
    "CoverageReport",
    "Decoded",
    "Encoded",
    "EncodingError",
    "Vocabulary",
    "fit_valence",
    "identity",
    "judge_all",
    "judge_smiles",
    "logp",
    "molecular_weight",
    "murcko_scaffold",
    "num_h_bond_acceptors",
    "num_h_bond_donors",
    "num_heavy_atoms",
    "num_rings",
    "num_rotatable_bonds",
    "pack_bonds",
    "qed",
    "quiet_rdkit",
    "read_smiles",
    "repair",
    "sa_score",
    "tpsa",
    "unpack_bonds",
]
