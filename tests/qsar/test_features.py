from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from molgan.errors import BundleError, ConfigError
from molgan.qsar.features import Fingerprint, read_molecule


def mols_of(smiles):
    return [Chem.MolFromSmiles(text) for text in smiles]


@pytest.mark.parametrize("counts", [True, False])
def test_the_numbers_are_those_of_deepchems_circular_fingerprint(smiles, counts):
    from molgan.chem import quiet_rdkit
    from molgan.data.molnet import import_deepchem, quiet_logging

    deepchem = import_deepchem("this test")
    theirs = deepchem.feat.CircularFingerprint(radius=2, size=512, is_counts_based=counts)
    with quiet_logging(), quiet_rdkit():
        expected = theirs.featurize(smiles[:40])
    ours = Fingerprint(radius=2, size=512, counts=counts).matrix(mols_of(smiles[:40]))
    assert np.array_equal(ours, expected)


def test_counts_are_cut_at_what_a_byte_holds():
    table = Fingerprint(size=64).matrix(mols_of(["C" * 400]))
    assert table.max() == 255


def test_plain_form_round_trips_and_carries_a_probe():
    features = Fingerprint(radius=3, size=128, counts=False)
    plain = features.to_dict()
    assert Fingerprint.from_dict(plain) == features
    assert len(plain["probe"]) > 10


def test_other_features_and_another_rdkit_are_refused():
    plain = Fingerprint().to_dict()
    with pytest.raises(BundleError, match="'dmpnn', which this molgan does not know"):
        Fingerprint.from_dict({**plain, "kind": "dmpnn"})
    with pytest.raises(BundleError, match="RDKit computes differently"):
        Fingerprint.from_dict({**plain, "probe": plain["probe"][1:]})


@pytest.mark.parametrize(("key", "value"), [("radius", 7), ("size", 8), ("size", 70_000)])
def test_settings_out_of_range(key, value):
    with pytest.raises(ConfigError, match=rf"family\.{key}={value}"):
        Fingerprint(**{key: value})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("CC(=O)[O-].[Na+]", "CC(=O)[O-]"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("[13CH3]O", "CO"),
    ],
)
def test_what_is_read_of_a_molecule(text, kept):
    mol, reason = read_molecule(text)
    assert reason is None
    assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(kept)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("C1CC", "parse"), ("", "empty"), ("CFC", "parse"), ("[Na+].[Cl-]", "inorganic")],
)
def test_what_cannot_be_read_says_why(text, reason):
    assert read_molecule(text) == (None, reason)
