"""Settings are checked before any work; scores and filters are what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from molgan.errors import ConfigError, DataError, MolganError
from molgan.screening import OtherScores, Screen
from molgan.screening.references import load_references
from molgan.screening.work import References, Row, Work

ENGINE = {"parallel": "none"}


def one(screen, smiles, name="m", references=None):
    work = Work(screen, references or References())
    (result,) = work([Row(1, "line 1", name, smiles)])
    return result


def value(screen, result, name):
    return result.values[screen.columns().index(name)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rules": ("lipinsky",)}, "no rule set 'lipinsky'"),
        ({"alerts": ("PANS",)}, "no catalogue of alerts 'PANS'"),
        ({"flags": ("PANS",)}, "no catalogue of alerts 'PANS'"),
        ({"elements": ("C", "Xx")}, "'Xx' is no symbol"),
        ({"descriptors": ("MolRM",)}, "no descriptor 'MolRM'"),
        ({"ranges": {"beauty": (0, 1)}}, "ranges.beauty: there is no such score; there are qed"),
        ({"ranges": {"qed": (1, 0)}}, "range of qed"),
        ({"oddities": "maybe"}, "oddities=maybe: choose from reject, flag, off"),
        ({"novel": True}, "novel=true needs known=FILE"),
        ({"max_atoms": 0}, "max_atoms=0"),
        ({"other": OtherScores("x.csv", column="qed")}, "two columns 'qed'"),
        ({"other": OtherScores("x.csv", column="name")}, "two columns 'name'"),
        ({"other": OtherScores("x.csv", column="atoms")}, "two columns 'atoms'"),
        ({"smarts": ("SMARTS",)}, "bad.smarts, line 2: '[#6' is no SMARTS"),
    ],
)
def test_what_cannot_work_is_named(settings, said, tmp_path):
    bad = tmp_path / "bad.smarts"
    bad.write_text("[#6]Br bromide\n[#6 broken\n")
    if "smarts" in settings:
        settings = {"smarts": (str(bad),)}
    with pytest.raises(MolganError) as caught:
        Screen(**settings).check()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,score\na,-7\n", "column 'name' holds other names (such as 'a') than"),
        ("name,score\nmol 1,\n", "(and there is no score)"),
    ],
)
def test_scores_of_none_of_the_molecules_are_refused(table, said, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(table)
    with pytest.raises(DataError) as caught:
        OtherScores(str(path)).read(["mol 1", "mol 2"])
    assert f"scores.file={path}" in str(caught.value)
    assert said in str(caught.value)
    path.write_text(table + "mol 2,-8\n")
    assert OtherScores(str(path)).read(["mol 1", "mol 2"]) == {"mol 2": -8.0}


def test_every_rule_set_has_the_scores_it_needs():
    from molgan.chem import RULES

    Screen(rules=tuple(RULES), alerts=("BRENK",), oddities="flag").check()


def test_stages_stop_at_the_first_that_rejects():
    screen = Screen(elements=("C", "H"), rules=("veber",), ranges={"weight": (None, 40.0)})
    assert one(screen, "CCO").stage == "elements"
    assert one(screen, "CCC").stage == "ranges"
    assert one(replace(screen, ranges={}), "CCC").stage is None


def test_own_smarts_and_their_atoms(tmp_path):
    path = tmp_path / "own.smarts"
    path.write_text("# mine\n[OX2H] alcohol of any kind\n")
    result = one(Screen(smarts=(str(path),)), "OCC")
    (reason,) = result.reasons
    assert (result.stage, result.smiles) == ("alerts", "CCO")
    assert (reason.rule, reason.atoms) == ("own.smarts: alcohol of any kind", (2,))


def test_flags_note_without_rejecting():
    screen = Screen(flags=("PAINS",))
    result = one(screen, "c1ccccc1N=Nc1ccccc1")
    assert result.stage is None
    assert value(screen, result, "flags").startswith("PAINS_A: azo")
    assert one(Screen(alerts=("PAINS",)), "c1ccccc1N=Nc1ccccc1").stage == "alerts"


def test_unreadable_ones_say_why():
    reasons = {
        text: (one(Screen(), text).stage, one(Screen(), text).reasons[0].rule)
        for text in ("hello", "C(C)(C)(C)(C)C", "c1cccc1")
    }
    assert reasons == {
        "hello": ("read", "parse"),
        "C(C)(C)(C)(C)C": ("read", "valence"),
        "c1cccc1": ("read", "kekulize"),
    }


def test_large_molecules_are_not_looked_at():
    screen = Screen(max_atoms=10)
    assert one(screen, "C" * 10).stage is None
    assert one(screen, "C" * 11).reasons[0].detail == "11 heavy atoms > 10"
    assert one(screen, "C" * 500_000).stage == "size"


def test_known_and_actives(smi):
    known, actives = smi("CCO", "CCN.Cl", "bad("), smi("Oc1ccccc1 phenol", "CCCC", name="a.smi")
    screen = Screen(known=str(known), actives=str(actives), novel=True)
    screen.check()
    references, sample = load_references(screen, lambda: iter(()), **ENGINE)
    assert sorted(sample) == ["CCN", "CCO"]
    assert one(screen, "OCC", references=references).stage == "novelty"
    assert one(screen, "CC[NH3+]", references=references).stage == "novelty"
    result = one(screen, "c1ccccc1O", references=references)
    assert value(screen, result, "similarity") == "1"
    assert value(screen, result, "nearest_active") == "phenol"
    assert value(screen, result, "novel") == "1"


def test_reference_without_a_molecule_is_an_error(smi):
    for key in ("known", "actives"):
        screen = Screen(**{key: str(smi("what", "ever"))})
        with pytest.raises(DataError, match=f"{key}=.*holds no molecule"):
            load_references(screen, lambda: iter(()), **ENGINE)


def test_scores_of_another_program(tmp_path):
    table = tmp_path / "scores.csv"
    table.write_text("name;energy\na;-7.5\na;-8.5\nb;NA\n")
    screen = Screen(other=OtherScores(str(table), column="energy"), ranges={"energy": (None, -8.0)})
    screen.check()
    rows = [Row(1, "", "a", "CCO"), Row(2, "", "b", "CCN")]
    references, _ = load_references(screen, lambda: iter(rows), **ENGINE)
    result = one(screen, "CCO", "a", references)
    assert value(screen, result, "energy") == "-8.5"
    lost = one(screen, "CCN", "b", references)
    assert (lost.stage, lost.reasons[0].detail) == ("ranges", "energy unknown")


def test_identity_knows_files_by_their_content(smi):
    path = smi("CCO")
    before = Screen(known=str(path)).identity()
    path.write_text("CCN\n")
    assert Screen(known=str(path)).identity() != before
    with pytest.raises(ConfigError):
        Screen(oddities="x").check()
