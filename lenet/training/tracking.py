"""Tells a tracker of times and accuracies what the loop tells its hooks."""

from __future__ import annotations

from typing import Protocol

from lenet.errors import SettingsError
from lenet.hooks import EpochEnd, Hook, RunEnd, StepEnd


class Tracker(Protocol):
    """What a model tells a tracker of times and accuracies, such as the report's StatisticsTracker."""

    def add_time(self, phase: str, seconds: float) -> None: ...
    def record_epoch_accuracy(self, epoch: int, accuracy: float) -> None: ...
    def record_validation_accuracy(self, accuracy: float) -> None: ...


def check_tracker(stats: object) -> None:
    """Raises SettingsError naming the first method that a tracker lacks, before a run is spent on it."""
    for method in ("add_time", "record_epoch_accuracy", "record_validation_accuracy"):
        if isinstance(stats, type) or not callable(getattr(stats, method, None)):
            raise SettingsError(f"stats: received {stats!r}, expected a tracker with {method}(), or None")


class Tracking(Hook):
    """Seconds of every step, epoch and training, and the accuracy of every epoch."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def on_step_end(self, event: StepEnd) -> None:
        """Seconds of the step."""
        self._tracker.add_time("step", event.seconds)

    def on_epoch_end(self, event: EpochEnd) -> None:
        """Seconds and accuracy of the epoch."""
        self._tracker.add_time("epoch", event.seconds)
        self._tracker.record_epoch_accuracy(event.epoch, event.accuracy)

    def on_run_end(self, event: RunEnd) -> None:
        """Seconds of the training."""
        self._tracker.add_time("training", event.seconds)
