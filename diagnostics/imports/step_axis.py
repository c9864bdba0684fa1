"""The step and the epoch of each value of a run, counted over the whole run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions

LAST_STEP = 2**53
ROWS_AN_EPOCH = 3
"""So many rows an epoch are those of steps. Fewer are a row of training and one of validation, or one printed twice."""


@dataclass(frozen=True)
class StepAxis:
    """How steps and epochs of a file are counted.

    ``unit``: what a row is numbered by: "step"; where a file has no steps "epoch", or "part of an epoch" where epochs
    have fractions and the steps of one are known; or "row" where nothing says its step.
    ``per_epoch``: the number of steps in an epoch; None where it is not known.
    ``first_epoch``: the number that the file gives the first epoch.
    ``restarts``: whether the file counts the steps of each epoch anew.
    ``first_step``: the number that it gives the first step.
    ``places``: (rows,), where in the file each row stands, which is one of its loss.
    """

    unit: str
    per_epoch: int | None
    first_epoch: float
    restarts: bool
    first_step: int
    places: Numbers

    @classmethod
    def of(
        cls, metrics: LoggedMetrics, loss: MetricSeries, others: Iterable[MetricSeries], options: ImportOptions
    ) -> StepAxis:
        """The axis of a file, from the loss and the other metrics of its training."""
        series = [loss, *others]
        steps, epochs = np.concatenate([one.steps for one in series]), np.concatenate([one.epochs for one in series])
        known = np.isfinite(steps)
        finite = epochs[np.isfinite(epochs)]
        first_epoch = float(finite.min()) if len(finite) else 1.0
        unit = "step" if known.any() else "epoch" if len(finite) else "row"
        if unit == "epoch" and have_fractions(epochs):
            unit = "part of an epoch" if options.steps_per_epoch else "row"
        elif unit == "epoch" and has_epochs_of_rows(loss):
            unit = "row"
        restarts = unit == "step" and any(_restarts(one) for one in series)
        told = options.steps_per_epoch or metrics.settings.get("steps_per_epoch")
        per_epoch = int(told) if isinstance(told, int | float) and 1 <= told < LAST_STEP else None
        if per_epoch is None and restarts:
            per_epoch = int(np.nanmax(steps)) - metrics.first_step + 1 - int(np.nanmin(steps) == 1)
        elif per_epoch is None and unit == "step" and len(finite):
            both = known & np.isfinite(epochs)
            per_epoch = _steps_per_epoch(
                steps[both] - metrics.first_step, np.floor(epochs[both]) - math.floor(first_epoch)
            )
        first_step = 1 if restarts and np.nanmin(steps) == 1 else metrics.first_step
        return cls(unit, per_epoch, first_epoch, restarts, first_step, loss.in_file)

    @property
    def counts_steps(self) -> bool:
        """Whether the numbers of rows are steps."""
        return self.unit != "epoch" or self.per_epoch is not None

    def placed(self, series: MetricSeries) -> MetricSeries:
        """A series with steps from 0 and epochs from 1, in their order, the last value of each step.

        Values without a place are left out. The epoch is NaN where it is not known.
        """
        epochs = self._epochs_from_1(series.epochs)
        if self.unit == "row":
            steps = np.maximum(np.searchsorted(self.places, series.in_file, side="right") - 1.0, 0)
        elif self.unit == "part of an epoch":
            first = 0 if self.first_epoch == 0 else 1
            steps = np.round(series.epochs * (self.per_epoch or 1)) - first
        elif self.unit == "epoch":
            steps = epochs * (self.per_epoch or 1) - 1
        else:
            steps = series.steps - self.first_step
            if self.restarts and self.per_epoch:
                steps = steps + (epochs - 1) * self.per_epoch
        if self.per_epoch and self.unit != "epoch":
            epochs = np.where(np.isfinite(epochs), epochs, np.floor(steps / self.per_epoch) + 1)
        with np.errstate(invalid="ignore"):
            kept = np.flatnonzero((steps >= 0) & (steps < LAST_STEP) & (steps == np.floor(steps)))
        kept = kept[np.argsort(steps[kept], kind="stable")]
        is_last = np.append(np.diff(steps[kept]) != 0, True)[: len(kept)]
        kept = kept[is_last]
        return MetricSeries(steps[kept], epochs[kept], series.values[kept])

    def _epochs_from_1(self, epochs: Numbers) -> Numbers:
        """Epochs counted from 1; a fraction, as some loggers have it, belongs to the epoch that it is in."""
        with np.errstate(invalid="ignore"):
            if have_fractions(epochs):
                return np.maximum(np.ceil(epochs - 1e-9), 1)
        return epochs - self.first_epoch + 1


def have_fractions(epochs: Numbers) -> bool:
    """Whether epochs (n,) are parts of epochs, as some loggers count them; NaN where there is none."""
    finite = epochs[np.isfinite(epochs)]
    return bool((finite != np.floor(finite)).any())


def has_epochs_of_rows(series: MetricSeries) -> bool:
    """Whether many rows one after the other have the same epoch and no step, so that each is one of a step."""
    epochs = series.epochs
    if len(series) < ROWS_AN_EPOCH or np.isfinite(series.steps).any() or not np.isfinite(epochs).all():
        return False
    is_in_order = not have_fractions(epochs) and bool((np.diff(epochs) >= 0).all())
    return is_in_order and len(epochs) >= ROWS_AN_EPOCH * len(np.unique(epochs))


def _restarts(series: MetricSeries) -> bool:
    """Whether steps fall back where a new epoch begins, and only there."""
    steps, epochs = series.steps, series.epochs
    if len(steps) < 2 or not (np.isfinite(steps) & np.isfinite(epochs)).all():
        return False
    falls = np.diff(steps) < 0
    return bool(falls.any() and (np.diff(epochs)[falls] > 0).all())


def _steps_per_epoch(steps: Numbers, epochs: Numbers) -> int | None:
    """The smallest number of steps an epoch by which each step lies in its epoch, counted from 0; None without one."""
    if not len(steps) or epochs.max() < 1:
        return None
    least = math.floor(float((steps / (epochs + 1)).max())) + 1
    later = epochs > 0
    most = float((steps[later] / epochs[later]).min())
    return least if 1 <= least <= most else None
