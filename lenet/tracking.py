"""Tells a tracker of times and accuracies what the loop tells its hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lenet.hooks import EpochEnd, Hook, RunEnd, StepEnd

if TYPE_CHECKING:
    from lenet.model import Tracker


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
