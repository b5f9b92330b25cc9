"""Composing settings: repeatedly, in any surroundings, with clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from molgan import config
from molgan.errors import ConfigError


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A small settings folder, so that these tests do not hang on molgan's own settings."""
    (tmp_path / "data").mkdir()
    (tmp_path / "train.yaml").write_text(
        "defaults:\n  - _self_\n  - data: small\n  - extra: null\n"
        "seed: 0\nrate: 0.1\nflag: false\nname: run\nsizes: [1, 2]\nlater: null\n"
        "trainer: {batch_size: 64, device: cpu, workers: 2}\nagain: ${seed}\n"
    )
    (tmp_path / "data" / "small.yaml").write_text("path: small.smi\n")
    (tmp_path / "data" / "large.yaml").write_text("path: ???\ncolumn: smiles\n")
    return tmp_path


def test_config_dir_holds_the_entry_points_settings():
    folder = config.config_dir()
    assert folder.is_absolute()
    assert (folder / "train.yaml").is_file()


def test_config_dir_prefers_the_packaged_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    package = tmp_path / "molgan"
    (package / "conf").mkdir(parents=True)
    (tmp_path / "conf").mkdir()
    monkeypatch.setattr(config, "__file__", str(package / "config.py"))
    assert config.config_dir() == package / "conf"
    (package / "conf").rmdir()
    assert config.config_dir() == tmp_path / "conf"
    (tmp_path / "conf").rmdir()
    with pytest.raises(ConfigError, match="reinstall"):
        config.config_dir()


def test_compose_any_number_of_times(conf: Path):
    assert config.compose(["seed=1"], directory=conf).seed == 1
    assert config.compose(directory=conf).seed == 0
    assert not GlobalHydra.instance().is_initialized()


def test_compose_inside_a_hydra_application(conf: Path):
    with initialize_config_dir(version_base="1.3", config_dir=str(conf)):
        outer = GlobalHydra.instance().hydra
        assert config.compose(["seed=2"], directory=conf).seed == 2
        assert GlobalHydra.instance().hydra is outer


def test_failed_compose_leaves_nothing_behind(conf: Path):
    with pytest.raises(ConfigError):
        config.compose(["nonsense=1"], directory=conf)
    assert config.compose(directory=conf).seed == 0


def test_compose_takes_groups_additions_and_quotes(conf: Path):
    cfg = config.compose(["data=large", "data.path='a, b.csv'", "+data.more=3"], directory=conf)
    assert config.to_plain(cfg)["data"] == {"path": "a, b.csv", "column": "smiles", "more": 3}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("sed=1", ["'sed'", "did you mean seed?"]),
        ("trainer.batchsize=3", ["'trainer.batchsize'", "did you mean trainer.batch_size?"]),
        ("batch_size=3", ["'batch_size'", "did you mean trainer.batch_size?"]),
        ("trainer.zzz=3", ["'trainer.zzz'", "batch_size, device, workers"]),
        ("data.column=x", ["'data.column'"]),
        ("~nothing", ["'nothing'"]),
        ("data=largr", ["data=largr", "did you mean data=large?", "large, small"]),
        ("seed", ["'seed'", "key=value"]),
        ("seed=[1", ["'seed=[1'", "key=value"]),
        ("seed=1,2", ["seed=1,2", "'seed=[1,2]'", "seed=\"'1,2'\""]),
        ("seed=many", ["seed=many", "a number is wanted", "seed=0"]),
        ("seed=true", ["seed=true", "a number is wanted"]),
        ("rate=[0.1]", ["rate=[0.1]", "a number is wanted"]),
        ("flag=yess", ["flag=yess", "true or false"]),
        ("flag=1", ["flag=1", "true or false"]),
        ("name=[a]", ["name=[a]", "a single value"]),
        ("sizes=3", ["sizes=3", "a list is wanted", "sizes=[1,2]"]),
        ("trainer=3", ["trainer=3", "batch_size, device, workers"]),
        ("data=large data.colum=x", ["'data.colum'", "did you mean data.column?"]),
    ],
)
def test_refusals_name_the_key(conf: Path, override: str, words: list[str]):
    with pytest.raises(ConfigError) as caught:
        config.compose(override.split(" "), directory=conf)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "override",
    [
        "seed=null",
        "seed=0.5",
        "rate=1",
        "rate=${seed}",
        "trainer.workers=auto",
        "flag=auto",
        "flag=list.txt",
        "flag=folder/list",
        "name=7",
        "later=[a,b]",
        "later={a: 1}",
        "trainer={batch_size: 3}",
        "again=text",
        "name='quoted text'",
    ],
)
def test_values_of_a_fitting_kind_are_taken(conf: Path, override: str):
    config.compose([override], directory=conf)


