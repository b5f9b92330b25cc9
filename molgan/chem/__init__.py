"""Chemistry on RDKit and numpy, without torch: what a chemist asks of one molecule.

Scores (`describe`, `SCORES`), standardisation (`Standardizer`), alerts (`Alerts`), rules (`RULES`),
oddities (`find_oddities`); and molecules as graphs: `Vocabulary`, `Codec`, `repair`.
"""

from __future__ import annotations

from molgan.chem.alerts import CATALOGUES, Alert, Alerts
from molgan.chem.codec import Codec, Encoded
from molgan.chem.coverage import CoverageReport
from molgan.chem.decoding import DECODE_REASONS, Decoded
from molgan.chem.encoding import ENCODE_REASONS, EncodingError
from molgan.chem.fast_scores import describe
from molgan.chem.fragment import Fragment
from molgan.chem.likeness import most_similar_type
from molgan.chem.oddities import ODDITIES, find_oddities
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
from molgan.chem.rule_sets import RULES, cns_mpo, rule_set
from molgan.chem.rules import Elements, Limit, RuleSet, property_ranges
from molgan.chem.scores import EXTRA_SCORES, SCORES, ScoreInfo, rdkit_descriptor
from molgan.chem.standardize import STANDARDIZE_REASONS, Standardized, Standardizer
from molgan.chem.strict import JUDGE_REASONS, judge_all, judge_smiles
from molgan.chem.vocabulary import BOND_NAMES, AtomType, Vocabulary

__all__ = [
    "BOND_NAMES",
    "CATALOGUES",
    "DECODE_REASONS",
    "ENCODE_REASONS",
    "EXTRA_SCORES",
    "JUDGE_REASONS",
    "ODDITIES",
    "POLICIES",
    "RULES",
    "SCORES",
    "STANDARDIZE_REASONS",
    "Alert",
    "Alerts",
    "AtomType",
    "Codec",
    "CoverageReport",
    "Decoded",
    "Elements",
    "Encoded",
    "EncodingError",
    "Fragment",
    "Limit",
    "RuleSet",
    "ScoreInfo",
    "Standardized",
    "Standardizer",
    "Vocabulary",
    "cns_mpo",
    "describe",
    "find_oddities",
    "fit_valence",
    "identity",
    "judge_all",
    "judge_smiles",
    "logp",
    "molecular_weight",
    "most_similar_type",
    "murcko_scaffold",
    "num_h_bond_acceptors",
    "num_h_bond_donors",
    "num_heavy_atoms",
    "num_rings",
    "num_rotatable_bonds",
    "pack_bonds",
    "property_ranges",
    "qed",
    "quiet_rdkit",
    "rdkit_descriptor",
    "read_smiles",
    "repair",
    "rule_set",
    "sa_score",
    "tpsa",
    "unpack_bonds",
]
