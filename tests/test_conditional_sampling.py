"""Asking a conditional model: `MolGAN.sample`, `molgan.generate`, and what is refused."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from molgan import MolGAN
from molgan.bundle import Bundle
from molgan.conditions import Conditions
from molgan.errors import ConfigError
from molgan.generate import main
from molgan.graphs import MolGraphs
from molgan.models import PropertyNetwork

PROPERTIES = {"heavy_atoms": {}, "logp": {}}


@pytest.fixture(scope="module")
def asked_bundle(chain_bundle: Bundle) -> Bundle:
    """Chains whose number of atoms can be asked for: what the sampler does not hear, sizes do."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, 2000)
    values = np.column_stack([sizes, sizes / 2 + rng.normal(0, 0.1, 2000)])
    return replace(
        chain_bundle,
        generator=chain_bundle.generator.with_conditions(2).eval(),
        conditions=Conditions.of(PROPERTIES, values, sizes),
    )


@pytest.fixture
def model(asked_bundle: Bundle, tmp_path: Path) -> Path:
    return asked_bundle.save(tmp_path / "asked.molgan")


def heavy_atoms(smiles: list[str]) -> list[int]:
    return [Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in smiles]


def test_a_library_holds_what_was_asked_for_and_what_was_obtained(asked_bundle):
    library = MolGAN(asked_bundle).sample(200, seed=0, condition={"heavy_atoms": 3})
    assert set(heavy_atoms(library.smiles)) == {3}
    assert set(library.frame["wanted_heavy_atoms"]) == {3.0}
    assert set(library.frame["heavy_atoms"]) == {3.0}
    assert "wanted_logp" not in library.frame


def test_a_value_for_each_molecule_goes_with_its_molecule(asked_bundle):
    wanted = np.resize([2, 5, 3], 2500)  # more than one block
    library = MolGAN(asked_bundle).sample(2500, condition={"heavy_atoms": wanted})
    assert library.frame["wanted_heavy_atoms"].tolist() == heavy_atoms(library.smiles)
    assert library.rejected
    assert set(heavy_atoms(library.smiles)) == {2, 3, 5}


def test_the_seed_decides_and_batches_do_not(asked_bundle):
    wanted = asked_bundle.wanted({"logp": np.linspace(0.5, 2.5, 1500)}, 1500)
    sampler = asked_bundle.sampler(wanted=wanted)
    one, other, third = (
        [item.smiles for draw in sampler.stream(1500, seed, size) for item in draw.decoded]
        for seed, size in ((0, 1024), (0, 100), (1, 1024))
    )
    assert one == other != third


def test_of_several_candidates_the_one_that_looks_nearest_is_decoded(asked_bundle):
    torch.manual_seed(0)
    types = asked_bundle.vocabulary.num_atom_types, asked_bundle.vocabulary.num_bond_types
    guess = PropertyNetwork(*types, num_properties=2).eval()
    bundle = replace(asked_bundle, properties=guess)
    wanted = bundle.wanted({"heavy_atoms": 4}, 1)

    def missed(candidates: int) -> float:
        """How far from the request the network takes the graphs drawn to be."""
        sampler = bundle.sampler(wanted=wanted, candidates=candidates)
        (draw,) = sampler.stream(300, 0, 300 * candidates)
        atoms, bonds = torch.from_numpy(draw.atoms), torch.from_numpy(draw.bonds)
        with torch.no_grad():
            guessed = guess(MolGraphs.from_indices(atoms, bonds, *types))[:, 0]
        target = (4 - bundle.conditions.means[0]) / bundle.conditions.deviations[0]
        return float((guessed - target).abs().mean())

    assert missed(8) < missed(2) < missed(1)
    plain = MolGAN(bundle).sample(200, candidates=8).smiles
    assert plain == MolGAN(asked_bundle).sample(200).smiles  # nothing asked, nothing to choose by
    with pytest.raises(ConfigError, match="candidates=0"):
        MolGAN(bundle).sample(5, condition={"logp": 1.0}, candidates=0)


def test_without_a_request_it_is_a_plain_generator(asked_bundle):
    library = MolGAN(asked_bundle).sample(300)
    assert set(heavy_atoms(library.smiles)) == {1, 2, 3, 4, 5}
    assert list(library.frame) == ["name", "smiles", "novel"]


def test_conditions_survive_the_file(asked_bundle, model):
    again = MolGAN.load(model).sample(50, condition={"logp": 1.0}).smiles
    assert again == MolGAN(asked_bundle).sample(50, condition={"logp": 1.0}).smiles


def common(model: Path, out: Path) -> list[str]:
    settings = ["n=40", "unique=false", "progress=false", "device=cpu", "scores=false"]
    return [f"model={model}", f"out={out}", *settings]


def test_the_command_reports_requested_against_obtained(model, tmp_path, capsys):
    out = tmp_path / "library.smi"
    assert main([*common(model, out), "condition.heavy_atoms=4"]) == 0
    with out.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert list(rows[0]) == ["name", "smiles", "novel", "heavy_atoms", "wanted_heavy_atoms"]
    assert {row["wanted_heavy_atoms"] for row in rows} == {"4"}
    assert set(heavy_atoms([row["smiles"] for row in rows])) == {4}
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "heavy_atoms" in line]
    assert line.split() == ["heavy_atoms", "4.000", "4.000", "0.000", "0.000", "-"]


def test_several_requests_and_one_beyond_the_data(model, tmp_path, capsys):
    out = tmp_path / "library.smi"
    asked = ["condition={heavy_atoms: 4, logp: 7}", "condition_outside=true", "scores=true"]
    assert main([*common(model, out), *asked]) == 0
    with out.with_suffix(".csv").open() as file:
        row = next(csv.DictReader(file))
    assert (row["wanted_heavy_atoms"], row["wanted_logp"]) == ("4", "7")
    assert float(row["logp"]) < 7
    assert "qed" in row
    assert "logp" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("condition.qed=0.5", ["condition.qed", "heavy_atoms (1 to 5)", "logp"]),
        ("condition.heavy_atoms=many", ["condition.heavy_atoms", "number"]),
        ("condition.heavy_atoms=12", ["outside the data", "between 1 and 5", "condition_outside"]),
        ("condition=3", ["condition=3", "condition.logp=2.5"]),
    ],
)
def test_requests_that_cannot_be_met(model, tmp_path, capsys, setting, words):
    assert main([*common(model, tmp_path / "a.smi"), setting]) == 2
    message = capsys.readouterr().err
    assert all(word in message for word in words), message
    assert not (tmp_path / "a.smi").exists()


def test_a_model_that_cannot_be_asked_says_how_to_train_one(chain_bundle, tmp_path, capsys):
    plain = chain_bundle.save(tmp_path / "plain.molgan")
    assert main([*common(plain, tmp_path / "a.smi"), "condition.logp=2.5"]) == 2
    assert "experiment=conditional" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"experiment=conditional.*properties=\[logp\]"):
        MolGAN(chain_bundle).sample(5, condition={"logp": 2.5})
