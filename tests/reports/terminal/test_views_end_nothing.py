"""A terminal that fails ends no training: what was printed ends, the log is whole, and the end of the run says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from reports.terminal.live import LiveView
from reports.terminal.screen import Screen
from tests.helpers.forked import PIPE, run, start
from tests.helpers.pseudo_terminal import on_a_terminal
from tests.helpers.small_trainings import train

ROOT = Path(__file__).parents[3]
PYTHON = f"{sys.executable} -m reports"
TRAIN = "train --network feedforward --limit 640 --batch-size 64 --epochs 2 --lr 0.1 --print-every 2 --out run.h5"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs bash and pseudo-terminals")


def bash(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the parameters after an undisturbed training."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run("-m", "reports", *TRAIN.split(), cwd=folder, check=True)
    return str(open_run(folder / "run.h5").source.header.digest_end)  # type: ignore[attr-defined]


def assert_whole(folder: Path, digest: str) -> None:
    run = open_run(folder / "run.h5")
    assert run.status == "completed"
    assert run.notes == ()
    assert len(run) == 20
    assert run.source.header.digest_end == digest  # type: ignore[attr-defined]


FULL, CLOSED = "no space left on device", "broken pipe"


def full_disk() -> int:
    """A descriptor to which nothing can be written, as for `> /dev/full`."""
    return os.open("/dev/full", os.O_WRONLY)


def reader_gone() -> int:
    """A descriptor of a pipe that nobody reads any more, as for `| true`."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def assert_printing_alone_ended(stderr: str, reason: str) -> None:
    told = [text for text in stderr.splitlines() if "printing was switched off at step" in text]
    assert len(told) == 2, stderr  # when it happens, and at the end
    assert told[0] == f"{told[1]}; the training goes on"
    assert told[1].endswith(f": {reason}")
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr


@pytest.mark.parametrize(
    ("stream", "more", "reason"),
    [
        (full_disk, "", FULL),
        pytest.param(full_disk, "--print-every 4", FULL, marks=pytest.mark.slow),
        (reader_gone, "", CLOSED),
    ],
    ids=["full disk", "full disk, later", "reader gone"],
)
def test_stdout_that_takes_no_more_ends_printing_alone(
    tmp_path: Path, digest: str, stream: Callable[[], int], more: str, reason: str
) -> None:
    stdout = stream()
    program = start("-m", "reports", *TRAIN.split(), *more.split(), cwd=tmp_path, stdout=stdout, stderr=PIPE)
    os.close(stdout)
    _, told = program.communicate()

    assert program.returncode == 0, told
    assert_whole(tmp_path, digest)
    assert_printing_alone_ended(told, reason)


@pytest.mark.slow
def test_a_reader_that_takes_one_line_ends_printing_alone(tmp_path: Path, digest: str) -> None:
    done = bash(f"set -o pipefail; {PYTHON} {TRAIN} | head -n 1 > /dev/null", tmp_path)

    assert done.returncode == 0, done.stderr
    assert_whole(tmp_path, digest)
    assert_printing_alone_ended(done.stderr, CLOSED)


OTHERS = ("2> /dev/full", "> /dev/full 2>&1", ">&- 2>&-", "<&- >&-")


@pytest.mark.parametrize(
    "redirect", ["<&- >&- 2>&-", *(pytest.param(other, marks=pytest.mark.slow) for other in OTHERS)]
)
def test_stderr_that_takes_no_more_ends_nothing(tmp_path: Path, digest: str, redirect: str) -> None:
    done = bash(f"{PYTHON} {TRAIN} {redirect}", tmp_path)

    assert done.returncode == 0, done.stdout
    assert_whole(tmp_path, digest)


STUDY = "study --network feedforward --limit 256 --steps 3 --runs 2 --jobs 1 --out study"


def assert_all_runs_done(code: int | None, stdout: str, folder: Path) -> None:
    assert code == 0, stdout
    assert "n=2" in stdout
    assert len(list((folder / "study").glob("*.h5"))) == 2


@pytest.mark.slow
def test_a_study_goes_on_without_its_view(tmp_path: Path) -> None:
    stderr = reader_gone()
    # A program of its own, since a forked one keeps what stderr did not take and flushes it when a worker starts.
    command = [sys.executable, "-m", "reports", *STUDY.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
    os.close(stderr)

    assert_all_runs_done(done.returncode, done.stdout, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("redirect", ["2> /dev/full", "2>&-"])
def test_a_study_goes_on_where_its_view_cannot_be_shown(tmp_path: Path, redirect: str) -> None:
    done = bash(f"{PYTHON} {STUDY} {redirect}", tmp_path)

    assert_all_runs_done(done.returncode, done.stdout, tmp_path)


def test_data_of_one_class_can_be_watched(tmp_path: Path) -> None:
    code, screen = on_a_terminal(
        [
            "train",
            "--network",
            "feedforward",
            "--limit",
            "1",
            "--batch-size",
            "1",
            "--epochs",
            "3",
            "--watch",
            "--out",
            "run.h5",
        ],
        tmp_path,
    )

    assert code == 0, screen
    assert "switched off" not in screen
    assert "Traceback" not in screen
    assert open_run(tmp_path / "run.h5").status == "completed"


class FailingScreen(Screen):
    """Fails at its third frame."""

    frames = 0

    def draw(self, state: Any) -> None:
        self.frames += 1
        if self.frames == 3:
            raise ZeroDivisionError("in a frame")


def test_a_live_view_that_fails_gives_the_screen_and_stderr_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from reports.terminal.console import TerminalConsole
    from reports.terminal.pace import Pace

    with Path(os.devnull).open("w") as nowhere:
        console = TerminalConsole(file=nowhere, force_terminal=True)
        monkeypatch.setattr("reports.terminal.live.Screen", FailingScreen)
        recorder = Recorder()
        before = sys.stderr
        model = train([recorder, LiveView(recorder, console, Pace(share=1e9, least=0.0))])

    assert sys.stderr is before
    assert model.run_end.status == "completed"
    assert recorder.diagnosis is not None
    assert model.run_end.switched_off == ("the live view was switched off at step 1: ZeroDivisionError: in a frame",)
    assert caplog.messages == [f"{model.run_end.switched_off[0]}; the training goes on"]
