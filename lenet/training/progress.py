"""The position of a training, which a continued run needs."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from lenet.hooks import EpochEnd

ENDLESS = sys.maxsize
"""The steps of an epoch that goes on nobody knows how long."""


@dataclass
class TrainingProgress:
    """The steps made, the sums of the present epoch, and the size and order of the batches.

    Args:
        step: steps made since step 0, which is also the number of the step that comes next.
        steps_per_epoch: steps in one epoch; 0 before the first training.
        shuffle: whether every epoch has an order of its own.
        loss_sum: sum of the losses of the epoch's samples so far.
        correct: how many of the epoch's samples were guessed right so far; NaN where nobody says.
        samples: samples of the epoch so far.
        seconds: sum of the seconds of the epoch's steps so far.
    """

    step: int = 0
    steps_per_epoch: int = 0
    shuffle: bool = False
    loss_sum: float = 0.0
    correct: float = 0
    samples: int = 0
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """The epoch that the next step is in, counted from 1."""
        return self.step // self.steps_per_epoch + 1

    @property
    def step_in_epoch(self) -> int:
        """The number of the next step within its epoch, counted from 0."""
        return self.step % self.steps_per_epoch

    @property
    def ended_epoch(self) -> int | None:
        """The epoch whose last step was made just now; None within an epoch."""
        return self.epoch - 1 if self.step_in_epoch == 0 else None

    def count(self, loss: float, correct: float, samples: int, seconds: float) -> None:
        """Count one step with this mean loss."""
        self.step += 1
        self.loss_sum += loss * samples
        self.correct += correct
        self.samples += samples
        self.seconds += seconds

    def end_epoch(self, learning_rate: float) -> EpochEnd:
        """The sums of the epoch whose last step was counted; they are set to 0 for the next one."""
        last = self.step - 1
        event = EpochEnd(
            epoch=self.epoch - 1,
            first_step=self.step - self.steps_per_epoch,
            last_step=last,
            loss=self.loss_sum / self.samples,
            accuracy=self.correct / self.samples,
            learning_rate=learning_rate,
            seconds=self.seconds,
        )
        self.loss_sum, self.correct, self.samples, self.seconds = 0.0, 0, 0, 0.0
        return event
