"""Loss and accuracy that contradict each other. No verdict rests on such rows, and a finding reports them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.schema.number_range import number_text

CONTRADICTION = "contradiction"
# Share of the commonest class from which a high accuracy does not contradict a loss of guessing.
NEARLY_ALL = 0.6
# Share of the commonest class from which an accuracy of chance does not contradict a low loss: that of a good network is
# hardly higher.
NEARLY_ONE = 0.95
# Share of the loss of guessing below which the loss says that the run has learned.
LOW = 0.9


@dataclass(frozen=True)
class Contradiction:
    """Windows in which loss and accuracy contradicted each other.

    first_step, last_step: the last step of the first such window, and that of the latest one.
    loss, accuracy: the means over the latest such window.
    guessing_loss: the loss of guessing.
    """

    first_step: int
    last_step: int
    loss: float
    accuracy: float
    guessing_loss: float

    @property
    def finding(self) -> Finding:
        """The finding: what each of the two numbers says, and the likely reasons."""
        if self.loss < LOW * self.guessing_loss:
            says, but = "the run has learned", "it guesses"
            likely = "labels that were scaled or are all of one class, or a loss that is no mean cross-entropy in nats"
        else:
            says, but = "the run guesses", "it has learned"
            likely = (
                "a loss that is summed instead of averaged, softmax that is applied twice, or a metric that counts "
                "elements of one-hot rows"
            )
        words = (
            f"loss and accuracy contradict each other: a loss of {number_text(self.loss)} says that {says} (guessing: "
            f"{self.guessing_loss:.3g}), an accuracy of {self.accuracy:.3f} that {but}; likely reasons are {likely}"
        )
        return Finding(
            CONTRADICTION,
            None,
            self.first_step,
            self.last_step,
            self.accuracy,
            self.loss,
            Severity.ERROR,
            math.nan,
            words,
            plain=sentence(words),
        )
