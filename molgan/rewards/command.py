"""`Command`: another program as a component; SMILES in, one JSON object a line out.

The program may be of any language. It gets one SMILES a line on its standard input, which then
ends, and writes one line for each: ``{"score": 0.7}``, in the order of the SMILES, or with the
SMILES repeated, in any order: ``{"smiles": "CCO", "score": 0.7}``. ``{"score": null, "reason":
"too large"}`` is a failure with a reason. What it writes to standard error is not looked at, but
for the reason when it dies.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from molgan.chem import Decoded
from molgan.errors import ConfigError
from molgan.rewards.components import BatchComponent, Scored, scored
from molgan.rewards.transforms import Transform

_MOST_PER_MOLECULE = 10_000  # bytes of output; a program that prints without end is ended
_MOST_AT_LEAST = 1_000_000
_TAIL = 2_000  # bytes of standard error that are kept
_PIECE = 65_536
_NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Command(BatchComponent):
    """An external command that scores molecules; see the module for what it reads and writes.

    A hang, garbage or the death of the program is NaN with a reason for the molecules that have no
    answer yet. Where a program answers line by line (flushing each), only the molecule at which it
    stopped is lost: it is started again for the rest, as long as it gets on.

    Attributes:
        command: The program and its arguments, as one text or a list; no shell in between.
        transform: What is good.
        seconds: Wall-clock time for one start of the program, on up to `batch` molecules.
        batch: Most molecules for one start.

    Raises:
        ConfigError: If there is no such program, or a number cannot work.
    """

    command: str | Sequence[str]
    transform: Transform
    seconds: float = 60.0
    batch: int = 256
    own_workers: ClassVar[bool] = True
    arguments: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that there is such a program."""
        try:
            typed = shlex.split(self.command) if isinstance(self.command, str) else self.command
        except ValueError as error:
            raise ConfigError(f"command={self.command!r} cannot be read: {error}") from error
        arguments = tuple(str(word) for word in typed)
        if not arguments:
            raise ConfigError("command is empty: give a program and its arguments")
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ConfigError(f"command: seconds={self.seconds} must be above 0")
        if self.batch < 1:
            raise ConfigError(f"command: batch={self.batch} must be 1 or more")
        program = os.path.expanduser(arguments[0])
        if shutil.which(program) is None:
            raise ConfigError(
                f"command={' '.join(arguments)}: there is no program {program} that can be run"
            )
        object.__setattr__(self, "arguments", (program, *arguments[1:]))

    def identity(self) -> dict[str, Any]:
        """What decides the scores: the words, and the content of those that are files.

        A program that is looked up, such as ``python``, belongs to the machine: its name counts.
        """
        program, *others = self.arguments
        words = [program, *others] if os.path.dirname(program) else others
        files = {
            word: hashlib.sha256(Path(word).read_bytes()).hexdigest()
            for word in words
            if Path(word).is_file()
        }
        return {"command": list(self.arguments), "files": files, "transform": self.transform}

    def limit(self, count: int) -> float:
        """Seconds after which it has given up on `count` molecules.

        Args:
            count: Of molecules.
        """
        return self.seconds * count

    def score_all(self, valid: Sequence[Decoded]) -> list[Scored]:
        """Run the program on the canonical SMILES of the molecules."""
        smiles = [str(item.smiles) for item in valid]
        found: list[Scored] = []
        for start in range(0, len(smiles), self.batch):
            found += self._batch(smiles[start : start + self.batch])
        return found

    def _batch(self, smiles: list[str]) -> list[Scored]:
        found: list[Scored] = []
        while len(found) < len(smiles):
            rest = smiles[len(found) :]
            text, ended = self._run(rest)
            answers, reason = _answers(text, rest, ended)
            found += answers
            if not answers or ended is None:
                found += [(math.nan, reason or _NO_ANSWER)] * (len(smiles) - len(found))
            elif len(found) < len(smiles):
                found.append((math.nan, reason or _NO_ANSWER))
        return found

    def _run(self, smiles: list[str]) -> tuple[str, str | None]:
        """What the program wrote, and why it did not come to a good end; None if it did."""
        with tempfile.TemporaryFile() as given:
            given.write("".join(f"{text}\n" for text in smiles).encode())
            given.seek(0)
            try:
                process = subprocess.Popen(
                    self.arguments,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # what it starts in turn is ended with it
                )
            except OSError as error:
                return "", f"cannot be started: {error.strerror}"
            most = max(_MOST_AT_LEAST, _MOST_PER_MOLECULE * len(smiles))
            try:
                output, said, stopped = self._read(process, most)
            finally:
                _end(process)
        text = output.decode("utf-8", "replace")
        if stopped is not None:
            return text, stopped
        if process.returncode:
            return text, _death(process.returncode, said)
        return text, None

    def _read(self, process: subprocess.Popen[bytes], most: int) -> tuple[bytes, bytes, str | None]:
        """Standard output, the end of standard error, and why reading was given up."""
        output, said = bytearray(), b""
        deadline = time.monotonic() + self.seconds
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    return bytes(output), said, f"took longer than {self.seconds:g} s"
                for key, _ in selector.select(left):
                    piece = os.read(key.fd, _PIECE)
                    if not piece:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stdout:
                        output += piece
                    else:
                        said = (said + piece)[-_TAIL:]
                if len(output) > most:
                    return bytes(output), said, f"wrote more than {most:,} bytes"
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return bytes(output), said, f"took longer than {self.seconds:g} s"
        return bytes(output), said, None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _death(code: int, said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:200]}" if lines else ""
    if code < 0:
        return f"died of {signal.Signals(-code).name}{last}"
    return f"ended with exit code {code}{last}"


def _answers(text: str, smiles: list[str], ended: str | None) -> tuple[list[Scored], str | None]:
    """Scores of the first molecules, and why the others have none.

    Args:
        text: What the program wrote.
        smiles: What it was given.
        ended: Why it did not come to a good end; None if it did.
    """
    lines = text.splitlines(keepends=True)
    if ended is not None and lines and not lines[-1].endswith("\n"):
        lines.pop()  # it was writing this one when it ended
    found = [_object(line) for line in lines if line.strip()]
    good = [answer for answer in found if answer is not None]
    if any("smiles" in answer for answer in good):
        named = {str(answer["smiles"]): _score(answer) for answer in good if "smiles" in answer}
        reason = ended or _NO_ANSWER
        # Complete as it is: those without an answer are told apart by name.
        answers = [named.get(one, (math.nan, reason)) for one in smiles]
        if ended is None:
            return answers, None
        last = max((place for place, one in enumerate(smiles) if one in named), default=-1)
        return answers[: last + 1], ended
    if ended is None and len(good) != len(smiles):
        first = next((line.strip() for line in lines if line.strip()), "")
        shown = f"; the first line is {first[:60]!r}" if first and not good else ""
        return [], f"wrote {len(good)} JSON objects for {len(smiles)} molecules{shown}"
    if ended is not None and (len(good) < len(found) or len(good) > len(smiles)):
        # Which line belongs to which molecule cannot be known.
        return [], ended
    return [_score(answer) for answer in good], ended


def _object(line: str) -> dict[str, Any] | None:
    """The answer in a line; None for anything else, such as a greeting."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "score" in value else None


def _score(answer: dict[str, Any]) -> Scored:
    value = answer["score"]
    if value is None:
        return math.nan, " ".join(str(answer.get("reason") or "score is null").split())[:200]
    return scored(value)
