"""The objective of training in a screen: its columns, its threshold, its failures."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from molgan.errors import ConfigError
from molgan.rewards import make_objective
from molgan.screening import Engine, Job, Pick, Screen, run
from molgan.screening.reward import chunk_and_seconds

STEP = {"type": "step", "high": 0}
REWARD = {
    "qed": {"weight": 2},
    "halogens": {"type": "fr_halogen", "transform": STEP},
    "uniqueness": {},
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def job(source: Path, out: Path, screen: Screen, **settings: object) -> Job:
    return Job(source, out, screen, engine=Engine(parallel="none"), progress=False, **settings)  # type: ignore[arg-type]


@pytest.fixture
def three(smi) -> Path:
    return smi("Oc1ccccc1 phenol", "FCC fluoroethane", "CCO ethanol", "OCC again")


def test_hits_carry_raw_and_transformed_scores_total_and_note(three, tmp_path):
    screen = Screen(reward=make_objective(REWARD))
    manifest = run(job(three, tmp_path / "out", screen))
    hits = {row["name"]: row for row in rows_of(tmp_path / "out" / "hits.csv")}
    assert set(hits) == {"phenol", "fluoroethane", "ethanol"}
    for row in hits.values():
        assert float(row["qed_score"]) == pytest.approx(float(row["qed"]), rel=1e-5)
        good = row["halogens"] == "0"
        assert float(row["halogens_score"]) == good
        assert float(row["uniqueness"]) == 1  # whatever else is in the file
        expected = float(row["qed"]) ** 2 * good
        assert float(row["reward"]) == pytest.approx(expected, rel=1e-4)
        assert row["reward_note"] == ""
    described = manifest["settings"]["reward"]["components"]
    assert described["qed"]["weight"] == 2.0
    assert described["halogens"]["transform"]["high"] == 0


def test_ranges_of_the_reward_reject_and_picks_go_by_it(three, tmp_path):
    screen = Screen(reward=make_objective(REWARD), ranges={"reward": (0.01, None)})
    pick = Pick(method="best", n=1, by="reward")
    manifest = run(job(three, tmp_path / "out", screen, pick=pick))
    assert manifest["rejected_at"] == {"reward": 1}
    (rejected,) = rows_of(tmp_path / "out" / "rejected.csv")
    assert (rejected["name"], rejected["rule"]) == ("fluoroethane", "reward")
    assert rejected["detail"] == "reward 0 < 0.01"
    hits = rows_of(tmp_path / "out" / "hits.csv")
    (picked,) = rows_of(tmp_path / "out" / "picked.csv")
    assert picked["name"] == max(hits, key=lambda row: float(row["reward"]))["name"]


def test_only_what_passed_the_filters_is_scored(three, tmp_path):
    log = tmp_path / "asked"
    (tmp_path / "mine.py").write_text(
        f"def score(smiles):\n    open({str(log)!r}, 'a').write(' '.join(smiles) + chr(10))\n"
        "    return [0.5] * len(smiles)\n"
    )
    mine = {"type": "python", "function": f"{tmp_path / 'mine.py'}:score", "batch": True}
    reward = make_objective({"mine": {**mine, "transform": "identity"}})
    run(job(three, tmp_path / "out", Screen(reward=reward, elements=("C", "O"))))
    trial, asked = log.read_text().splitlines()
    assert len(trial.split()) == 3
    assert asked.split() == ["Oc1ccccc1", "CCO", "CCO"]  # all of a chunk at once


def test_a_failure_is_nan_with_a_reason_and_the_screen_goes_on(three, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def score(smiles):\n"
        "    if 'F' in smiles: raise ValueError('no fluorine')\n"
        "    return 1.0\n"
    )
    mine = {"type": "python", "function": f"{tmp_path / 'mine.py'}:score", "batch": False}
    reward = make_objective({"mine": {**mine, "transform": "identity"}})
    run(job(three, tmp_path / "out", Screen(reward=reward)))
    hits = {row["name"]: row for row in rows_of(tmp_path / "out" / "hits.csv")}
    failed = hits["fluoroethane"]
    assert (failed["mine"], failed["mine_score"], failed["reward"]) == ("", "", "0")
    assert failed["reward_note"] == "mine: ValueError: no fluorine"
    assert hits["phenol"]["reward"] == "1"
    screen = Screen(reward=reward, ranges={"reward": (0.5, None)})
    run(job(three, tmp_path / "ranged", screen))
    (rejected,) = rows_of(tmp_path / "ranged" / "rejected.csv")
    assert rejected["detail"] == "reward 0 < 0.5 (mine: ValueError: no fluorine)"


def test_novelty_asks_for_the_known_molecules(three, smi, tmp_path):
    screen = Screen(reward=make_objective({"new": {"type": "novelty"}}))
    with pytest.raises(ConfigError, match=r"component new has no training set here.*known=FILE"):
        screen.check()
    known = smi("OCC ethanol", name="known.smi")
    run(job(three, tmp_path / "out", replace(screen, known=str(known))))
    hits = rows_of(tmp_path / "out" / "hits.csv")
    assert {row["name"]: row["new"] for row in hits} == {
        "phenol": "1",
        "fluoroethane": "1",
        "ethanol": "0",
    }


def test_stereochemistry_of_the_input_does_not_hide_a_known_molecule(smi, tmp_path):
    source, known = smi("C[C@H](N)C(=O)O L"), smi("CC(N)C(=O)O known", name="known.smi")
    screen = Screen(reward=make_objective({"novelty": {}}), known=str(known))
    run(job(source, tmp_path / "out", screen))
    (hit,) = rows_of(tmp_path / "out" / "hits.csv")
    assert (hit["novelty"], "@" in hit["smiles"]) == ("0", True)


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"tpsa": {"type": "qed"}}, "two columns 'tpsa'"),
        ({"scaffold": {"type": "qed"}}, "two columns 'scaffold'"),
    ],
)
def test_a_component_named_like_another_column_is_refused(components, said):
    with pytest.raises(ConfigError, match=said):
        Screen(reward=make_objective(components), scaffolds=True).check()


def test_a_changed_objective_is_another_screen(three, tmp_path):
    run(job(three, tmp_path / "out", Screen(reward=make_objective(REWARD))))
    other = Screen(reward=make_objective({**REWARD, "qed": {"weight": 1}}))
    with pytest.raises(ConfigError, match="weight"):
        run(job(three, tmp_path / "out", other))


def test_components_with_time_limits_of_their_own_get_that_time():
    slow = {"type": "command", "command": "cat", "transform": "identity", "seconds": 600.0}
    assert chunk_and_seconds(make_objective({"slow": slow}), 250, 60.0) == (6, 60.0 + 3600.0)
    assert chunk_and_seconds(make_objective({"qed": {}}), 250, 60.0) == (250, 60.0)


def test_the_command_takes_the_same_file_as_training(three, tmp_path, capsys):
    from molgan.screen import main

    reward = tmp_path / "mine.yaml"
    reward.write_text(json.dumps({"components": REWARD, "aggregation": "geometric"}))
    arguments = [f"in={three}", f"out={tmp_path / 'out'}", f"reward={reward}", "n_jobs=1"]
    assert main([*arguments, "ranges={reward:[0.01,null]}", "progress=false"]) == 0
    assert "2  hits" in capsys.readouterr().out
    assert float(rows_of(tmp_path / "out" / "hits.csv")[0]["reward"]) > 0.01
