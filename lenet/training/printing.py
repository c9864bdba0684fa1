"""The paper's printed lines, as a hook; the training loop itself prints nothing."""

from __future__ import annotations

import math
import sys
from typing import TextIO

from lenet.hooks import EpochEnd, Hook, StepEnd, TurnedBack


class PrintProgress(Hook):
    """Prints the paper's lines: ``step:64, acc:0.906, loss:0.297`` and ``step took 1.71 seconds``.

    Args:
        every: print every so many steps of an epoch, but not at its first step, and at its end.
        stream: where to print; None (default) for stdout.
    """

    optional = "printing"

    def __init__(self, every: int, stream: TextIO | None = None) -> None:
        self.every = every
        self._stream = stream

    def on_step_end(self, event: StepEnd) -> None:
        """Loss and accuracy of one step in ``every``."""
        if event.step_in_epoch and event.step_in_epoch % self.every == 0:
            self.say(f"step:{event.step_in_epoch}, {_scores(event.accuracy, event.loss)}")
            self.say(f"step took {event.seconds:.2f} seconds")

    def on_epoch_end(self, event: EpochEnd) -> None:
        """Mean accuracy and loss of the epoch, and an empty line."""
        self.say(f"epoch:{event.epoch}, {_scores(event.accuracy, event.loss)}")
        self.say(f"epoch took {event.seconds:.2f} seconds\n")

    def on_turned_back(self, event: TurnedBack) -> None:
        """Why the steps begin again from an earlier one."""
        if event.after >= event.step:
            self.say(f"{event.reason}\n")

    def say(self, line: str) -> None:
        """Print one line."""
        print(line, file=self._stream or sys.stdout, flush=True)


def _scores(accuracy: float, loss: float) -> str:
    """Accuracy and loss; the loss alone where a loop of one's own has no accuracy."""
    right = "" if math.isnan(accuracy) else f"acc:{accuracy:.3f}, "
    return f"{right}loss:{loss:.3f}"
