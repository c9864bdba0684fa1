"""A log that is removed under a running training: told at once and at the end, and the training goes on."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from diagnostics.record.recorder import Recorder
from diagnostics.record.training import TrainingResult, run_training
from lenet import Settings
from lenet.hooks import RunStart
from reports.terminal.live import LiveView
from reports.terminal.pace import Pace
from tests.helpers.command_line import typed
from tests.helpers.small_models import mnist

LOST = "it was removed or replaced while it was written"


@pytest.fixture(autouse=True)
def _remove_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recorder's log is removed when the training has begun."""
    begin = Recorder.on_run_start

    def on_run_start(recorder: Recorder, event: RunStart) -> None:
        begin(recorder, event)
        assert recorder.path is not None
        recorder.path.unlink()

    monkeypatch.setattr(Recorder, "on_run_start", on_run_start)


@pytest.fixture
def _warnings_on_stderr() -> Iterator[None]:
    """As without pytest, which takes what is logged for itself."""
    log, handler = logging.getLogger("lenet-diag"), logging.lastResort
    assert handler is not None
    log.addHandler(handler)
    yield
    log.removeHandler(handler)


@pytest.mark.usefixtures("_warnings_on_stderr")
def test_the_command_says_so_at_once_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = "train --network feedforward --limit 256 --steps 4 --out run.h5"

    result = typed(*line.split())

    told = result.stderr.splitlines()
    assert result.exit_code == 4, result.output
    assert told[0] == f"run.h5: {LOST}; the training goes on"
    assert told[-1] == f"the log is lost: {LOST}"
    assert not [text for text in told if text.startswith(("log: ", "next: "))]


@pytest.mark.usefixtures("_warnings_on_stderr")
def test_the_live_view_says_so_while_the_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.log.writer.FLUSH_SECONDS", 0.0)  # the log is looked for once a second
    monkeypatch.chdir(tmp_path)  # a long path would break the line
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=120, height=30)
    settings = Settings(network="feedforward", epochs=2, batch_size=100, threads=1)

    result = run_training(
        settings,
        Path("run.h5"),
        dataset=mnist(600),
        hooks=lambda recorder: [LiveView(recorder, console, Pace(share=1e9, least=0.0))],
    )

    assert (result.status, result.model.step) == ("completed", 12)
    frames = drawn.getvalue().split("lenet-diag  ")
    assert any(LOST in frame and "running" in frame for frame in frames)


def test_a_lost_log_is_no_path_of_the_result(tmp_path: Path) -> None:
    settings = Settings(network="feedforward", epochs=1, batch_size=100, threads=1)

    result: TrainingResult = run_training(settings, tmp_path / "run.h5", dataset=mnist(600))

    assert (result.path, result.log_failure) == (None, LOST)
