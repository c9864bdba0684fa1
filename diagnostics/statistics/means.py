"""Means of the numbers of runs: accuracies and times, each with its standard deviation and n."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from diagnostics.statistics.run_summary import EpochSummary, RunSummary


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of one number over several runs.

    Args:
        mean: the mean; None where n = 0.
        std: the standard deviation (ddof 1); None where n < 2.
        n: how many runs have this number.
    """

    mean: float | None
    std: float | None
    n: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Mean:
        """The mean over the values that are known and finite."""
        known = [v for v in values if v is not None and math.isfinite(v)]
        n = len(known)
        mean = math.fsum(known) / n if n else None
        std = None
        if mean is not None and n > 1:
            std = math.sqrt(math.fsum((v - mean) ** 2 for v in known) / (n - 1))
        return cls(mean, std, n)

    def to_json(self) -> dict[str, Any]:
        """``{"mean", "std", "n"}``."""
        return {"mean": self.mean, "std": self.std, "n": self.n}


@dataclass(frozen=True, slots=True)
class Metrics:
    """The means over one set of runs.

    Args:
        epoch_accuracy: training accuracy, one entry for each epoch.
        validation_accuracy: accuracy of the final model on the validation set.
        step_seconds: time of a step, as each run's mean.
        epoch_seconds: time of an epoch, as each run's mean.
        training_seconds: time of all steps of a run, without hooks.
        validation_seconds: time of one pass over the validation set.
        total_seconds: time of training and one validation.
    """

    epoch_accuracy: tuple[Mean, ...]
    validation_accuracy: Mean
    step_seconds: Mean
    epoch_seconds: Mean
    training_seconds: Mean
    validation_seconds: Mean
    total_seconds: Mean

    def to_json(self) -> dict[str, Any]:
        """The keys of ``stats --json``."""
        plain = {name: getattr(self, name).to_json() for name in SINGLE_METRICS}
        return {"epoch_accuracy": [m.to_json() for m in self.epoch_accuracy], **plain}


SINGLE_METRICS = (
    "validation_accuracy",
    "step_seconds",
    "epoch_seconds",
    "training_seconds",
    "validation_seconds",
    "total_seconds",
)


def metrics(runs: Sequence[RunSummary], exclude_defect_steps: bool = False) -> Metrics:
    """The means over ``runs``.

    With ``exclude_defect_steps``, step times and epoch accuracies come from the steps
    that are no defect iterations, and epoch times from the epochs without a defect
    iteration, since the time of the other steps is not that of an epoch.
    """

    def accuracy(epoch: EpochSummary) -> float | None:
        return epoch.clean_accuracy if exclude_defect_steps else epoch.accuracy

    def per_run_epoch_seconds(run: RunSummary) -> float | None:
        return Mean.of(e.seconds for e in run.epochs if not (exclude_defect_steps and e.defect_steps)).mean

    def mean(number: Callable[[RunSummary], float | None]) -> Mean:
        return Mean.of(number(run) for run in runs)

    last = max((e.epoch for run in runs for e in run.epochs), default=0)
    return Metrics(
        epoch_accuracy=tuple(
            Mean.of(accuracy(e) for run in runs for e in run.epochs if e.epoch == number)
            for number in range(1, last + 1)
        ),
        validation_accuracy=mean(lambda r: r.validation_accuracy),
        step_seconds=mean(lambda r: r.clean_step_seconds if exclude_defect_steps else r.step_seconds),
        epoch_seconds=mean(per_run_epoch_seconds),
        training_seconds=mean(lambda r: r.training_seconds),
        validation_seconds=mean(lambda r: r.validation_seconds),
        total_seconds=mean(lambda r: r.total_seconds),
    )
