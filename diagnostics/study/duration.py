"""How long a study will take, told before it begins: a few steps of each kind of arm are timed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from statistics import median
from typing import Any

from diagnostics.record.training import run_training
from diagnostics.study.plan import PlannedRun
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook, StepEnd
from lenet.settings import Settings

TIMED_STEPS = 6
RECORDED = 1.3
"""Measuring, judging, logging and validating add about so much to the time of the steps."""
DECISIVE = ("network", "activation", "convolution", "optimizer", "batch_size", "data", "threads")
"""The settings that decide how long a step takes."""


class StepSeconds(Hook):
    """Gathers the seconds of the steps of a run."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_end(self, event: StepEnd) -> None:
        """One step."""
        self.seconds.append(event.seconds)


def expected_seconds(tasks: Iterable[PlannedRun], jobs: int) -> float:
    """The seconds that these runs take, roughly: on a machine that does nothing else, with none ended before its time.

    tasks: the runs that are to be trained.
    jobs: how many are trained at a time.
    """
    step_seconds: dict[tuple[Any, ...], float] = {}
    datasets: dict[str | None, Dataset] = {}
    total = 0.0
    for task in tasks:
        settings = task.settings
        if settings.data not in datasets:
            datasets[settings.data] = load_dataset(settings.data, None)
        data = datasets[settings.data]
        key = tuple(getattr(settings, name) for name in DECISIVE)
        if key not in step_seconds:
            step_seconds[key] = _step_seconds(settings, data)
        samples = min(len(data.X_train), settings.limit or len(data.X_train))
        total += RECORDED * step_seconds[key] * settings.total_steps(settings.steps_per_epoch(samples))
    return total / jobs


def _step_seconds(settings: Settings, data: Dataset) -> float:
    """The median time of a few steps."""
    few = {"epochs": 1, "steps": TIMED_STEPS, "limit": None}
    wanted = TIMED_STEPS * settings.batch_size
    small = replace(data, X_train=data.X_train[:wanted], y_train=data.y_train[:wanted])
    small = replace(small, X_test=data.X_test[:wanted], y_test=data.y_test[:wanted])
    times = StepSeconds()
    run_training(Settings.from_dict({**settings.to_dict(), **few}), None, dataset=small, hooks=lambda _: [times])
    return median(times.seconds)
