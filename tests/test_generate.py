"""``molgan.generate``: a library from a bundle, with every molecule drawn accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from rdkit import Chem

from molgan.chem import Decoded, Fragment
from molgan.generate import Selection, main
from molgan.metrics import HashedIdentities


def good(smiles: str) -> Decoded:
    return Decoded(Chem.MolFromSmiles(smiles), smiles, None)


BAD = Decoded(None, None, "valence")


def test_selection_counts_every_molecule_once():
    selection = Selection(unique=True, known=HashedIdentities.from_smiles(["CC"]))
    decoded = [good("CCO"), BAD, good("CC"), good("CCO"), BAD]
    repaired = [decoded[0], good("CN"), decoded[2], decoded[3], BAD]
    kept, mended = selection.keep(decoded, repaired)
    assert [item.smiles for item in kept] == ["CCO", "CN"]
    assert mended == [False, True]
    assert selection.counts == {
        "drawn": 5,
        "kept": 2,
        "repaired": 1,
        "rejected: valence": 1,
        "rejected: in the training set": 1,
        "rejected: repeat": 1,
    }
    assert selection.keep([good("CCO")], [good("CCO")]) == ([], [])  # also across batches


def test_selection_by_a_fragment():
    selection = Selection(unique=True, fragment=Fragment.parse("CO"))
    decoded = [good("CCO"), BAD, good("CC"), good("CN")]
    kept, _ = selection.keep(decoded, decoded)
    assert [item.smiles for item in kept] == ["CCO"]
    assert selection.counts["rejected: without the fragment"] == 2


def test_selection_stops_when_it_has_enough():
    selection = Selection(unique=False)
    decoded = [BAD, good("C"), good("C"), good("N"), BAD]
    kept, _ = selection.keep(decoded, decoded, at_most=2)
    assert [item.smiles for item in kept] == ["C", "C"]
    assert selection.counts == {"drawn": 3, "kept": 2, "rejected: valence": 1}


@pytest.fixture(scope="module")
def models(chain_bundle, paper_bundle, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "latent": chain_bundle.save(folder / "latent.molgan"),
        "molgan": paper_bundle.save(folder / "paper.molgan"),
    }


def library(path: Path) -> tuple[list[str], list[str], pd.DataFrame]:
    rows = [line.split(" ") for line in path.read_text().splitlines()]
    return [row[0] for row in rows], [row[1] for row in rows], pd.read_csv(path.with_suffix(".csv"))


def run(model: Path, out: Path, *overrides: str) -> int:
    return main([f"model={model}", f"out={out}", "progress=false", "device=cpu", *overrides])


@pytest.mark.parametrize("kind", ["latent", "molgan"])
def test_every_line_is_a_molecule_with_a_name_of_its_own(kind, models, tmp_path, capsys):
    out = tmp_path / "library.smi"
    assert run(models[kind], out, "n=300", "unique=false", "keep=false") == 0
    smiles, names, table = library(out)
    assert 20 < len(smiles) < 300
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        assert mol is not None
        assert Chem.MolToSmiles(mol) == text
        assert "." not in text
    assert len(set(names)) == len(names)
    assert table["smiles"].tolist() == smiles
    assert table["name"].tolist() == names
    assert set(table.columns) >= {"qed", "logp", "sa"}
    printed = capsys.readouterr().out
    assert f"{len(smiles)} molecules in {out} (300 drawn)" in printed
    rejected = [int(line.split(": ")[-1]) for line in printed.splitlines()[1:]]
    assert sum(rejected) == 300 - len(smiles)


def test_only_molecules_with_the_fragment(models, tmp_path, caplog):
    out = tmp_path / "library.smi"
    assert run(models["latent"], out, "n=500", "contains=N=O", "scores=false") == 0
    smiles, _, _ = library(out)
    query = Chem.MolFromSmarts("N=O")
    assert smiles
    assert all(Chem.MolFromSmiles(text).HasSubstructMatch(query) for text in smiles)


def test_unique_and_novel_molecules_only(models, chain_bundle, tmp_path):
    out = tmp_path / "library.smi"
    assert run(models["latent"], out, "n=300", "novel=true", "keep=false", "scores=false") == 0
    smiles, _, _ = library(out)
    assert len(set(smiles)) == len(smiles)
    assert not chain_bundle.identities.contains(smiles).any()


def test_keep_goes_on_until_there_are_enough(models, tmp_path, capsys):
    out = tmp_path / "library.smi"
    assert run(models["latent"], out, "n=40", "keep=true", "batch_size=32", "scores=false") == 0
    assert len(library(out)[0]) == 40
    drawn = int(capsys.readouterr().out.split("(")[1].split(" ")[0])
    assert 40 < drawn < 800


def test_repaired_molecules_are_marked(models, tmp_path):
    plain, repaired = tmp_path / "plain.smi", tmp_path / "repaired.smi"
    common = ("n=200", "unique=false", "keep=false", "scores=false")
    assert run(models["molgan"], plain, *common) == 0
    assert run(models["molgan"], repaired, "repair=valence", *common) == 0
    table = library(repaired)[2]
    assert table["smiles"][table["repaired"] == 0].tolist() == library(plain)[0]
    assert table["repaired"].sum() > 0


def test_batch_size_does_not_change_the_library(models, tmp_path):
    first, second = tmp_path / "first.smi", tmp_path / "second.smi"
    assert run(models["molgan"], first, "n=200", "scores=false") == 0
    assert run(models["molgan"], second, "n=200", "scores=false", "batch_size=37") == 0
    assert first.read_text() == second.read_text()


def test_model_is_a_path_here_and_a_group_in_train(models, tmp_path, capsys):
    from molgan import config

    path = models["latent"]
    assert config.compose([f"model={path}"], "generate").model_path == str(path)
    assert config.compose([f"model_path={path}"], "generate").model_path == str(path)
    assert "critic" in config.compose(["model=molgan"]).model
    assert run(tmp_path / "nowhere.molgan", tmp_path / "library.smi") == 1
    assert "there is no model" in capsys.readouterr().err
    assert main(["n=3"]) == 2
    assert "model=..." in capsys.readouterr().err


REWARD = """
aggregation: arithmetic
components:
  qed: {weight: 3}
  size: {type: heavy_atoms, transform: {type: linear, worst: 0, best: 10}}
  novelty: {}
  uniqueness: {}
