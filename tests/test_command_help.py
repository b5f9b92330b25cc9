"""`--help` is what conf/ says, and nothing that the command does not take."""

from __future__ import annotations

import pytest

from molgan import config
from molgan.command_help import help_text
from molgan.errors import ConfigError

ENTRIES = sorted(path.stem for path in config.config_dir().glob("*.yaml"))


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_setting_of_a_command_is_shown_with_its_words(entry: str):
    text = help_text(entry)
    assert text.startswith(f"usage: python -m molgan.{entry.replace('_', ' ')} [KEY=VALUE ...]")
    named = {line.strip().partition(":")[0] for line in text.splitlines()}
    groups = set(config.choices(config_name=entry))
    for key in map(str, config.compose(config_name=entry)):
        assert {key, key.removesuffix("_path")} & named or key in groups
    assert "_target_" not in text
    assert "hydra" not in text
    assert "???" not in text


def test_only_the_groups_that_a_command_reads_are_shown():
    text = help_text("generate")
    assert "  reward=none # an objective" in text
    assert "experiment" not in text
    assert "\nmodel: (to be given)" in text
    assert "n: 10000 # molecules to write" in text


def test_what_was_typed_beside_it_is_shown():
    text = help_text("train", ["experiment=zinc250k", "loss=hinge"])
    assert "  data=zinc250k # where molecules come from" in text
    assert "experiment=zinc250k sets:" in text
    assert "loss: # of loss=hinge" in text
    with pytest.raises(ConfigError, match="did you mean data=file"):
        help_text("train", ["data=fil"])
