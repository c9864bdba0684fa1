"""Random command lines: a result, or one line that says what is wrong, and never a fault of lenet-diag."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import click
import pytest

from reports.cli import LazyGroup, main
from reports.commands import help_lines
from tests.helpers.command_line import typed
from tests.helpers.fuzz import Record, fuzz
from tests.helpers.log_writers import whole_log

NUMBERS = ("0", "-1", "1", "2", "0.5", "1e400", "nan", "-inf", "9" * 30)
VALUES = ("none", "relu", "lenet", "adam", "3:1", ":", "dense1=0.1", "dense1=", "=")
FILES = ("run.h5", "half.h5", "no.h5", "new.h5", "run.h5/x", "text.txt", "empty", ".", "no/such/folder/x")
OTHERS = ("", "x", "x" * 300, "é", "\x1b[31m", "\u202e", "a b", "--", "-", "{}", "%s", "*", "~")
WORDS = [*NUMBERS, *VALUES, *FILES, *OTHERS]
# What ends each command before it has worked for long.
LIMITS = {
    "train": ["--network", "feedforward", "--limit", "64", "--steps", "2", "--epochs", "1", "--threads", "1"],
    "study": ["--out", "text.txt"],
    "demo": ["--out", "text.txt"],
    "rescue": ["--out", "text.txt"],
    "report": ["--out", "text.txt"],
    "replay": ["--out", "text.txt"],
    "gradcheck": ["--network", "feedforward"],
    "watch": ["no.h5"],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log, half a log, a text and an empty folder."""
    whole_log(tmp_path / "run.h5")
    (tmp_path / "half.h5").write_bytes((tmp_path / "run.h5").read_bytes()[:30_000])
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def random_line(rng: random.Random) -> list[str]:
    """A command, options that it has or has not, and words."""
    assert isinstance(main, LazyGroup)
    name = rng.choice([*help_lines(), *help_lines(), "", "trane", "--version", "--help"])
    if name not in help_lines():
        return [name]
    command: Any = main.get_command(click.Context(main), name)
    options = [option for option in command.params if isinstance(option, click.Option)]
    line = [name]
    for _ in range(rng.randrange(5)):
        kind = rng.random()
        if kind < 0.6 and options:
            option = rng.choice(options)
            line.append(rng.choice([*option.opts, *option.secondary_opts]))
            if not option.is_flag:
                line.append(word_for(option.type, rng))
        elif kind < 0.7:
            line.append(rng.choice(["--no-such", "--lr", "--out", "-q", "--seed=", "--help"]))
        else:
            line.append(rng.choice(WORDS))
    return line + LIMITS.get(name, [])


def word_for(kind: Any, rng: random.Random) -> str:
    """A value that the option may take, or any word."""
    if isinstance(kind, click.Choice) and rng.random() < 0.8:
        return str(rng.choice(list(kind.choices)))
    return rng.choice(WORDS)


@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.slow)])
def test_any_line_is_answered(place: Path, record_property: Record, count: int) -> None:
    log = (place / "run.h5").read_bytes()

    def trial(rng: random.Random) -> None:
        line = random_line(rng)
        result = typed(*line)
        told = f"lenet-diag {line}: {result.exit_code}\n{result.output}"
        assert result.exit_code in (0, 1, 2, 3, 4), told
        assert result.exception is None or isinstance(result.exception, SystemExit), told
        assert "Traceback" not in result.output, told
        assert "a fault of lenet-diag: " not in result.output, told
        if result.exit_code > 1:
            assert "rror: " in result.stderr or "sage: " in result.stderr, told
        assert (place / "run.h5").read_bytes() == log, told

    fuzz(record_property, "command lines", count, trial)
