"""One training from settings to a judged log: whatever ended the run, its result says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.training import TrainingResult, run_training
from lenet import Settings, StopTraining
from tests.helpers.small_models import Call, mnist, raising

SETTINGS = Settings(network="feedforward", lr=0.1, epochs=1, batch_size=100, threads=1)


def trained(path: Path | None, *hooks: Call) -> TrainingResult:
    return run_training(SETTINGS, path, dataset=mnist(600), hooks=lambda recorder: hooks)


def test_the_result_of_a_whole_run(tmp_path: Path) -> None:
    result = trained(tmp_path / "run.h5")

    assert (result.status, result.path, result.interruption) == ("completed", tmp_path / "run.h5", None)
    assert result.model.step == 6


def test_the_result_of_a_run_that_a_hook_stopped() -> None:
    result = trained(None, Call("on_step_end", raising(StopTraining("enough")), 2))

    assert (result.status, result.path, result.interruption) == ("stopped", None, None)
    assert result.model.step == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interrupted_run_has_its_result_as_any_other(error: BaseException, tmp_path: Path) -> None:
    result = trained(tmp_path / "run.h5", Call("on_step_end", raising(error), 2))

    assert (result.status, result.interruption) == ("interrupted", error)
    assert result.model.step == 3
    assert len(open_run(tmp_path / "run.h5")) == 3
    assert open_run(tmp_path / "run.h5").verdict == result.diagnosis.verdict


def test_a_failed_run_raises_its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        trained(None, Call("on_step_end", raising(ZeroDivisionError()), 2))


def test_an_interrupt_before_the_recorder_hears_of_the_run_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_run_start(recorder: object, event: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("diagnostics.record.training.Recorder.on_run_start", on_run_start)

    with pytest.raises(KeyboardInterrupt):
        trained(None)
