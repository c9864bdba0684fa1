"""What an importer reads from a file: a series of numbers for each metric, and the settings that the file has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.cells import number_of

Numbers = NDArray[np.float64]
RowsAre = Literal["steps", "means", "running means"]


@dataclass(frozen=True)
class MetricSeries:
    """One metric of one run, as the file has it.

    ``steps``: (n,), the step of each value; NaN where the file does not say.
    ``epochs``: (n,), its epoch; NaN where the file does not say.
    ``values``: (n,), the values; NaN and infinities are values that were logged so.
    ``places``: (n,), rising, where in the file each value stands, counted alike for all metrics of a run; None
    (default) where a metric is counted by itself.
    """

    steps: Numbers
    epochs: Numbers
    values: Numbers
    places: Numbers | None = None

    def __len__(self) -> int:
        return len(self.values)

    def with_values(self, values: Numbers) -> MetricSeries:
        """The same steps and epochs with other values."""
        return replace(self, values=values)

    @property
    def in_file(self) -> Numbers:
        """(n,), where in the file each value stands."""
        return np.arange(len(self), dtype=np.float64) if self.places is None else self.places

    def where(self, kept: NDArray[np.bool_]) -> MetricSeries:
        """The values of which ``kept`` (n,) is true."""
        return MetricSeries(self.steps[kept], self.epochs[kept], self.values[kept], self.in_file[kept])

    def at(self, steps: Numbers) -> Numbers:
        """The values at these steps, NaN where there is none. The steps of the series have to rise."""
        return np.where(np.isin(steps, self.steps), self.last_before(steps), np.nan)

    def last_before(self, steps: Numbers) -> Numbers:
        """The last value at or before each step, or the first value. The steps of the series have to rise."""
        if not len(self):
            return np.full(len(steps), np.nan)
        return self.values[np.maximum(np.searchsorted(self.steps, steps, side="right") - 1, 0)]


@dataclass(frozen=True)
class LoggedMetrics:
    """All metrics of one run.

    ``series``: the metrics by the names that the file gives them.
    ``name``: the name of the run in the file; "" where the file holds one run without a name.
    ``settings``: what the file says of the training: learning rate, optimiser, seed and the like.
    ``rows``: what the values of training are: those of their steps, means over the steps since the value before, or
    running means since the beginning of the epoch. Default "steps".
    ``first_step``: the number that the file gives the first step, default 0.
    ``is_table``: whether the file is a table, in which an empty cell may stand for a number that is not finite.
    ``first_line``: the line of the file whose values have place 0; None (default) where values have no lines.
    ``number``: which one of the runs this is that were logged as one, from 1; 0 (default) where it is the only one.
    ``told``: a sentence for each thing that was found in the order of its rows.
    """

    series: Mapping[str, MetricSeries]
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: RowsAre = "steps"
    first_step: int = 0
    is_table: bool = False
    first_line: int | None = None
    number: int = 0
    told: tuple[str, ...] = ()


@dataclass
class SeriesBuilder:
    """Gathers values one at a time, in the order of the file."""

    rows: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)
    count: int = 0

    def add(
        self, name: str, value: Any, step: Any = math.nan, epoch: Any = math.nan, place: float | None = None
    ) -> None:
        """One value; what is no number is left out. Its place is the number of values before it, if none is given."""
        number = number_of(value)
        if number is not None:
            at = float(self.count) if place is None else place
            self.rows.setdefault(name, []).append((_or_nan(step), _or_nan(epoch), number, at))
            self.count += 1

    def build(self) -> dict[str, MetricSeries]:
        """The series by their names."""
        return {name: _series(rows) for name, rows in self.rows.items()}


def _series(rows: Iterable[tuple[float, float, float, float]]) -> MetricSeries:
    steps, epochs, values, places = np.array(list(rows), np.float64).reshape(-1, 4).T
    return MetricSeries(steps, epochs, values, places)


def _or_nan(value: Any) -> float:
    number = number_of(value)
    return math.nan if number is None or math.isinf(number) else number
