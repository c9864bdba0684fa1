"""ToldStep: what a loop said of one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ToldStep:
    """What a loop said of one step.

    Attributes:
        batch: the inputs, samples first and channels last.
        loss: mean loss of the batch, without penalty.
        accuracy: share that was guessed right; None where the run records none.
        rate: the learning rate.
        penalty: what regularisation adds to the loss.
        targets: those of the batch; None where they were not said.
    """

    batch: NDArray[Any]
    loss: float
    accuracy: float | None
    rate: float
    penalty: float
    targets: NDArray[Any] | None

    def copied(self) -> Self:
        """The same with arrays of its own, which the loop cannot change any more."""
        targets = None if self.targets is None else np.array(self.targets)
        return replace(self, batch=self.batch.copy(), targets=targets)
