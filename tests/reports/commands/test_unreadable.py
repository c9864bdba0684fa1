"""What cannot be read is said to be unreadable, with the system's reason; what cannot be written, unwritable."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command_line import typed
from tests.helpers.log_writers import whole_log

READING = ["diagnose", "stats", "report", "export", "repair", "replay", "rescue", "watch", "train --resume --out"]


def refusing(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call of the system that is denied for all paths below the folder ``shut``, as if for lack of permission."""

    def denied(path: Any, *arguments: Any, **named: Any) -> Any:
        if not isinstance(path, int) and "shut" in Path(os.fsdecode(path)).parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return call(path, *arguments, **named)

    return denied


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log that may be looked at and not be read, in "shut"; root is denied nothing, so it is faked."""
    (tmp_path / "shut").mkdir()
    whole_log(tmp_path / "shut" / "run.h5")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", READING)
def test_a_log_that_may_not_be_read(place: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(os, "open", refusing(os.open))
    monkeypatch.setattr(Path, "open", refusing(Path.open))

    result = typed(*command.split(), "shut/run.h5")

    assert result.exit_code == 3, result.output
    assert result.stderr.splitlines()[0] == "error: shut/run.h5: cannot be read: permission denied"


@pytest.mark.parametrize("command", ["diagnose", "report", "stats"])
def test_a_folder_that_may_not_be_listed(place: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(os, "listdir", refusing(os.listdir))
    monkeypatch.setattr(os, "scandir", refusing(os.scandir))

    result = typed(command, "shut")

    assert result.exit_code == 3, result.output
    assert result.stderr.splitlines()[0] == "error: shut: cannot be read: permission denied"


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("line", ["report run.h5 -o shut", "export run.h5 -o shut", "stats run.h5 --save shut"])
def test_a_place_that_may_not_be_written_to(place: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    whole_log(place / "run.h5")
    monkeypatch.setattr(Path, "open", refusing(Path.open))

    result = typed(*line.split())

    assert result.exit_code == 4, result.output
    assert result.stderr.splitlines()[-1].startswith("error: shut/")
    assert result.stderr.splitlines()[-1].endswith(": cannot be written: permission denied")


def test_data_that_may_not_be_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (place / "shut" / f"{name}-ubyte").write_bytes(b"x")
    monkeypatch.setattr(os, "open", refusing(os.open))

    result = typed("train", "--data", "shut", "--no-log")

    assert result.exit_code == 3, result.output
    assert result.stderr.startswith("error: shut/train-images-idx3-ubyte: cannot be read: permission denied; expected")
