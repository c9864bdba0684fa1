"""Finds where a file goes back in its steps: a second run, a training that was resumed, or rows out of order.

Steps that go back to their beginning, and are then there twice for long, are those of a second run. Steps that go back
to a later one, and on from there, are those of a training that was resumed: its later rows are taken, and those before
them are left out. Other rows are out of order. They are sorted, and of two rows of a step the later one is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import LogError
from diagnostics.imports.columns import meanings
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions

LEAST_ROWS = 5
"""So many rows in their order are a run, or what follows where one was resumed."""
UNSORTED = 0.2
"""Rows are out of order where this share of them goes back."""
REPEATED = 0.5
"""A run begins anew where this share of its rows, or of those before it, is there twice."""
TWO_AT_ONCE = 0.25
"""Two runs were written at the same time where this share of rows out of order repeats a step."""
HOLE = 10
"""Between two rows that are so many times as far apart as rows usually are, there is nothing."""
MOST_RESUMED = 1000
"""More often no training is resumed."""


@np.errstate(over="ignore", invalid="ignore")  # steps of a damaged file may be as large as a number can be
def runs_in(metrics: LoggedMetrics, options: ImportOptions, file: str) -> list[LoggedMetrics]:
    """The runs among metrics that were logged as those of one, in the order of the file; ``told`` says what was found.

    metrics: what was read of the file.
    options: what the user knows besides.
    file: the name of the file.

    Raises LogError where the rows of two runs are mixed.
    """
    counter = RowCounter.of(metrics, options)
    if counter is None:
        return [metrics]
    at, places = counter.of_loss()
    back = np.flatnonzero(np.diff(at) < 0) + 1
    if len(back) > UNSORTED * len(at):
        repeated = len(at) - len(np.unique(at))
        if repeated > TWO_AT_ONCE * len(at):
            raise LogError(
                f"{file}: {counter.where(places, int(back[0]))}: its {counter.unit}s jump back and forth from here on, "
                f"and {repeated:,} of {len(at):,} rows repeat one, as where two runs were written at the same time; "
                "put each run into a file of its own"
            )
        return [_with_told(metrics, _repeated_words(counter))]
    starts = _starts(at, back)
    if not starts:
        return [_without_undone(counter)]
    edges = [-np.inf, *(float(places[row]) for row in starts), np.inf]
    runs = []
    for number in range(1, len(edges)):
        row = starts[max(number - 2, 0)]
        back_at = counter.back_words(at, places, row)
        told = f"the file holds {len(edges) - 1} runs, one after the other, since its {back_at}; this is run {number}"
        part = replace(counter, metrics=counter.between(edges[number - 1], edges[number]))
        runs.append(replace(_without_undone(part, (told,)), number=number))
    return runs


@dataclass(frozen=True)
class RowCounter:
    """How a file counts its rows.

    ``metrics``: its metrics.
    ``loss``: the name of the loss, whose values are its rows.
    ``unit``: "step", or "epoch" where it has no steps.
    ``per_epoch``: more than the largest step, where steps are counted anew in each epoch; else 0.
    """

    metrics: LoggedMetrics
    loss: str
    unit: str
    per_epoch: float

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
            return cls(metrics, loss, "epoch", 0.0) if np.isfinite(epochs).any() else None
        begins_anew = (np.diff(steps) < 0) & (np.diff(epochs) > 0)
        return cls(metrics, loss, "step", float(np.nanmax(steps)) + 1 if begins_anew.any() else 0.0)

    def at(self, series: MetricSeries) -> Numbers:
        """The number of each value in the order of the run; NaN where the file does not say it."""
        if self.unit == "epoch":
            return series.epochs
        return series.epochs * self.per_epoch + series.steps if self.per_epoch else series.steps

    def of_loss(self) -> tuple[Numbers, Numbers]:
        """The number and the place in the file of each value of the loss."""
        series = self.metrics.series[self.loss]
        at = self.at(series)
        known = np.isfinite(at)
        return at[known], series.in_file[known]

    def between(self, first: float, end: float) -> LoggedMetrics:
        """The values from one place of the file on, up to another one."""
        return self.kept(lambda series: (series.in_file >= first) & (series.in_file < end))

    def kept(self, keeps: Callable[[MetricSeries], NDArray[np.bool_]]) -> LoggedMetrics:
        """The values that are kept; a metric of which there is none is left out."""
        parts = {name: series.where(keeps(series)) for name, series in self.metrics.series.items()}
        return replace(self.metrics, series={name: series for name, series in parts.items() if len(series)})

    def back_words(self, at: Numbers, places: Numbers, row: int) -> str:
        """From which number to which one the file goes back in this row, and where."""
        numbers = f"from {self._shown(at[row - 1])} to {self._shown(at[row])}"
        return f"{self.unit}s go back {numbers} at {self.where(places, row)}"

    def where(self, places: Numbers, row: int) -> str:
        """The place of a row in the file: its line, or where lines are not known the number of the value."""
        line = self.metrics.first_line
        return f"value {row + 1:,} of {self.loss}" if line is None else f"line {int(places[row]) + line:,}"

    def _shown(self, at: float) -> str:
        return f"{at % self.per_epoch if self.per_epoch else at:,.10g}"


def _starts(at: Numbers, back: NDArray[np.intp]) -> list[int]:
    """The rows in which a further run begins; ``back`` are those that go back."""
    heads = [int(row) for row in back if at[row] <= at.min() + _usual_gap(at)]
    starts: list[int] = []
    first = 0
    for row, end in zip(heads, [*heads, len(at)][1:], strict=True):
        before, after = at[first:row], at[row:end]
        if len(np.unique(before)) < LEAST_ROWS and before.max() <= after.max():
            continue  # a few steps that were made again
        if len(after) >= LEAST_ROWS and _twice(before, after) >= REPEATED * min(len(before), len(after)):
            starts.append(row)
            first = row
    return starts


def _twice(before: Numbers, after: Numbers) -> int:
    """How many of the rows before lie among those after, as those of the same steps do, whichever steps are logged."""
    there = np.sort(after)
    right = np.searchsorted(there, before, side="right")
    left, right = np.maximum(right - 1, 0), np.minimum(right, len(there) - 1)
    is_among = (before >= there[left]) & (before <= there[right])
    is_near = there[right] - there[left] <= HOLE * _usual_gap(there)
    return int((is_among & is_near | (there[left] == before)).sum())


def _usual_gap(at: Numbers) -> float:
    gaps = np.diff(at)
    return float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0


def _without_undone(counter: RowCounter, told: tuple[str, ...] = ()) -> LoggedMetrics:
    """The metrics without what a resumed training had made before and made again."""
    at, places = counter.of_loss()
    _, firsts, which = np.unique(at, return_index=True, return_inverse=True)
    back = np.flatnonzero(np.diff(at) < 0) + 1
    resumed = [int(row) for row in back if firsts[which[row]] < row][:MOST_RESUMED]
    ends = dict(zip(back.tolist(), [*back.tolist(), len(at)][1:], strict=True))
    is_left = np.ones(len(at), np.bool_)
    undone: list[tuple[float, float]] = []
    for row in resumed:
        before, after = at[:row][is_left[:row]], at[row : ends[row]]
        goes_on = after.max() >= before.max() or _twice(before, after) >= REPEATED * len(after)
        if len(after) < LEAST_ROWS or not goes_on:
            continue
        count = int((before >= at[row]).sum())
        told = (
            *told,
            f"its {counter.back_words(at, places, row)}, as where a training was resumed: the later rows are taken, "
            f"and {count:,} before them left out",
        )
        is_left[:row] &= at[:row] < at[row]
        undone.append((float(places[row]), float(at[row])))

    def is_kept(series: MetricSeries) -> NDArray[np.bool_]:
        mine = np.ones(len(series), np.bool_)
        for place, first in undone:
            mine &= ~((series.in_file < place) & (counter.at(series) >= first))
        return mine

    metrics = counter.kept(is_kept) if undone else counter.metrics
    return _with_told(metrics, (*told, *_repeated_words(replace(counter, metrics=metrics))))


def _repeated_words(counter: RowCounter) -> tuple[str, ...]:
    """That rows repeat a step, where they do."""
    at, _ = counter.of_loss()
    repeated = len(at) - len(np.unique(at))
    if not repeated:
        return ()
    return (
        f"{repeated:,} of {len(at):,} rows repeat the {counter.unit} of another one; the last one of each is taken",
    )


def _with_told(metrics: LoggedMetrics, told: tuple[str, ...]) -> LoggedMetrics:
    return replace(metrics, told=(*metrics.told, *told))
