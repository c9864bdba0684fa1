"""Rollbacks that cannot be: refused, left out, or an error."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from diagnostics import Recorder, open_run
from diagnostics.log.names import checkpoint_folder
from lenet import Hook, SettingsError
from lenet.hooks import ContinueFrom, StepEnd
from tests.helpers.rollback_trainings import EPOCHS, STEPS_ASKED, recorder_of
from tests.helpers.small_trainings import small_model, train


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_defect": "restart"}, "received 'restart', expected 'continue', 'stop' or 'rollback'"),
        ({"on_defect": "rollback"}, "received 'rollback' without a model and a path, which it needs"),
        ({"on_defect": "rollback", "detector": False}, "received 'rollback' without a detector, which it needs"),
        ({"on_defect": "rollback", "checkpoint_every": 0}, "received 'rollback' without checkpoints, which it needs"),
        ({"rollback_with": "prayer"}, "received 'prayer', expected one of half-rate, quarter-rate, clip"),
    ],
)
def test_a_rollback_that_cannot_be_is_refused_before_any_training(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Recorder(**options)
    assert message in str(caught.value)


def test_without_a_sound_checkpoint_before_the_chain_the_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Removes(Hook):
        def on_step_end(self, event: StepEnd) -> None:
            for path in checkpoint_folder(tmp_path / "run.h5").glob("*.npz"):
                path.unlink()

    model = small_model(lr=4.0)
    with caplog.at_level(logging.WARNING, "lenet-diag"):
        train([Removes(), recorder_of(tmp_path / "run.h5", model)], model, epochs=EPOCHS)

    run = open_run(tmp_path / "run.h5")
    assert run.rollbacks == ()
    assert run.verdict.is_dead
    assert len(run) == STEPS_ASKED
    [told] = [message for message in caplog.messages if "turned back" in message]
    assert "found no checkpoints" in told


def test_a_hook_that_turns_the_run_back_without_its_recorder_is_an_error(tmp_path: Path) -> None:
    model = small_model()

    class Other(Hook):
        def on_step_end(self, event: StepEnd) -> None:
            if event.step == 0:
                self.state = model.state()
            if event.step == 3:
                raise ContinueFrom("because", self.state)

    with pytest.raises(Exception, match="turned back by another hook than its recorder"):
        train([Recorder(tmp_path / "run.h5"), Other()], model)
