"""The column of a table that names the run of each row, and the rows of each of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnostics.imports.cells import is_missing, whole_number_of

RUN_NAMES = ("run", "run_id", "run_name", "run id", "run name", "run_uuid", "experiment", "trial", "seed")
"""What a column is called that names the run of each row, in small letters; the first that is there counts."""


def runs_of_table(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each run, by its name, in the order of the table; one run without a name where no column names any.

    Rows without a name are those of a run without a name. A column that gives every row another name names no runs.
    """
    names = {str(name).strip().lower(): place for place, name in reversed([*enumerate(frame.columns)])}
    for known in RUN_NAMES:
        if known in names:
            column = frame.iloc[:, names[known]].map(_run_name)
            if 1 < column.nunique() <= len(frame) / 2:
                return [(str(name), rows) for name, rows in frame.groupby(column, sort=False)]
    return [("", frame)]


def _run_name(cell: Any) -> str:
    if is_missing(cell):
        return ""
    whole = whole_number_of(cell)
    return str(cell).strip() if whole is None else str(whole)
