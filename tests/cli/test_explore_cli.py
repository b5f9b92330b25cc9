"""`molgan.explore` as a user meets it: SMILES as they are, files as `molgan.generate`'s."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from rdkit import Chem

from molgan.explore import main


@pytest.fixture
def model(chain_bundle, tmp_path: Path) -> Path:
    return chain_bundle.save(tmp_path / "chains.molgan")


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_library_around_a_lead(model, tmp_path, capsys):
    out = tmp_path / "new" / "near.smi"
    typed = [f"model={model}", "lead=CN=O", "contains=N=O", "radius=2", "n=12", f"out={out}"]
    assert main(typed) == 0
    rows = table(out.with_suffix(".csv"))
    lines = [line.split(" ") for line in out.read_text().splitlines()]
    assert lines == [[row["smiles"], row["name"]] for row in rows]
    assert list(rows[0]) == ["name", "smiles", "similarity", "radius", "novel", "qed", "logp", "sa"]
    assert rows[0]["name"] == "near000000"
    query = Chem.MolFromSmarts("N=O")
    assert all(Chem.MolFromSmiles(row["smiles"]).HasSubstructMatch(query) for row in rows)
    assert f"{len(rows)} molecules in {out} (" in capsys.readouterr().out


def test_a_reward_beside_the_similarity(model, tmp_path):
    out = tmp_path / "near.smi"
    typed = [f"model={model}", "lead=CCO", "radius=2", "n=5", f"out={out}", "reward=qed"]
    assert main([*typed, "scores=false"]) == 0
    assert {"similarity", "qed", "reward"} <= set(table(out.with_suffix(".csv"))[0])


def test_a_walk_to_another_molecule(model, tmp_path):
    out = tmp_path / "walk.smi"
    assert main([f"model={model}", "lead=CCO", "to=CN=O", "n=6", f"out={out}"]) == 0
    positions = [float(row["position"]) for row in table(out.with_suffix(".csv"))]
    assert positions == sorted(positions)
    assert 0 <= min(positions) <= max(positions) <= 1


@pytest.mark.parametrize(
    ("settings", "words", "code"),
    [
        (["lead=CCS"], ["cannot encode 'CCS'", "vocabulary: S"], 1),
        (["lead=CCCCCCC"], ["up to 5 heavy atoms"], 1),
        (["lead=CCO", "contains=C#N"], ["lead CCO does not contain C#N"], 1),
        (["lead=CCO", "contains=[C"], ["neither SMARTS nor SMILES"], 2),
        (["lead=CCO", "n=0"], ["n=0"], 2),
        (["lead=CCO", "radius=wide"], ["radius=wide", "number"], 2),
        (["lead=CCO", "radius=-1"], ["radius=-1"], 2),
        (["lead=CCO", "to=CCN", "radius=1"], ["to=", "radius="], 2),
        ([], ["lead must be given"], 2),
    ],
)
def test_what_cannot_work(model, tmp_path, refused, settings, words, code):
    out = tmp_path / "a.smi"
    message = refused(main, [f"model={model}", f"out={out}", *settings], code)
    for word in words:
        assert word in message
    assert not out.exists()
