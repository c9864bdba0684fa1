"""A hook that gives times and accuracies of a training to a tracker."""

from __future__ import annotations

from typing import Protocol

from lenet.errors import SettingsError
from lenet.hooks import EpochEnd, Hook, RunEnd, RunStart, StepEnd, ValidationEnd


class Tracker(Protocol):
    """The methods that a tracker needs, such as the paper's StatisticsTracker."""

    def add_time(self, phase: str, seconds: float) -> None: ...
    def record_epoch_accuracy(self, epoch: int, accuracy: float) -> None: ...
    def record_validation_accuracy(self, accuracy: float) -> None: ...


def check_tracker(stats: object) -> None:
    """Raises SettingsError before any training, naming the first method that ``stats`` lacks."""
    for method in ("add_time", "record_epoch_accuracy", "record_validation_accuracy"):
        if isinstance(stats, type) or not callable(getattr(stats, method, None)):
            raise SettingsError(f"stats: received {stats!r}, expected a tracker with {method}(), or None")


class Tracking(Hook):
    """Gives a tracker the seconds and accuracies of steps, epochs, validations and the training.

    Args:
        tracker: the tracker.
    """

    optional = "the tracker"

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._is_training = False
        self._training_seconds = 0.0

    def on_run_start(self, event: RunStart) -> None:
        self._is_training = True

    def on_step_end(self, event: StepEnd) -> None:
        self._tracker.add_time("step", event.seconds)

    def on_epoch_end(self, event: EpochEnd) -> None:
        self._tracker.add_time("epoch", event.seconds)
        self._tracker.record_epoch_accuracy(event.epoch, event.accuracy)

    def on_validation_end(self, event: ValidationEnd) -> None:
        """Within a training, a validation counts for the training's time; after it, both give the combined time."""
        self._tracker.record_validation_accuracy(event.accuracy)
        self._tracker.add_time("validation", event.seconds)
        if not self._is_training:
            self._tracker.add_time("combined", self._training_seconds + event.seconds)

    def on_run_end(self, event: RunEnd) -> None:
        self._is_training = False
        self._training_seconds = event.seconds
        self._tracker.add_time("training", event.seconds)
