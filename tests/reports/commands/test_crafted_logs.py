"""Every command answers every crafted log with one line or with what can be trusted, and leaves other logs theirs."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import h5py
import pytest

from tests.helpers.command_line import typed
from tests.helpers.crafted_logs import BOMBS, HEADERS, NOT_READ, ODD_ROWS
from tests.helpers.fuzz import Record
from tests.helpers.limited import MEMORY, lenet_diag
from tests.helpers.log_changes import craft
from tests.helpers.log_writers import whole_log
from tests.helpers.no_pictures import BLANK, PAINTS

CRAFTED = {**NOT_READ, **BOMBS, **HEADERS, **ODD_ROWS}
OTHERS = ("diagnose --json run.h5", "stats run.h5", "export run.h5 --output out")
SLOW = ("report run.h5", "watch run.h5", "repair run.h5")


def assert_answered(code: int, stdout: str, stderr: str) -> None:
    assert code in (0, 3), stderr
    assert "Traceback" not in stdout + stderr
    assert "a fault of lenet-diag" not in stderr
    if code == 3 and not stdout:
        assert re.match(r"(error: run\.h5: |no finished run|error: )", stderr), stderr


def assert_answers(folder: Path, lines: Iterable[str]) -> None:
    for line in lines:
        with contextlib.chdir(folder):
            result = typed(*line.split())
        assert_answered(result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("name", CRAFTED)
def test_commands_answer_crafted_logs(tmp_path: Path, name: str) -> None:
    craft(tmp_path / "run.h5", CRAFTED[name])
    assert_answers(tmp_path, ["diagnose run.h5"])


@pytest.mark.slow
@pytest.mark.parametrize("name", CRAFTED)
def test_other_commands_answer_crafted_logs(tmp_path: Path, name: str, record_property: Record) -> None:
    craft(tmp_path / "run.h5", CRAFTED[name])
    record_property("cases", len(OTHERS))
    assert_answers(tmp_path, OTHERS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_ROWS)
def test_rows_that_make_little_sense_are_shown_and_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Figures are painted of odd steps and rows; oddities elsewhere leave the axes as they are."""
    if not name.startswith(("steps", "rows")):
        monkeypatch.setattr(PAINTS, lambda figure: BLANK)
    craft(tmp_path / "run.h5", ODD_ROWS[name])
    assert_answers(tmp_path, SLOW)


LIMITED = [(name, line) for name in BOMBS for line in ("diagnose run.h5", "stats run.h5", *SLOW)]
LIMITED += [(name, "diagnose run.h5") for name in NOT_READ if "pipe" in name or "filter" in name]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS and RLIMIT_CPU")
@pytest.mark.parametrize(("name", "line"), LIMITED)
def test_commands_answer_bombs_within_10_s_of_cpu_and_1_gb(tmp_path: Path, name: str, line: str) -> None:
    craft(tmp_path / "run.h5", CRAFTED[name])

    ended = lenet_diag(tmp_path, *line.split())

    assert_answered(ended.code, ended.stdout, ended.stderr)
    assert ended.memory < MEMORY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sound logs, and between them those with one flipped bit that used to end every command."""
    folder = tmp_path_factory.mktemp("folder")
    for name in ("a.h5", "z.h5"):
        whole_log(folder / name)
    data = (folder / "a.h5").read_bytes()
    for part in ("steps/values", "steps/index", "steps"):
        with h5py.File.in_memory(data) as file:
            address = h5py.h5o.get_info(file[part].id).addr
        flipped = bytearray(data)
        flipped[address + 20] ^= 1
        (folder / f"flipped-{part.replace('/', '-')}.h5").write_bytes(flipped)
    return folder


LINES = ["diagnose {}", "diagnose --json {}", "stats {}", "stats --json {}"]
LINES += [pytest.param("report {} -o {}/r", marks=pytest.mark.slow)]


@pytest.mark.parametrize("line", LINES)
def test_a_damaged_log_is_one_line_and_the_others_are_done(folder: Path, line: str) -> None:
    result = typed(*line.replace("{}", str(folder)).split())

    assert result.exit_code == 3, result.output
    told = [text for text in result.stderr.splitlines() if text.startswith("error: ")]
    assert len(told) == 3
    assert all("flipped-steps" in text and text.count("error") == 1 for text in told)
    if "diagnose" in line:
        assert re.search(r'"run": "a"|^a: ', result.stdout, re.MULTILINE)
        assert re.search(r'"run": "z"|^z: ', result.stdout, re.MULTILINE)
    if "stats" in line:
        assert re.search(r'"runs": 2|2 of 2', result.stdout)
    if "report" in line:
        assert (folder / "r" / "report.html").exists()
        assert (folder / "r" / "a" / "report.html").exists()
        assert (folder / "r" / "z" / "report.html").exists()
