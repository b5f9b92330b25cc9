"""`molgan.release` on a tiny run: what is written, from what, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from molgan.bundle import Bundle
from molgan.data.files import file_sha256
from molgan.evaluate import main as evaluate
from molgan.release import main

WORDS = "## Data and licence\n\nOurs.\n\n## Limits\n\nTiny.\n"
ENDINGS = (".molgan", ".md", ".json", ".png")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "words.md"
    path.write_text(WORDS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def settings(finished_run: Path, words: Path) -> list[str]:
    return [f"run={finished_run}", "name=tiny", f"words={words}", "compared=40", "molecules=4"]


@pytest.fixture(scope="module")
def released(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ready model `tiny`, measured with two seeds."""
    folder = tmp_path_factory.mktemp("ready")
    assert main([*settings, f"out={folder}"]) == 0
    unmeasured = (folder / "tiny.molgan").read_bytes()
    for seed in (0, 1):
        measure = ["protocol=strict", "protocol.groups=[strict]", "protocol.n=60"]
        at = [f"seed={seed}", f"out={folder / str(seed)}", "progress=false", "errors=false"]
        assert evaluate([f"library={folder / 'tiny.molgan'}", *measure, *at]) == 0
    figures = f"evaluations=[{folder / '0'},{folder / '1'}]"
    assert main([*settings, f"out={folder}", figures]) == 0
    assert (folder / "tiny.molgan").read_bytes() == unmeasured
    return folder


def test_the_bundle_is_the_run_s_in_half_precision(released: Path, finished_run: Path):
    own, bundle = Bundle.load(finished_run), Bundle.load(released / "tiny.molgan")
    assert (own.precision, bundle.precision) == ("full", "half")
    assert (released / "tiny.molgan").stat().st_size < (finished_run / "last.molgan").stat().st_size
    assert bundle.metrics == own.metrics
    assert bundle.encoder is not None
    for key, weight in own.generator.state_dict().items():
        assert bundle.generator.state_dict()[key].equal(weight.half().float())


def test_no_file_names_a_folder_of_this_machine(released: Path, finished_run: Path):
    places = {str(finished_run.parent), str(finished_run.parents[1]), str(released)}
    assert any(place in (finished_run / "config.json").read_text() for place in places)
    for ending in ENDINGS:
        content = (released / f"tiny{ending}").read_bytes()
        assert not any(place.encode() in content for place in places), ending
    assert Bundle.load(released / "tiny.molgan").config["data"]["path"] == "small.smi"


def test_facts_come_from_the_run_and_its_evaluations(released: Path, finished_run: Path):
    facts = json.loads((released / "tiny.json").read_text())
    manifest = json.loads((finished_run / "manifest.json").read_text())
    assert facts["file"]["sha256"] == file_sha256(released / "tiny.molgan")
    assert facts["file"]["bytes"] == (released / "tiny.molgan").stat().st_size
    assert facts["data"]["molecules"] == manifest["data"]["molecules"]
    assert facts["recipe"]["command"].startswith("python -m molgan.train data=file data.path=small")
    assert "run_dir" not in facts["recipe"]["command"]
    assert facts["recipe"]["changed_since"] == []
    assert facts["recipe"]["minutes"] >= 0
    assert 0.9 <= facts["agreement"]["identical"] <= 1
    for seed, entry in enumerate(facts["evaluations"]):
        (measured,) = json.loads((released / str(seed) / "results.json").read_text())
        assert entry["figures"] == measured["figures"]
        assert (entry["seed"], entry["protocol"]) == (seed, "strict")


def test_the_card_tells_them_and_the_words(released: Path):
    facts = json.loads((released / "tiny.json").read_text())
    card = (released / "tiny.md").read_text()
    assert WORDS.strip() in card
    assert "![molecules drawn from tiny](tiny.png)" in card
    assert "| | seed 0 | seed 1 | mean |" in card
    valid = [100 * entry["figures"]["valid"] for entry in facts["evaluations"]]
    row = next(line for line in card.splitlines() if line.startswith("| valid (strict), % ↑"))
    assert [float(cell) for cell in row.split("|")[2:5]] == [
        pytest.approx(value, abs=0.051) for value in [*valid, sum(valid) / 2]
    ]
    assert f"SHA-256 `{facts['file']['sha256']}`" in card
    assert f"`{facts['recipe']['command']}`" in card


def test_figures_of_another_file_are_refused(released: Path, settings: list[str], tmp_path, capsys):
    figures = f"evaluations=[{released / '0'}]"
    assert main([*settings, f"out={tmp_path}", "precision=full", figures]) == 1
    assert "figures of another file" in capsys.readouterr().err
    assert not (tmp_path / "tiny.md").exists()


@pytest.mark.parametrize(
    ("setting", "message", "code"),
    [
        ("name=Tiny/One", "name=Tiny/One", 2),
        ("run=nowhere", "run=nowhere: there is no such folder", 2),
        ("words=nowhere.md", "nowhere.md", 1),
        ("precision=quarter", "precision=quarter is unknown", 2),
        ("molecules=0", "molecules=0", 2),
    ],
)
def test_settings_that_will_not_do(settings, setting, message, code, tmp_path, capsys):
    assert main([*settings, f"out={tmp_path}", setting]) == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_finished_run_is_refused(settings, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    assert main([*settings, f"out={tmp_path}", f"run={tmp_path / 'run'}"]) == 1
    assert "config.json" in capsys.readouterr().err
