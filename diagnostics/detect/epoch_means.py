"""Sums over epochs, for the rule that compares training with validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

EpochSummary = tuple[int, float, float, float, float]


@dataclass
class EpochSums:
    """Loss and accuracy of each epoch's training, added up row by row; one small entry an epoch."""

    sums: dict[int, list[float]] = field(default_factory=dict)

    def add(self, epoch: int, loss: float, accuracy: float, samples: float) -> None:
        """One row."""
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
