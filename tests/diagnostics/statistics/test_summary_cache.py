"""Kept summaries are believed only where they are what was written; all others are made from the log again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnostics.statistics import summary_cache
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.statistics.summary_cache import kept_summary, load_summaries, summary_of
from tests.helpers.log_writers import whole_log
from tests.helpers.odd_files import ODD_FILES, what_is_there


@pytest.fixture(scope="module")
def summarised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log and its summary, which stays as it is."""
    folder = tmp_path_factory.mktemp("summarised")
    whole_log(folder / "run.h5")
    summary_of(folder / "run.h5")
    return folder


@pytest.fixture
def log(summarised: Path, tmp_path: Path) -> Path:
    shutil.copytree(summarised, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run.h5"


def place(log: Path) -> Path:
    return log.parent / ".summaries" / "run.h5.json"


def rewrite(log: Path, change: Callable[[dict[str, Any]], None], sign: bool = False) -> None:
    """Change what is kept, and make the checksum agree where asked to."""
    kept = json.loads(place(log).read_text())
    change(kept)
    if sign:
        kept["checksum"] = summary_cache._checksum({k: v for k, v in kept.items() if k != "checksum"})
    place(log).write_text(json.dumps(kept))


def test_what_was_written_is_read_again(log: Path) -> None:
    kept = kept_summary(log)

    assert kept is not None
    assert kept == summary_cache._made_anew(log)


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "another verdict": lambda kept: kept["summary"].update(verdict="healthy", onset=None),
    "another number": lambda kept: kept["summary"].update(steps=7),
    "another status": lambda kept: kept["summary"].update(status="completed", defect_steps=0),
    "no checksum": lambda kept: kept.pop("checksum"),
    "another checksum": lambda kept: kept.update(checksum="0" * 64),
    "checksum a list": lambda kept: kept.update(checksum=[1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_summary_is_made_anew(log: Path, change: str) -> None:
    expected = summary_of(log)
    rewrite(log, CHANGES[change])

    assert kept_summary(log) is None
    assert summary_of(log) == expected
    assert kept_summary(log) == expected


WRONG_TYPES = [
    *(("verdict", value) for value in ("splendid", 7)),
    *(("epochs", value) for value in ({}, [1], [{"epoch": "one"}])),
    *((name, "x") for name in ("steps", "onset")),
    *((name, [1]) for name in ("arm", "seed")),
    *((name, None) for name in ("status", "name")),
    ("validation_accuracy", "0.5"),
    ("step_seconds", True),
    ("changed_limits", 3),
    ("planned_steps", 1.5),
]


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES)
def test_a_summary_of_wrong_types_is_made_anew_even_with_a_checksum(log: Path, name: str, value: Any) -> None:
    expected = summary_of(log)
    rewrite(log, lambda kept: kept["summary"].update({name: value}), sign=True)

    assert (kept_summary(log) is None) or name == "name"
    assert summary_of(log) == expected


CONTENTS = ["", "{", "[]", "null", "7", '"x"', "[" * 200_000, '{"a":' * 50_000, '{"made_from": {}}', "\0", "\udcff"]


@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
def test_what_is_no_summary_is_made_anew(log: Path, content: str) -> None:
    expected = summary_of(log)
    place(log).write_bytes(content.encode("utf-8", "surrogateescape"))

    assert kept_summary(log) is None
    assert summary_of(log) == expected


@pytest.mark.parametrize("kind", ODD_FILES)
def test_a_summary_that_is_no_regular_file_is_neither_read_nor_replaced(log: Path, kind: str) -> None:
    expected = summary_of(log)
    place(log).unlink()
    ODD_FILES[kind](place(log))
    before = what_is_there(place(log))

    assert summary_of(log) == expected
    assert what_is_there(place(log)) == before


def test_a_folder_of_summaries_that_is_a_link_is_not_used(log: Path, tmp_path: Path) -> None:
    expected = summary_of(log)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(log.parent / ".summaries", elsewhere)
    (log.parent / ".summaries").symlink_to(elsewhere)
    before = {p: p.read_bytes() for p in elsewhere.iterdir()}
    os.utime(log)

    assert summary_of(log) == expected
    assert {p: p.read_bytes() for p in elsewhere.iterdir()} == before


@pytest.mark.parametrize("kind", [*ODD_FILES, "a file"])
def test_a_folder_of_summaries_that_is_no_folder_costs_only_time(log: Path, kind: str) -> None:
    expected = summary_of(log)
    shutil.rmtree(log.parent / ".summaries")
    (ODD_FILES.get(kind) or Path.touch)(log.parent / ".summaries")

    assert summary_of(log) == expected
    assert load_summaries([log]).runs == (expected,)


def test_a_summary_of_another_log_is_not_believed(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    shutil.copy2(log, other)
    with other.open("r+b") as file:
        file.truncate(log.stat().st_size - 1)
    shutil.copy2(place(log), log.parent / ".summaries" / "other.h5.json")

    assert kept_summary(other) is None


def test_every_field_is_checked() -> None:
    from diagnostics.statistics.run_summary import _types_in_json

    assert set(_types_in_json(RunSummary)) == set(RunSummary.__dataclass_fields__)
