"""What a TorchRecorder says about a loop that does not fit, each once."""

from __future__ import annotations

import logging

log = logging.getLogger("lenet-diag")
NO_LOSS = (
    "criterion: an update came without a loss; expected the module that computes it as criterion=, called with outputs "
    "and targets, or a call of observe(loss, outputs, targets) before loss.backward()"
)
NO_STEP = (
    "ended before the first step, so nothing was recorded; a step is a call of optimizer.step() of the optimiser that "
    "was given"
)
SEVERAL_LOSSES = (
    "several losses of the criterion were differentiated together; loss, data_loss and accuracy are their means, each "
    "weighed as in the sum that was differentiated"
)
OTHER_LOSS = (
    "a loss of %.4g is not the mean cross-entropy of outputs and targets, %.4g; the log has this as data_loss, and the "
    "verdict compares it with guessing; where the outputs are no scores of classes, pass task=Task.loss_only()"
)
NO_UPDATE = (
    "no recorded optimiser made a step after the last %d backward passes, so they are not in the log; where another "
    "optimiser makes the updates, give that one to a TorchRecorder"
)
LATE_GRADIENT = "%s: had no gradient in the first step; the log has no columns of it"
NEW_PARAMETERS = (
    "%s: came after the first step and are not in the log; begin a new log where a model gets new parameters"
)
LEFT_OUT = "step %d came without a loss and has no row"
COMPLEX = "%s: complex numbers are not measured"


class Warnings:
    """Says each of these once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, message: str, *values: object) -> None:
        """Warn, unless this has been said; ``values`` are put into the message."""
        if message not in self._said:
            self._said.add(message)
            log.warning(f"TorchRecorder: {message}", *values)
