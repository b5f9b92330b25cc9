"""An external program that answers, prints garbage, hangs or dies."""

from __future__ import annotations

import json
import math
import os
import select

import numpy as np
import pytest

from molgan.errors import ConfigError
from molgan.rewards import Command, Identity

READ = "import json, sys\nlines = sys.stdin.read().split()\n"


def run(words, decoded, **settings):
    return Command(words, Identity(), **settings)(decoded)


def test_scores_in_the_order_of_the_molecules(program, valid):
    words = program(READ + "for s in lines: print(json.dumps({'score': len(s)}))")
    scores = run(words, valid("CCO", "C", "CCCCN"))
    np.testing.assert_array_equal(scores.values, [3, 1, 5])
    assert scores.reasons == (None, None, None)


def test_scores_by_smiles_in_any_order(program, valid):
    words = program(
        READ + "for s in sorted(lines): print(json.dumps({'smiles': s, 'score': len(s)}))"
    )
    np.testing.assert_array_equal(run(words, valid("CCO", "C", "CCCCN")).values, [3, 1, 5])


def test_a_text_is_split_like_a_shell_would(program, valid):
    words = program(READ + "for s in lines: print(json.dumps({'score': len(sys.argv[1])}))")
    command = f"{words[0]} {words[1]} {words[2]} 'two words'"
    assert run(command, valid("C")).values.tolist() == [9]


def test_batches_are_cut(program, valid, tmp_path):
    words = program(
        READ
        + f"open({str(tmp_path / 'log')!r}, 'a').write(str(len(lines)) + ' ')\n"
        + "for s in lines: print(json.dumps({'score': 1}))"
    )
    run(words, valid(*["C"] * 7), batch=3)
    assert (tmp_path / "log").read_text() == "3 3 1 "


def test_greetings_are_no_answers_where_the_count_fits(program, valid):
    words = program("print('Loading...')\n" + READ + "for s in lines: print('{\"score\": 1}')")
    assert run(words, valid("C", "CC")).values.tolist() == [1, 1]


def test_garbage(program, valid):
    scores = run(program(READ + "print('no such licence')"), valid("C", "CC"))
    assert np.isnan(scores.values).all()
    assert scores.reasons[0] == (
        "wrote 0 JSON objects for 2 molecules; the first line is 'no such licence'"
    )


def test_too_few_answers_are_nobodys(program, valid):
    scores = run(program(READ + "print('{\"score\": 1}')"), valid("C", "CC"))
    assert np.isnan(scores.values).all()
    assert scores.reasons[1] == "wrote 1 JSON objects for 2 molecules"


def test_scores_that_are_none(program, valid):
    answers = [{"score": None, "reason": "too\nlarge"}, {"score": "high"}, {"score": None}]
    words = program(
        READ + f"for a in {answers!r}: print(json.dumps(a))\nprint('{{\"score\": NaN}}')"
    )
    scores = run(words, valid("C", "CC", "CCC", "CCCC"))
    assert np.isnan(scores.values).all()
    assert scores.reasons == (
        "too large",
        "score is no number: 'high'",
        "score is null",
        "score is nan",
    )


LINE_BY_LINE = """
    import json, os, sys, time
    for line in sys.stdin:
        if line.strip() == "CC":
            {}
        print(json.dumps({{"score": 1}}), flush=True)
"""


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        ("os._exit(3)", "ended with exit code 3"),
        ("os.kill(os.getpid(), 11)", "died of SIGSEGV"),
        ("raise ValueError('no charge')", "ended with exit code 1: ValueError: no charge"),
        ("time.sleep(600)", "took longer than 2 s"),
    ],
)
def test_where_it_answers_line_by_line_only_the_molecule_it_stopped_at_is_lost(
    program, valid, fate, reason
):
    scores = run(program(LINE_BY_LINE.format(fate)), valid("C", "CC", "CCC"), seconds=2.0)
    np.testing.assert_array_equal(scores.values, [1, math.nan, 1])
    assert scores.reasons == (None, reason, None)


def test_a_hang_without_an_answer_costs_the_batch_and_no_more_time(program, valid):
    scores = run(program("import time; time.sleep(600)"), valid("C", "CC"), seconds=0.5)
    assert scores.reasons == ("took longer than 0.5 s",) * 2


def test_output_without_end_is_ended(program, valid):
    scores = run(program("while True: print('x' * 10000)"), valid("C"))
    assert scores.reasons == ("wrote more than 1,000,000 bytes",)


def test_what_it_started_is_ended_with_it(program, valid, tmp_path):
    words = program(
        f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        time.sleep(600)
        """
    )
    run(words, valid("C"), seconds=2.0)
    pid = int((tmp_path / "pid").read_text())
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([handle], [], [], 60)[0], "it is still there"
    os.close(handle)


def test_invalid_molecules_are_not_sent(program, valid):
    from molgan.chem import Decoded

    words = program(READ + "for s in lines: print(json.dumps({'score': len(lines)}))")
    scores = run(words, [*valid("C"), Decoded(None, None, "valence")])
    assert scores.reasons == (None, "valence")
    assert scores.values[0] == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"command": "no-such-program --fast"}, "no program no-such-program"),
        ({"command": []}, "empty"),
        ({"command": "'open"}, "cannot be read"),
        ({"command": "cat", "seconds": 0.0}, "seconds=0.0"),
        ({"command": "cat", "batch": 0}, "batch=0"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        Command(**{"transform": Identity(), **settings})


def test_its_identity_changes_with_the_program(program):
    from molgan.rewards.identity import digest_of

    words = program("print(1)")
    before = digest_of(Command(words, Identity()))
    program("print(2)")
    assert digest_of(Command(words, Identity())) != before
    json.dumps(Command(words, Identity()).identity()["command"])


def test_a_script_called_by_its_path_counts_with_its_content(tmp_path):
    script, identities = tmp_path / "score.sh", []
    for line in ("echo 1", "echo 2"):
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)
        identities.append(Command([str(script)], Identity()).identity())
    assert identities[0] != identities[1]
