from __future__ import annotations

import math
import pickle
import sys

import numpy as np
import pytest

from molgan.errors import ConfigError
from molgan.rewards import Identity, Linear, PythonFunction
from molgan.rewards.identity import digest_of

CODE = """
def length(smiles):
    return len(smiles)

def lengths(smiles):
    return [len(one) for one in smiles]

def one_short(smiles):
    return [1.0] * (len(smiles) - 1)

def nothing(smiles):
    return None

def text(smiles):
    return "high"

def picky(smiles):
    if "CC" in smiles:
        raise ValueError("not ethane\\nnever")
    return [1.0] * len(smiles)

def picky_alone(smiles):
    if smiles == "CC":
        raise KeyError("ethane")
    return float("nan") if smiles == "C" else "0.5"

class Space:
    @staticmethod
    def half(smiles):
        return 0.5

number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in a folder of its own, under a name that no other test has."""
    name = f"user_scores_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


def scores(function, batch, decoded):
    return PythonFunction(function, batch, Identity())(decoded)


def test_one_at_a_time_and_all_at_once(module, valid):
    molecules = valid("C", "CC", "CCO")
    for name, batch in (("length", False), ("lengths", True)):
        np.testing.assert_array_equal(
            scores(f"{module}:{name}", batch, molecules).values, [1, 2, 3]
        )
    assert scores(f"{module}:Space.half", False, molecules).values[0] == 0.5


def test_a_file(tmp_path, valid, monkeypatch):
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    for path in ("mine.py", str(tmp_path / "mine.py")):
        assert scores(f"{path}:length", False, valid("CCO")).values.tolist() == [3]


def test_a_module_in_the_current_folder(tmp_path, valid, monkeypatch):
    name = f"here_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert scores(f"{name}:length", False, valid("CCO")).values.tolist() == [3]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("one_short", "the function returned 1 scores for 2 molecules"),
        ("nothing", "the function returned NoneType, not a list of numbers"),
        ("text", "the function returned str, not a list of numbers"),
    ],
)
def test_what_is_no_list_of_numbers(module, valid, name, reason):
    found = scores(f"{module}:{name}", True, valid("C", "CCC"))
    assert np.isnan(found.values).all()
    assert found.reasons == (reason, reason)


def test_a_molecule_that_it_cannot_take_costs_only_itself(module, valid):
    found = scores(f"{module}:picky", True, valid("C", "CC", "CCC"))
    np.testing.assert_array_equal(found.values, [1, math.nan, 1])
    assert found.reasons[1] == "ValueError: not ethane"
    found = scores(f"{module}:picky_alone", False, valid("C", "CC", "CCC"))
    np.testing.assert_array_equal(found.values, [math.nan, math.nan, 0.5])
    assert found.reasons == ("score is nan", "KeyError: 'ethane'", None)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("length", "must be module:name"),
        ("no_such_module_at_all:f", "cannot import no_such_module_at_all"),
        ("nowhere/scores.py:f", "there is no such file"),
        ("{module}:lenght", "has no function lenght"),
        ("{module}:number", "has no function number"),
    ],
)
def test_what_cannot_be_imported_is_refused(module, function, said):
    with pytest.raises(ConfigError, match=said):
        PythonFunction(function.replace("{module}", module), True, Identity())


def test_a_module_that_fails_is_refused(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        PythonFunction(f"{tmp_path / 'broken.py'}:f", True, Identity())


def test_batch_has_to_be_said(module):
    with pytest.raises(ConfigError, match="batch=None must be true or false"):
        PythonFunction(f"{module}:length", None, Identity())  # type: ignore[arg-type]


def test_it_travels(module, valid):
    component = PythonFunction(f"{module}:length", False, Linear(0.0, 4.0))
    assert pickle.loads(pickle.dumps(component))(valid("CC")).values.tolist() == [2]


def test_scores_and_identity_are_of_the_code_as_it_was_loaded(tmp_path, valid):
    path = tmp_path / "mine.py"
    path.write_text("def f(smiles):\n    return 1\n")
    first = PythonFunction(f"{path}:f", False, Identity())
    before = digest_of(first)
    path.write_text("def f(smiles):\n    return 2\n")
    second = PythonFunction(f"{path}:f", False, Identity())
    assert second(valid("CC")).values.tolist() == [2]
    assert first(valid("CC")).values.tolist() == [1]
    assert digest_of(first) == before != digest_of(second)


def test_a_module_keeps_code_and_identity_for_a_process(module, tmp_path, valid):
    first = PythonFunction(f"{module}:length", False, Identity())
    before = digest_of(first)
    (tmp_path / f"{module}.py").write_text(CODE.replace("len(smiles)", "7"))
    second = PythonFunction(f"{module}:length", False, Identity())
    assert second(valid("CC")).values.tolist() == [2]
    assert digest_of(second) == before