"""


def test_an_objective_adds_its_scores(models, tmp_path):
    reward, out = tmp_path / "mine.yaml", tmp_path / "out.smi"
    reward.write_text(REWARD)
    arguments = [
        f"model={models['latent']}",
        f"out={out}",
        f"reward={reward}",
        "n=40",
        "keep=false",
    ]
    assert main([*arguments, "keep=false", "device=cpu", "progress=false", "unique=false"]) == 0
    smiles, _, table = library(out)
    scored = ["qed", "size", "novelty", "uniqueness"]
    pairs = [column for name in scored for column in (name, f"{name}_score")]
    assert list(table.columns) == [
        "name",
        "smiles",
        "novel",
        "logp",
        "sa",
        *pairs,
        "reward",
        "reward_note",
    ]
    sizes = [Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in smiles]
    assert table["size"].tolist() == sizes
    expected = (3 * table["qed"] + table["size"] / 10 + table["novelty"] + 1) / 6
    assert table["reward"].tolist() == pytest.approx(expected.tolist(), rel=1e-4)
    training = ("CCO", "CCCCC", "CN=O", "C#CC")
    assert table["novelty"].tolist() == [float(text not in training) for text in smiles]
    described = json.loads(out.with_suffix(".reward.json").read_text())
    assert described["components"]["qed"]["weight"] == 3


def test_an_objective_that_cannot_work_is_said_before_anything_is_drawn(models, tmp_path, capsys):
    reward, out = tmp_path / "mine.yaml", tmp_path / "out.smi"
    (tmp_path / "mine.py").write_text("def score(smiles):\n    return [1.0]\n")
    function = f"{tmp_path / 'mine.py'}:score"
    reward.write_text(
        f"components: {{mine: {{type: python, function: '{function}', batch: true, "
        "transform: identity}}"
    )
    assert main([f"model={models['latent']}", f"out={out}", f"reward={reward}", "n=5"]) == 2
    said = capsys.readouterr().err
    assert "component mine fails on each of 3 trial molecules" in said
    assert "returned 1 scores for 3 molecules" in said
    assert not out.exists()
