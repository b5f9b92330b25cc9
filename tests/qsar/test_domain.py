from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem
from rdkit.DataStructs import BulkTanimotoSimilarity

from molgan.errors import ConfigError
from molgan.metrics.similarity import Unpacked, morgan_bits, nearest
from molgan.qsar.domain import Domain


@pytest.fixture(scope="module")
def mols(smiles):
    return [Chem.MolFromSmiles(text) for text in smiles]


def test_threshold_is_the_quantile_of_the_training_molecules_own_similarities(mols):
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    prints = [GetMorganGenerator(radius=2, fpSize=1024).GetFingerprint(mol) for mol in mols]
    own = [
        max(BulkTanimotoSimilarity(one, [other for j, other in enumerate(prints) if j != i]))
        for i, one in enumerate(prints)
    ]
    assert Domain.of(mols, 0.1).threshold == pytest.approx(np.quantile(own, 0.1))


def test_training_molecules_are_inside_and_strangers_outside(mols):
    domain = Domain.of(mols[:100])
    similarity, place = domain.nearest(mols[:100])
    assert np.allclose(similarity, 1)
    assert place[7] == 7
    assert domain.holds(similarity).all()
    stranger, _ = domain.nearest([Chem.MolFromSmiles("O=S(=O)(N)C#CC12CC(Br)(C1)C2")])
    assert not domain.holds(stranger).any()
    assert not domain.holds(np.array([np.nan])).any()


def test_fingerprints_laid_out_once_give_the_same(mols):
    bits = morgan_bits(mols)
    plain = nearest(bits[:20], bits[20:])
    again = nearest(bits[:20], Unpacked(bits[20:], chunk=37))
    assert np.array_equal(plain[0], again[0])
    assert np.array_equal(plain[1], again[1])


def test_a_quantile_that_is_no_share(mols):
    with pytest.raises(ConfigError, match=r"domain_quantile=1\.5"):
        Domain.of(mols, 1.5)
