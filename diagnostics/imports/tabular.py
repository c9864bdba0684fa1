"""From a table, with a column a metric and a row a moment, to the metrics of its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from diagnostics.imports.columns import is_epoch, is_step, meaning_of
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers, number_of

NOT_METRICS = frozenset({"wall", "_timestamp", "_runtime", "timestamp", "defect", "time", "relative time (process)"})
OF_A_RUN = re.compile(r"(?P<run>.+) - (?P<name>.+?)(?P<edge>__MIN|__MAX)?")
"""How the charts of Weights & Biases name their columns when they are exported."""


def metrics_of_table(frame: pd.DataFrame, **known: Any) -> list[LoggedMetrics]:
    """The runs of a table: one, or one a name before " - " in the names of its columns.

    frame: the table; an empty cell is a null, and "nan" a number that is not finite.
    known: more of :class:`LoggedMetrics` that the format says.
    """
    names = [str(name) for name in frame.columns]
    steps = _counter(frame, names, is_step)
    epochs = _counter(frame, names, is_epoch)
    runs: dict[str, dict[str, MetricSeries]] = {}
    empty: list[str] = []
    for place, name in enumerate(names):
        if is_step(name) or is_epoch(name) or name.strip().lower() in NOT_METRICS or name.startswith("Unnamed"):
            continue
        found = OF_A_RUN.fullmatch(name)
        if found and found["edge"]:
            continue
        present, values = numbers_of_column(frame.iloc[:, place])
        if not present.any():
            empty.append(name)
            continue
        run, metric = (found["run"], found["name"]) if found else ("", name)
        if is_step(metric) or is_epoch(metric):
            continue
        places = np.flatnonzero(present).astype(np.float64)
        runs.setdefault(run, {})[metric] = MetricSeries(steps[present], epochs[present], values[present], places)
    for series in runs.values():
        _add_lost_loss(series, empty)
    return [LoggedMetrics(series, name, is_table=True, **known) for name, series in runs.items()]


def _add_lost_loss(series: dict[str, MetricSeries], empty: list[str]) -> None:
    """A loss whose cells are all empty, beside accuracies and without another loss, was never finite."""
    means = {name: (one.quantity, one.data) for name in [*series, *empty] if (one := meaning_of(name)) is not None}
    losses = [name for name, meaning in means.items() if meaning in (("loss", "train"), ("data_loss", "train"))]
    accuracies = [name for name, meaning in means.items() if meaning == ("accuracy", "train") and name in series]
    if accuracies and losses and not any(name in series for name in losses):
        beside = series[accuracies[0]]
        series[losses[0]] = beside.with_values(np.full(len(beside), np.nan))


def _counter(frame: pd.DataFrame, names: list[str], is_it: Any) -> Numbers:
    """The first column that counts steps or epochs; NaN where there is none."""
    for place, name in enumerate(names):
        if is_it(name):
            present, values = numbers_of_column(frame.iloc[:, place])
            if present.any():
                return np.where(present & np.isfinite(values), values, np.nan)
    return np.full(len(frame), np.nan)


def numbers_of_column(column: pd.Series[Any]) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], Numbers]:
    """Where a column has numbers, and these; NaN elsewhere."""
    if column.dtype.kind in "iuf":
        values = column.to_numpy(np.float64)
        return ~np.isnan(values), values
    if column.dtype.kind == "b":
        return np.zeros(len(column), np.bool_), np.full(len(column), np.nan)
    # In a column of mixed values a float NaN stands for an empty cell; one that was logged is text or "nan".
    numbers = [None if isinstance(one, float) and one != one else number_of(one) for one in column.tolist()]
    present = np.array([one is not None for one in numbers], np.bool_)
    return present, np.array([np.nan if one is None else one for one in numbers], np.float64)


def of_records(records: list[Mapping[str, Any]], **known: Any) -> list[LoggedMetrics]:
    """The runs of a list of mappings, such as lines of JSON; nested mappings are joined by "/"."""
    return metrics_of_table(pd.DataFrame([dict(_flat(one)) for one in records], dtype=object), **known)


def _flat(record: Mapping[str, Any], before: str = "") -> Any:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}/")
        elif value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
            yield f"{before}{key}", "nan" if isinstance(value, float) and value != value else value
