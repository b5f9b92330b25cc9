"""Choosing among the hits."""

from __future__ import annotations

import pytest
from rdkit import Chem

from molgan.errors import ConfigError
from molgan.metrics.similarity import morgan_bits
from molgan.screening.picking import Pick

SMILES = ["CCO", "CCCO", "c1ccccc1", "Cc1ccccc1", "CCN", "CC(=O)O"]
NUMBERS = ("qed", "sa")


@pytest.fixture
def hits(tmp_path):
    """QED rises, SA falls and rises again; scaffolds are none or benzene."""
    qed = [0.1, 0.2, 0.3, 0.4, 0.5, ""]
    sa = [1, 5, 2, 4, 3, 1]
    scaffold = ["", "", "c1ccccc1", "c1ccccc1", "", ""]
    path = tmp_path / "hits.csv"
    rows = zip(SMILES, qed, sa, scaffold, strict=True)
    path.write_text(
        "smiles,qed,sa,scaffold\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)
    )
    return path


@pytest.fixture
def bits(tmp_path):
    path = tmp_path / "bits.bin"
    path.write_bytes(morgan_bits([Chem.MolFromSmiles(text) for text in SMILES]).tobytes())
    return path


def test_best_by_a_score_in_its_direction(hits):
    assert Pick(method="best", n=3, by="qed").choose(hits, None).tolist() == [4, 3, 2]
    assert Pick(method="best", n=3, by="sa").choose(hits, None).tolist() == [0, 5, 2]


def test_unknown_scores_come_last(hits):
    assert Pick(n=6, by="qed").choose(hits, None).tolist()[-1] == 5


def test_pareto_front(hits):
    pick = Pick(pareto={"qed": "max", "sa": "min"})
    assert sorted(pick.choose(hits, None).tolist()) == [0, 2, 4]


def test_cap_per_scaffold_keeps_the_best(hits):
    pick = Pick(per_scaffold=1, by="qed")
    assert pick.choose(hits, None).tolist() == [4, 3]


def test_diverse_picks(hits, bits):
    chosen = Pick(method="maxmin", n=2, by="qed").choose(hits, bits).tolist()
    assert chosen[0] == 4
    assert len(set(chosen)) == 2
    assert len(Pick(method="sphere", threshold=1.0).choose(hits, bits)) == 6
    assert len(Pick(method="butina", threshold=0.0).choose(hits, bits)) == 1
    assert Pick(method="maxmin", n=4).choose(hits, bits).tolist() == (
        Pick(method="maxmin", n=4).choose(hits, bits).tolist()
    )


def test_nothing_to_choose_from(tmp_path):
    empty = tmp_path / "hits.csv"
    empty.write_text("smiles,qed,sa,scaffold\n")
    (tmp_path / "bits.bin").write_bytes(b"")
    for pick in (
        Pick(method="maxmin", n=3),
        Pick(method="butina"),
        Pick(pareto={"qed": "max"}),
        Pick(per_scaffold=1),
        Pick(method="best", n=2, by="qed"),
    ):
        assert len(pick.choose(empty, tmp_path / "bits.bin")) == 0


@pytest.mark.parametrize(
    ("pick", "said"),
    [
        (Pick(method="magic"), "pick.method=magic: choose from maxmin, sphere, butina, best"),
        (Pick(method="maxmin"), "needs pick.n"),
        (Pick(method="best", n=3), "needs pick.by"),
        (Pick(n=0), "pick.n=0"),
        (Pick(per_scaffold=0), "pick.per_scaffold=0"),
        (Pick(method="sphere", threshold=1.5), "pick.threshold=1.5"),
        (Pick(by="beauty"), "pick.by: there is no score 'beauty'; choose from qed, sa"),
        (Pick(pareto={"qed": "up"}), "pick.pareto.qed=up: choose max or min"),
        (Pick(pareto={"beauty": "max"}), "pick.pareto: there is no score 'beauty'"),
    ],
)
def test_what_cannot_work_names_its_key(pick, said):
    with pytest.raises(ConfigError) as caught:
        pick.check(NUMBERS)
    assert said in str(caught.value)
