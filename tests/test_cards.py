"""Cards: nothing of the machine in them, and figures only of the very file."""

from __future__ import annotations

import json

import pytest

from molgan.cards import changed_since, read_evaluations, without_folders
from molgan.config import compose, to_plain
from molgan.errors import MolganError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/me/qm9.csv.gz", "qm9.csv.gz"),
        ("~/data/qm9.csv", "qm9.csv"),
        ("/home/me/runs/", ""),
        (r"C:\Users\me\qm9.csv", "qm9.csv"),
        ("data.path=/home/me/qm9.csv", "data.path=qm9.csv"),
        ("python /opt/me/dock.py --box=/opt/me/box.txt", "python dock.py --box=box.txt"),
        ("data.path=[/a/b.smi,/a/c.smi]", "data.path=[b.smi,c.smi]"),
        ("https://example.org/a/b.csv", "https://example.org/a/b.csv"),
        ("molgan.models.Encoder", "molgan.models.Encoder"),
        ("F/C=C/F and/or 1/2", "F/C=C/F and/or 1/2"),
        ("30 / 40", "30 / 40"),
    ],
)
def test_paths_are_cut_down_to_file_names(text, expected):
    assert without_folders(text) == expected


def test_plain_data_keeps_its_shape():
    data = {"a": ["/x/y/z", 1, None], "b": {"c": "/x/y/z", "d": 0.5, "e": True}}
    assert without_folders(data) == {"a": ["z", 1, None], "b": {"c": "z", "d": 0.5, "e": True}}


def test_a_card_says_what_has_to_be_added_where_defaults_changed():
    typed = ["debug=smoke", "model.generator.noise_dim=7", "data.path=null"]
    config = to_plain(compose(typed))
    assert changed_since(config, typed) == []
    config["run_dir"] = "elsewhere"
    config["model"]["noise_scale"] = 3.0
    del config["model"]["refine_steps"]
    config["seed"] = 5
    config["model"]["critic"]["conv_units"] = [8, 16]
    config["model"]["encoder"]["gone"] = None
    del config["optimizer"]["fused"]
    del config["trainer"]["guard"]
    assert changed_since(config, typed) == [
        "model.critic.conv_units=[8,16]",
        "+model.encoder.gone=null",
        "~optimizer.fused",
        "seed=5",
        "~trainer.guard",
    ]


def report(seed, sha256="abc", **figures):
    return {
        "library": "m",
        "sha256": sha256,
        "protocol": "strict",
        "seed": seed,
        "figures": figures,
        "errors": {},
        "missing": {},
        "notes": ["drawn from /home/me/m.molgan"],
    }


def test_evaluations_come_in_order_once_each_without_folders(tmp_path):
    for place, entries in {"a": [report(1)], "b": [report(0), report(1, valid=1.0)]}.items():
        (tmp_path / place).mkdir()
        (tmp_path / place / "results.json").write_text(json.dumps(entries))
    found = read_evaluations([tmp_path / "a", tmp_path / "b" / "results.json"], "abc")
    assert [(each["seed"], each["figures"]) for each in found] == [(0, {}), (1, {"valid": 1.0})]
    assert found[0]["notes"] == ["drawn from m.molgan"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps([report(0, "other")]), "figures of another file"),
        (json.dumps([{"library": "m"}]), "is not what molgan.evaluate writes"),
        (json.dumps({"valid": 1.0}), "is not what molgan.evaluate writes"),
        ("no json", "is not JSON"),
        (None, "cannot read"),
    ],
)
def test_an_evaluation_that_will_not_do_is_named(tmp_path, text, words):
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MolganError, match=rf"results\.json.*{words}|{words}.*results\.json"):
        read_evaluations([path], "abc")
