"""Escape codes in text that comes from files are shown by the terminal and not obeyed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.log.datasets import with_crc
from diagnostics.record.recorder import Recorder
from diagnostics.schema.tables import EVENTS
from diagnostics.study.plan import Arm, StudyPlan
from lenet.settings import Settings
from reports.terminal.output import shown
from tests.helpers.log_changes import rename_layers
from tests.helpers.pseudo_terminal import on_a_terminal
from tests.helpers.small_trainings import small_model, train

ROOT = Path(__file__).parents[3]
TITLE = "\x1b]0;owned\x07"  # gives the window another title
CLEAR = "\x1b[2J"  # clears the screen
OBEYED = f"{TITLE}{CLEAR}\x9b31m\r"
NAME = f"a{OBEYED}.h5"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_shown_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    result = shown(text)

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", result)
    assert shown(result) == result
    if text.isprintable():
        assert result == text


def test_what_is_shown_says_which_codes_there_were() -> None:
    assert shown("a\x1b[31mb\tc\nd\x07\x9b\u202e") == "a\\x1b[31mb\tc\nd\\x07\\x9b\\u202e"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with escape codes wherever a log holds text, in a file whose name has some; and a study with such arms."""
    folder = tmp_path_factory.mktemp("escapes")
    path = folder / NAME
    with np.errstate(all="ignore"):
        train([Recorder(path)], small_model(lr=30.0), epochs=4)
    rename_layers(path, {"dense1": f"d{OBEYED}"})
    with h5py.File(path, "r+") as file:
        rows = file[EVENTS.path][()]
        rows["message"] = f"message {OBEYED}".encode()
        file[EVENTS.path][...] = with_crc(rows)
        for name in ("settings", "environment"):
            file.attrs[name] = np.bytes_(json.dumps({"network": f"network {OBEYED}"}))
    (folder / "study").mkdir()
    settings = Settings(network="feedforward", limit=256, steps=2, threads=1).to_dict()
    del settings["seed"]
    StudyPlan((Arm(f"arm {OBEYED}", settings, 1),)).save(folder / "study")
    return folder


LINES = [
    ["diagnose", NAME],
    ["diagnose", "."],
    ["diagnose", f"missing{OBEYED}.h5"],
    ["stats", NAME],
    ["stats", "--csv", NAME],
    ["stats", "--json", NAME],
    ["watch", NAME],
    ["export", NAME, "-o", f"out{OBEYED}"],
    ["repair", NAME],
    ["report", NAME, "-o", f"report{OBEYED}"],
    ["train", "--network", "feedforward", "--limit", "256", "--steps", "3", "--watch", "--out", f"new{OBEYED}.h5"],
    ["train", "--network", "feedforward", "--limit", "256", "--steps", "3", "--out", f"new{OBEYED}/folder.h5"],
    ["train", "--resume", "--out", NAME],
    ["train", "--data", f"data{OBEYED}"],
    ["study", "--out", "study", "--resume"],
    ["study", "--preset", f"preset{OBEYED}"],
    ["rules", f"rule{OBEYED}"],
    [f"command{OBEYED}"],
    ["train", f"--option{OBEYED}"],
    ["train", "--network", f"network{OBEYED}"],
]


@pytest.mark.parametrize("arguments", LINES, ids=lambda arguments: shown(" ".join(arguments[:3]))[:40])
def test_no_escape_code_of_a_file_reaches_the_terminal(folder: Path, arguments: list[str]) -> None:
    code, written = on_a_terminal(arguments, folder)

    assert code in (0, 2, 3, 4), written
    assert TITLE not in written
    assert CLEAR not in written or arguments[0] in ("train", "watch", "study")
    assert "\x9b" not in written
    assert "\\x1b]0;owned" in written or "\\u001b" in written or arguments[0] in ("stats", "study", "train")


def test_text_enters_the_terminal_in_one_place() -> None:
    """Whoever prints past it, a review of this list has to see."""
    allowed = {"output.py", "screen.py", "study_view.py", "progress_line.py"}
    for file in (ROOT / "reports").rglob("*.py"):
        found = re.search(r"click\.echo|(?<![\w.])print\(|std(out|err)\.write|console\.print", file.read_text())
        assert found is None or file.name in allowed, (file, found)
