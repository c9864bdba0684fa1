"""From a table, with a column a metric and a row a moment, to the metrics of its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from diagnostics.imports.cells import count_of
from diagnostics.imports.columns import is_epoch, is_step, meaning_of
from diagnostics.imports.data_column import with_data_in_names
from diagnostics.imports.long_table import with_a_column_a_metric
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.number_column import NumberColumn
from diagnostics.imports.run_column import expect_steps, runs_of_table
from diagnostics.imports.step_axis import have_fractions

NOT_METRICS = frozenset(
    {"wall", "wall time", "_timestamp", "_runtime", "timestamp", "defect", "time", "relative time (process)"}
)
MOST = (10_000_000, 50_000)
"""Rows and columns that a table may have; more take gigabytes and many minutes."""
OF_A_RUN = re.compile(r"(?P<run>.+) - (?P<name>.+?)(?P<edge>__MIN|__MAX)?")
"""How the charts of Weights & Biases name their columns when they are exported."""


def metrics_of_table(frame: pd.DataFrame, **known: Any) -> list[LoggedMetrics]:
    """The runs of a table: one, one a value of a column that names runs, or one a name before " - " in its columns.

    frame: the table; an empty cell is a null, and "nan" a number that is not finite.
    known: more of :class:`LoggedMetrics` that the format says. Rows that are means of epochs have whole epochs; where
    the epochs have fractions, the rows are values of steps.

    Raises ValueError where each row is a whole run, and for more rows or columns than a training has.
    """
    for what, size, most in zip(("rows", "columns"), frame.shape, MOST, strict=True):
        if size > most:
            raise ValueError(f"found {size:,} {what}, expected at most {most:,}; keep those of the loss and the steps")
    expect_steps(frame)
    frame = with_data_in_names(with_a_column_a_metric(frame.reset_index(drop=True)))
    return [one for name, rows in runs_of_table(frame) for one in _metrics(rows, name, known)]


def _metrics(frame: pd.DataFrame, of_run: str, known: dict[str, Any]) -> list[LoggedMetrics]:
    """The runs in the rows of a table that its column of runs calls by this name; "" for a table without one."""
    names = [str(name) for name in frame.columns]
    told: list[str] = []
    steps, epochs = _counter(frame, names, is_step, told), _counter(frame, names, is_epoch, told)
    if known.get("rows") == "means" and have_fractions(epochs):
        known = {**known, "rows": "steps"}
    runs: dict[str, dict[str, MetricSeries]] = {}
    empty: list[str] = []
    for place, name in enumerate(names):
        if is_step(name) or is_epoch(name) or name.strip().lower() in NOT_METRICS or name.startswith("Unnamed"):
            continue
        found = OF_A_RUN.fullmatch(name)
        if found and found["edge"]:
            continue
        run, metric = (found["run"], found["name"]) if found else ("", name)
        column = NumberColumn.of(name, frame.iloc[:, place])
        if meaning_of(metric) is not None:
            told += column.unread_words()
        if not column.present.any():
            empty.append(name)
            continue
        if is_step(metric) or is_epoch(metric):
            continue
        present = column.present
        places = frame.index.to_numpy(np.float64)[present]
        runs.setdefault(run, {})[metric] = MetricSeries(steps[present], epochs[present], column.values[present], places)
    for series in runs.values():
        _add_lost_loss(series, empty)
    if not np.isfinite([steps, epochs]).any() and runs and all(map(_is_validated, runs.values())):
        runs = {run: {name: _by_epochs(one) for name, one in series.items()} for run, series in runs.items()}
        known = {**known, "rows": "means"}
        told.append("the file has neither steps nor epochs: its rows, each with a validation, are taken as epochs")
    known = {**known, "told": (*known.get("told", ()), *told)}
    return [
        LoggedMetrics(series, " - ".join(part for part in (of_run, name) if part), is_table=True, **known)
        for name, series in runs.items()
    ]


def _is_validated(series: Mapping[str, MetricSeries]) -> bool:
    """Whether each row with a loss of the training has one of a validation, as those of epochs do."""
    rows: dict[str, set[float]] = {"train": set(), "validation": set()}
    for name, one in series.items():
        if (meaning := meaning_of(name)) is not None and meaning.quantity == "loss":
            rows[meaning.data].update(one.in_file.tolist())
    return bool(rows["train"]) and rows["train"] == rows["validation"]


def _by_epochs(series: MetricSeries) -> MetricSeries:
    """The series with its rows counted as epochs, from 1."""
    return replace(series, epochs=series.in_file + 1)


def _add_lost_loss(series: dict[str, MetricSeries], empty: list[str]) -> None:
    """A loss whose cells are all empty, beside accuracies and without another loss, was never finite."""
    means = {name: (one.quantity, one.data) for name in [*series, *empty] if (one := meaning_of(name)) is not None}
    losses = [name for name, meaning in means.items() if meaning in (("loss", "train"), ("data_loss", "train"))]
    accuracies = [name for name, meaning in means.items() if meaning == ("accuracy", "train") and name in series]
    if accuracies and losses and not any(name in series for name in losses):
        beside = series[accuracies[0]]
        series[losses[0]] = beside.with_values(np.full(len(beside), np.nan))


def _counter(frame: pd.DataFrame, names: list[str], is_it: Any, told: list[str]) -> Numbers:
    """The column that counts steps or epochs in most rows; NaN where there is none.

    told: gets what could not be read.

    A column that has the same number in all rows, as that of how many epochs there are, counts only if no other does.
    """
    found = [NumberColumn.of(name, frame.iloc[:, place], count_of) for place, name in enumerate(names) if is_it(name)]
    told += [words for column in found if not column.present.any() for words in column.unread_words()]
    found = [column for column in found if column.present.any()]
    if not found:
        return np.full(len(frame), np.nan)
    column = max(found, key=lambda one: (len(np.unique(one.values[one.present])) > 1, int(one.present.sum())))
    told += column.unread_words()
    return np.where(column.present & np.isfinite(column.values), column.values, np.nan)


def of_records(records: list[Mapping[str, Any]], **known: Any) -> list[LoggedMetrics]:
    """The runs of a list of mappings, such as lines of JSON; nested mappings are joined by "/"."""
    return metrics_of_table(pd.DataFrame([dict(_flat(one)) for one in records], dtype=object), **known)


def _flat(record: Mapping[str, Any], before: str = "") -> Any:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}/")
        elif value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
            yield f"{before}{key}", "nan" if isinstance(value, float) and value != value else value
