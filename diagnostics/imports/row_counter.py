"""How a file counts its rows, where the count goes back, and the words for such a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.columns import meanings
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.step_axis import has_epochs_of_rows, have_fractions


@dataclass(frozen=True)
class RowCounter:
    """How a file counts its rows.

    ``metrics``: its metrics.
    ``loss``: the name of the loss, whose values are its rows.
    ``unit``: "step", or "epoch" where it has no steps.
    ``per_epoch``: more than the largest step, where steps are counted anew in each epoch; else 0.
    ``takes_all``: whether rows of the same number are all taken, as those of parts of epochs, which are rounded.
    """

    metrics: LoggedMetrics
    loss: str
    unit: str
    per_epoch: float
    takes_all: bool = False

    @classmethod
    def of(cls, metrics: LoggedMetrics, options: ImportOptions) -> RowCounter | None:
        """The counter of a file; None where it has no loss or counts nothing, and for running means of an epoch."""
        names = [
            name
            for name, one in meanings(list(metrics.series), options.columns).items()
            if one.quantity in ("loss", "data_loss") and one.data == "train"
        ]
        if not names or metrics.rows == "running means":
            return None
        loss = max(names, key=lambda name: (name in options.columns.values(), len(metrics.series[name])))
        steps, epochs = metrics.series[loss].steps, metrics.series[loss].epochs
        if not np.isfinite(steps).any():
            counts = np.isfinite(epochs).any() and not has_epochs_of_rows(metrics.series[loss])
            takes_all = have_fractions(epochs) and options.steps_per_epoch is None
            return cls(metrics, loss, "epoch", 0.0, takes_all) if counts else None
        begins_anew = (np.diff(steps) < 0) & (np.diff(epochs) > 0)
        return cls(metrics, loss, "step", float(np.nanmax(steps)) + 1 if begins_anew.any() else 0.0)

    def at(self, series: MetricSeries) -> Numbers:
        """The number of each value in the order of the run; NaN where the file does not say it."""
        if self.unit == "epoch":
            return series.epochs
        return series.epochs * self.per_epoch + series.steps if self.per_epoch else series.steps

    @cached_property
    def rows(self) -> MetricSeries:
        """The values of the loss of which the file says the number, in its order."""
        series = self.metrics.series[self.loss]
        return series.where(np.isfinite(self.at(series)))

    @cached_property
    def numbers(self) -> Numbers:
        """The number of each row."""
        return self.at(self.rows)

    @property
    def places(self) -> Numbers:
        """The place of each row in the file."""
        return self.rows.in_file

    @property
    def back(self) -> NDArray[np.intp]:
        """The rows in which the file goes back."""
        return np.flatnonzero(np.diff(self.numbers) < 0) + 1

    @property
    def repeated(self) -> int:
        """How many rows have the number of another one."""
        return len(self.numbers) - len(np.unique(self.numbers))

    def kept(self, keeps: Callable[[MetricSeries], NDArray[np.bool_]]) -> RowCounter:
        """The same with the values that are kept; a metric of which there is none is left out."""
        parts = {name: series.where(keeps(series)) for name, series in self.metrics.series.items()}
        kept = {name: series for name, series in parts.items() if len(series)}
        return replace(self, metrics=replace(self.metrics, series=kept))

    def between(self, first: float, end: float) -> RowCounter:
        """The same with the values from one place of the file on, up to another one."""
        return self.kept(lambda series: (series.in_file >= first) & (series.in_file < end))

    def told(self, *sentences: str) -> LoggedMetrics:
        """The metrics with what was found in the order of their rows, and that rows repeat a step, where they do."""
        if self.repeated and not self.takes_all:
            which = f"{self.repeated:,} of {len(self.numbers):,} rows repeat the {self.unit} of another one"
            sentences = (*sentences, f"{which}; the last one of each is taken")
        return replace(self.metrics, told=(*self.metrics.told, *sentences))

    def back_words(self, row: int) -> str:
        """From which number to which one the file goes back in this row, and where."""
        numbers = f"from {self._shown(self.numbers[row - 1])} to {self._shown(self.numbers[row])}"
        return f"{self.unit}s go back {numbers} at {self.where(row)}"

    def where(self, row: int) -> str:
        """The place of a row in the file: its line, or where lines are not known the number of the value."""
        line = self.metrics.first_line
        return f"value {row + 1:,} of {self.loss}" if line is None else f"line {int(self.places[row]) + line:,}"

    def _shown(self, at: float) -> str:
        return f"{at % self.per_epoch if self.per_epoch else at:,.10g}"
