"""Ready models: found by name, clear about names that are none; and each that ships is sound."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from molgan import MolGAN, pretrained
from molgan.bundle import Bundle
from molgan.bundle_file import locate
from molgan.data.files import file_sha256
from molgan.errors import BundleError
from molgan.evaluate import main as evaluate
from molgan.generate import main as generate
from molgan.release import LARGEST

SHIPPED = pretrained.available()
# Folders of machines on which models are made; a slash in a SMILES or an address is none.
PRIVATE = re.compile(
    rb"(?<![\w/.])(/(home|root|work|tmp|Users|mnt|data|opt|srv|var)/|[A-Z]:\\\\?\w)"
)


@pytest.fixture
def ready(chain_bundle, tmp_path, monkeypatch) -> Path:
    """A folder of ready models with one, `chains`, in place of molgan's own."""
    folder = tmp_path / "ready"
    chain_bundle.save(folder / "chains.molgan", "half")
    (folder / "chains.md").write_text("# Ready model `chains`\n", encoding="utf-8")
    (folder / "chains.json").write_text(json.dumps({"name": "chains"}), encoding="utf-8")
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    return folder


def test_a_ready_model_is_a_bundle_with_its_card(ready, chain_bundle):
    assert pretrained.available() == MolGAN.pretrained_models() == ["chains"]
    assert pretrained.card("chains") == MolGAN.card("chains") == "# Ready model `chains`\n"
    assert pretrained.facts("chains") == {"name": "chains"}
    model = MolGAN.from_pretrained("chains")
    assert model.sample(50, seed=1).smiles == MolGAN(chain_bundle).sample(50, seed=1).smiles


def test_an_unknown_name_is_told_which_there_are(ready):
    (ready / "rings.molgan").write_bytes((ready / "chains.molgan").read_bytes())
    with pytest.raises(BundleError, match=r"'chain': did you mean 'chains'\? .*chains, rings"):
        MolGAN.from_pretrained("chain")
    with pytest.raises(BundleError, match=r"'zinc': there are: chains, rings$"):
        MolGAN.card("zinc")
    with pytest.raises(BundleError, match=r"'\.\./ready/chains': there are"):
        MolGAN.from_pretrained("../ready/chains")
    with pytest.raises(BundleError, match=r"chains\.molgan.*MolGAN\.load"):
        MolGAN.from_pretrained(str(ready / "chains.molgan"))
    with pytest.raises(BundleError, match=r"'rings' has no rings\.md"):
        pretrained.card("rings")


def test_an_installation_without_models_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert pretrained.available() == []
    with pytest.raises(BundleError, match="this installation holds none"):
        MolGAN.from_pretrained("qm9")


def test_looking_for_a_model_loads_no_torch():
    code = "import sys; from molgan import pretrained; pretrained.available(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "rdkit", "numpy"}.isdisjoint(done.stdout.split())


def test_a_path_wins_over_a_name(ready, paper_bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert locate("chains") == ready / "chains.molgan"
    run = tmp_path / "chains"
    run.mkdir()
    with pytest.raises(BundleError, match=r"folder chains holds no trained model.*ready model"):
        locate("chains")
    paper_bundle.save(run / "last.molgan")
    assert locate("chains") == Path("chains/last.molgan")
    with pytest.raises(BundleError, match=r"no model chain;.*a ready model \(chains\)"):
        locate("chain")


def test_the_command_takes_a_name(ready, chain_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = ["n=40", "keep=false", "out=a.smi", "progress=false", "device=cpu", "scores=false"]
    assert generate(["model=chains", *settings]) == 0
    drawn = [line.split()[0] for line in Path("a.smi").read_text().splitlines()]
    assert drawn == MolGAN(chain_bundle).sample(40).distinct().smiles
    assert generate(["model=chian", *settings]) == 1
    assert "ready model (chains)" in capsys.readouterr().err


def test_a_name_can_be_measured(ready, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = ["protocol=strict", "protocol.groups=[strict]", "protocol.n=40", "seed=3"]
    quiet = ["out=figures", "progress=false", "errors=false", "device=cpu"]
    assert evaluate(["library=chains", *settings, *quiet]) == 0
    (entry,) = json.loads(Path("figures/results.json").read_text())
    assert entry["sha256"] == file_sha256(ready / "chains.molgan")
    assert (entry["protocol"], entry["seed"], entry["figures"]["n"]) == ("strict", 3, 40)


# ------------------------------------------------------------------ what ships


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_is_small_and_carries_nothing_of_the_machine(name):
    file = pretrained.path(name)
    assert file.stat().st_size < LARGEST
    for suffix in (".molgan", ".md", ".json"):
        content = file.with_suffix(suffix).read_bytes()
        if suffix == ".molgan":
            content = content[: 8 + int.from_bytes(content[:8], "little")]
        assert not PRIVATE.search(content), (suffix, PRIVATE.search(content))
    assert file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_of_a_shipped_model_is_of_its_very_file(name):
    facts, card = pretrained.facts(name), pretrained.card(name)
    sha256 = file_sha256(pretrained.path(name))
    assert sha256 == facts["file"]["sha256"]
    assert sha256 in card
    assert facts["evaluations"]
    assert {entry["sha256"] for entry in facts["evaluations"]} == {sha256}
    for entry in facts["evaluations"]:
        assert f"seed {entry['seed']}" in card
    for part in ("## Data and licence", "## Intended use", "## Limits", "## Figures", "## Recipe"):
        assert f"\n{part}\n" in card


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_draws_as_well_as_its_card_says(name):
    bundle = Bundle.load(name if not Path(name).exists() else pretrained.path(name))
    assert bundle.encoder is not None
    valid = [entry["figures"]["valid"] for entry in pretrained.facts(name)["evaluations"]]
    share = min(valid)
    n = 200
    drawn = [item for draw in bundle.sampler().stream(n, 7) for item in draw.decoded]
    error = (share * (1 - share) / n) ** 0.5
    assert sum(item.valid for item in drawn) / n >= share - 4 * error - 0.01