def test_a_file_in_place_of_an_option_is_that_file():
    typed = ["data=my data/a.smi", "reward=mine.yaml", "data=qm9"]
    read = config.as_hydra_reads(typed, "train")
    assert read == [
        *("data=file", "data.path=my data/a.smi"),
        *("reward=file", "reward.path=mine.yaml"),
        "data=qm9",
    ]
    assert config.as_hydra_reads(["data=a.csv"], "qsar_fit") == ["data_path=a.csv"]
    assert config.as_hydra_reads(["model=r (1)"], "generate") == ["model_path='r (1)'"]


@pytest.mark.parametrize(
    "path", ["my lib.smi", "lib (1).smi", "Müller/é, b.smi", "O'Brien.smi", "a=b.smi", "x#1&2!.smi"]
)
def test_a_path_is_taken_as_typed_whatever_its_signs(conf: Path, path: str):
    assert config.compose([f"data.path={path}"], directory=conf).data.path == path


def test_a_tilde_is_the_home_folder(conf: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/Zoë")
    assert config.compose(["data.path=~/a.smi"], directory=conf).data.path == "/home/Zoë/a.smi"


def test_numbers_that_may_be_left_to_the_program(conf: Path):
    settings = config.compose(["later=2"], directory=conf)
    assert (config.real_number(settings, "rate"), config.real_number(settings, "later")) == (0.1, 2)
    assert config.real_number(config.compose(directory=conf), "later") is None
    for wrong in ("x", "true", ".nan", "[1]"):
        settings = config.compose([f"later={wrong}"], directory=conf)
        with pytest.raises(ConfigError, match=r"later=.*number or null"):
            config.real_number(settings, "later")


def test_unknown_config_name(conf: Path):
    with pytest.raises(ConfigError, match=r"trai\.yaml"):
        config.compose(config_name="trai", directory=conf)


def test_to_plain_resolves_and_holds_no_omegaconf(conf: Path):
    plain = config.to_plain(config.compose(["seed=5"], directory=conf))
    assert plain["again"] == 5
    assert type(plain["trainer"]) is dict
    assert type(plain["sizes"]) is list


def test_to_plain_names_what_is_missing(conf: Path):
    with pytest.raises(ConfigError, match=r"data\.path must be given"):
        config.to_plain(config.compose(["data=large"], directory=conf))


def test_to_plain_names_a_reference_that_leads_nowhere(conf: Path):
    with pytest.raises(ConfigError, match="rate"):
        config.to_plain(config.compose(["rate=${nowhere.at_all}"], directory=conf))


def test_a_transform_of_another_type_takes_the_place_of_the_one_that_is_there():
    def transform(typed: str) -> dict[str, object]:
        cfg = config.compose(["reward=qsar", "reward.model=gap.qsar", f"reward.transform={typed}"])
        found: dict[str, object] = config.to_plain(cfg.reward)["transform"]
        return found

    linear = {"type": "linear", "low": 0, "high": 1.5}
    assert transform("{type: linear, low: 0, high: 1.5}") == linear
    values = transform("{values: {1: 0.5}, other: 0.1, type: value_map}")
    assert "low" not in values
    assert transform("{low: 3}") == {"type": "sigmoid", "low": 3, "high": 7.0}
    with pytest.raises(ConfigError, match=r"reward\.transfrm"):
        config.compose(["reward=qsar", "reward.transfrm={type: linear}"])
