"""Loss and accuracy that contradict each other. No verdict rests on such rows, and a finding reports them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.schema.number_range import number_text
from diagnostics.schema.task import BINARY, DEFAULT_TASK, Task

CONTRADICTION = "contradiction"
# Share of the commonest class from which a high accuracy does not contradict a loss of guessing.
NEARLY_ALL = 0.6
# Share of the commonest class from which an accuracy of chance does not contradict a low loss: a good network is hardly
# more often right.
NEARLY_ONE = 0.95
# Share of the loss of guessing below which the loss says that the run has learned.
LOW = 0.9


@dataclass(frozen=True)
class Contradiction:
    """Windows in which loss and accuracy contradicted each other.

    first_step, last_step: the last step of the first such window, and that of the latest one.
    loss, accuracy: the means over the latest such window.
    guessing_loss: the loss of guessing.
    task: the task of the run, which decides the likely reasons; default classes with cross-entropy.
    """

    first_step: int
    last_step: int
    loss: float
    accuracy: float
    guessing_loss: float
    task: Task = DEFAULT_TASK

    @property
    def finding(self) -> Finding:
        """The finding: what each of the two numbers says, and the likely reasons."""
        if self.loss < LOW * self.guessing_loss:
            says, but = "the run has learned", "it guesses"
            unit = " in nats" if self.task.is_cross_entropy else ""
            likely = "labels that were scaled or are all of one class, or a loss that is no mean "
            likely += self.task.loss_words + unit
        else:
            says, but = "the run guesses", "it has learned"
            likely = (
                "a loss that is summed instead of averaged, softmax that is applied twice, or a metric that counts "
            )
            likely += "elements of one-hot rows"
            if self.task.kind == BINARY:
                likely = "a loss that is summed instead of averaged, or a sigmoid that is applied twice"
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
