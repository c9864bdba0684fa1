"""Steps and epochs in columns that the user names, such as ``{"step": "Schritt"}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from diagnostics.errors import LogError
from diagnostics.imports.columns import is_epoch, is_step
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.step_axis import have_fractions

COUNTERS = {"step": is_step, "epoch": is_epoch}
"""What may be named, and whether a column of some name is taken for it where nobody names one."""


def with_named_counters(metrics: LoggedMetrics, columns: Mapping[str, str], file: str) -> LoggedMetrics:
    """The metrics with the steps and the epochs of these columns; without such columns the metrics as they are.

    metrics: what was read of the file.
    columns: metrics by what they are.
    file: the path of the file.

    Raises LogError where the file has no column of that name.
    """
    for counter in COUNTERS:
        if counter in columns:
            metrics = _counted(metrics, counter, columns[counter], file)
    return metrics


def _counted(metrics: LoggedMetrics, counter: str, name: str, file: str) -> LoggedMetrics:
    counted = any(np.isfinite(getattr(one, f"{counter}s")).any() for one in metrics.series.values())
    if name not in metrics.series and counted and COUNTERS[counter](name):
        return metrics  # the reader has taken this column for what the user says that it is
    if name not in metrics.series:
        found = ", ".join(sorted(metrics.series)[:12])
        raise LogError(f"{file}: --columns {counter}={name}: found no {name}; found {found}")
    numbers = metrics.series[name]
    series = {
        other: replace(one, **{f"{counter}s": _at(one, numbers)})
        for other, one in metrics.series.items()
        if other != name
    }
    has_steps = any(np.isfinite(one.steps).any() for one in series.values())
    are_means = counter == "epoch" and not has_steps and not have_fractions(numbers.values)
    return replace(metrics, series=series, rows="means" if are_means else metrics.rows)


def _at(series: MetricSeries, numbers: MetricSeries) -> Numbers:
    """The number in the row of each value; NaN where that row has none."""
    rows = numbers.in_file
    at = np.minimum(np.searchsorted(rows, series.in_file), len(rows) - 1)
    return np.where((rows[at] == series.in_file) & np.isfinite(numbers.values[at]), numbers.values[at], np.nan)
