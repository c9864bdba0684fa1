"""Small trainings that die and are turned back; `python -m` runs one that kills itself on the way.

python -m tests.helpers.rollback_trainings LOG STAGE
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.log import checkpoints
from diagnostics.log.checkpoints import CheckpointRing
from diagnostics.log.reader import open_run
from diagnostics.log.writer import LogWriter
from diagnostics.record.recorder import Recorder
from diagnostics.run.run import Run
from lenet import Hook, Model
from lenet.hooks import StepStart
from tests.helpers.small_trainings import small_model, train

QUICK = DEFAULT_THRESHOLDS.changed(
    {"verdict.window_samples": 100, "verdict.window_steps": 8, "verdict.patience": 30, "verdict.grace": 20}
)
"""Small trainings are judged within ten steps."""
EPOCHS = 6
STEPS_ASKED = EPOCHS * 13
TIMES = ("seconds",)


class BreaksOnce(Hook):
    """Writes into the weights of a model before one step, the first time that it comes."""

    def __init__(self, model: Model, step: int, times: int = 1) -> None:
        self._model, self._step, self._left = model, step, times

    def on_step_start(self, event: StepStart) -> None:
        if event.step == self._step and self._left:
            self._left -= 1
            self._model.parameters.values[...] = -np.abs(self._model.parameters.values) - 1.0


def recorder_of(path: Path, model: Model, **options: Any) -> Recorder:
    """A recorder that turns the training of a model back, with half its rate unless ``options`` say otherwise."""
    asked = {"checkpoint_every": 5, "on_defect": "rollback", "rollback_with": "half-rate", "detector": QUICK, **options}
    return Recorder(path, model=model, **asked)


def turned_back(path: Path, lr: float = 4.0, breaks_at: int | None = None, **options: Any) -> Run:
    """Train with ``on_defect="rollback"``; the run that was logged.

    ``lr``: from 2 on it dies, and half of it, or a quarter, lives.
    ``breaks_at``: the step before which the weights are broken once; None for a run that dies of its learning rate.
    """
    model = small_model(lr=lr)
    hooks: list[Hook] = [recorder_of(path, model, **options)]
    train([*hooks, *([BreaksOnce(model, breaks_at)] if breaks_at is not None else [])], model, epochs=EPOCHS)
    return open_run(path)


def resumed(path: Path, **options: Any) -> Run:
    """Go on with a run that was killed, as it was begun."""
    model = small_model(lr=4.0)
    recorder = Recorder(path, model=model, **options)
    recorder.resume(model)
    train([recorder], model, epochs=EPOCHS)
    return open_run(path)


def same_rows(one: Run, other: Run) -> None:
    """All numbers of two runs are the same bit for bit, except how long things took."""
    assert one.index["step"].tolist() == other.index["step"].tolist()
    kept = [name for name in one.columns.names if name not in TIMES]
    np.testing.assert_array_equal(one.block(kept).view(np.uint32), other.block(kept).view(np.uint32))


def _dies(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dies_before(owner: Any, name: str) -> None:
    setattr(owner, name, _dies)


def _dies_after(owner: Any, name: str) -> None:
    before: Callable[..., Any] = getattr(owner, name)

    def method(*arguments: Any, **named: Any) -> None:
        before(*arguments, **named)
        _dies()

    setattr(owner, name, method)


class DiesAt(Hook):
    """Kills the process before a step, the n-th time that it comes."""

    def __init__(self, step: int, time: int) -> None:
        self._step, self._left = step, time

    def on_step_start(self, event: StepStart) -> None:
        self._left -= event.step == self._step
        if event.step == self._step and not self._left:
            _dies()


STAGES: dict[str, Callable[[], None]] = {
    "before the rollback is logged": lambda: _dies_before(LogWriter, "turn_back"),
    "after the rollback is logged": lambda: _dies_after(LogWriter, "turn_back"),
    "before undone checkpoints are removed": lambda: _dies_before(CheckpointRing, "forget_after"),
    "while undone checkpoints are removed": lambda: _dies_after(checkpoints, "_remove"),
    "after undone checkpoints are removed": lambda: _dies_after(CheckpointRing, "forget_after"),
}
STEPS = {
    "before the first step after it": (0, 2),
    "before the next checkpoint": (4, 2),
    "where an undone step was": (9, 2),
    "before the second rollback": (12, 1),
    "after the second rollback": (1, 3),
    "long after it": (33, 1),
}
"""The step, and how often it has come."""


def main(path: str, stage: str) -> None:
    """Train until the process kills itself."""
    model = small_model(lr=4.0)
    recorder = Recorder(
        path, model=model, checkpoint_every=5, on_defect="rollback", rollback_with="half-rate", detector=QUICK
    )
    hooks: list[Hook] = [recorder]
    if stage in STAGES:
        STAGES[stage]()
    else:
        hooks.append(DiesAt(*STEPS[stage]))
    train(hooks, model, epochs=EPOCHS)


if __name__ == "__main__":
    main(*sys.argv[1:])
