"""The column of a table that names the run of each row, and the rows of each of them.

Experiment trackers also export their lists of runs, in which a row has the settings and the last metrics of a whole
run. Such a table holds no training that could be judged, and it is refused.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnostics.imports.cells import is_missing, number_of, whole_number_of
from diagnostics.imports.columns import is_epoch, is_step

RUN_NAMES = ("run", "run_id", "run_name", "run id", "run name", "run_uuid", "run.name", "run.hash",
             "experiment", "trial", "seed")  # fmt: skip
"""What a column is called that names the run of each row, in small letters; the first that is there counts."""

NAMES_OF_ONE = (*(name for name in RUN_NAMES if name != "seed"), "name", "id")
"""What a column is called, in small letters, that may give every row the name of a run of its own."""
LISTS_OF_RUNS = (("state", "created", "runtime"), ("run id", "source type", "status"))
"""Columns, in small letters, that lists of runs have: of Weights & Biases, and of MLflow."""


def expect_steps(frame: pd.DataFrame) -> None:
    """Raise ValueError for a list of runs: it has the columns of one, or names another run in each row without steps.

    Steps, or epochs, are counted from row to row.
    """
    places = {str(name).strip().lower(): place for place, name in enumerate(frame.columns)}
    named = next(
        (name for name in NAMES_OF_ONE if name in places and _names_each_row(frame.iloc[:, places[name]])), None
    )
    counters = [frame.iloc[:, place] for name, place in places.items() if is_step(name) or is_epoch(name)]
    is_list = any(all(name in places for name in listed) for listed in LISTS_OF_RUNS)
    if is_list or (named and not any(_counts(column) for column in counters)):
        raise ValueError(
            "each of its rows is a whole run, expected the steps of a run; export the history or the charts of a run"
        )


def _names_each_row(column: pd.Series[Any]) -> bool:
    """Whether every row has a text that no other has."""
    is_text = column.map(lambda cell: not is_missing(cell) and number_of(cell) is None).all()
    return len(column) > 1 and bool(is_text) and column.is_unique


def _counts(column: pd.Series[Any]) -> bool:
    """Whether a column has more with every row."""
    numbers = pd.Series([number_of(cell) for cell in column], dtype=float)
    return bool((numbers.diff().iloc[1:] > 0).all())


def runs_of_table(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each run, by its name, in the order of the table; one run without a name where no column names any.

    Rows without a name are those of a run without a name. A column names no runs where most rows have no name, as the
    seed of mmcv's first line, or where every row has another one.
    """
    names = {str(name).strip().lower(): place for place, name in reversed([*enumerate(frame.columns)])}
    for known in RUN_NAMES:
        if known in names:
            column = frame.iloc[:, names[known]].map(_run_name)
            if 1 < column.nunique() <= len(frame) / 2 and (column != "").mean() > 0.5:
                return [(str(name), rows) for name, rows in frame.groupby(column, sort=False)]
    return [("", frame)]


def _run_name(cell: Any) -> str:
    if is_missing(cell):
        return ""
    whole = whole_number_of(cell)
    return str(cell).strip() if whole is None else str(whole)
