"""Chemistry on RDKit and numpy: vocabulary, codec, repair, properties. No torch in here."""

from __future__ import annotations

from molgan.chem.codec import Codec, Encoded
from molgan.chem.coverage import CoverageReport
from molgan.chem.decoding import DECODE_REASONS, Decoded
from molgan.chem.encoding import ENCODE_REASONS, EncodingError
from molgan.chem.packing import pack_bonds, unpack_bonds
from molgan.chem.rdkit_log import quiet_rdkit
from molgan.chem.reading import identity, read_smiles
from molgan.chem.vocabulary import BOND_NAMES, AtomType, Vocabulary

__all__ = [
    "BOND_NAMES",
    "DECODE_REASONS",
    "ENCODE_REASONS",
    "AtomType",
    "Codec",
    "CoverageReport",
    "Decoded",
    "Encoded",
    "EncodingError",
    "Vocabulary",
    "identity",
    "pack_bonds",
    "quiet_rdkit",
    "read_smiles",
    "unpack_bonds",
]
