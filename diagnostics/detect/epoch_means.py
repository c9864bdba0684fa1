"""Means over rows that are not kept any more: over each epoch, and over the first rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

EpochSummary = tuple[int, float, float, float, float]


@dataclass
class EpochSums:
    """Sums of training loss and accuracy, one entry for each epoch, added up row by row."""

    sums: dict[int, list[float]] = field(default_factory=dict)

    def add(self, epoch: int, loss: float, accuracy: float, samples: float) -> None:
        """Adds one row."""
        entry = self.sums.setdefault(epoch, [0.0, 0.0, 0.0])
        entry[0] += loss * samples
        entry[1] += accuracy * samples
        entry[2] += samples

    def counts(self) -> tuple[tuple[int, int, int], ...]:
        """(epoch, right answers, samples) of every epoch whose numbers are finite."""
        return tuple(
            (epoch, round(right), round(samples))
            for epoch, (_, right, samples) in self.sums.items()
            if math.isfinite(right) and math.isfinite(samples)
        )

    def with_validations(self, validations: Sequence[tuple[int, float, float]]) -> tuple[EpochSummary, ...]:
        """(epoch, training loss, training accuracy, validation loss, validation accuracy) where both are known."""
        means = {
            epoch: (loss / samples, right / samples) for epoch, (loss, right, samples) in self.sums.items() if samples
        }
        return tuple((epoch, *means[epoch], loss, right) for epoch, loss, right in validations if epoch in means)


class FirstLoss:
    """The mean data loss of the first rows of a run.

    ``rows``: of how many.
    """

    def __init__(self, rows: int) -> None:
        self._left, self._sum, self._rows = rows, 0.0, 0

    def add(self, loss: float) -> None:
        """One row; what is not finite does not count."""
        if self._left > 0 and math.isfinite(loss):
            self._left -= 1
            self._sum += loss
            self._rows += 1

    @property
    def value(self) -> float:
        """The mean so far; NaN without a row."""
        return self._sum / self._rows if self._rows else math.nan
