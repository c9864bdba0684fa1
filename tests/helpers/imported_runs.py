"""Runs imported from a table, and what was assumed of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.imported_run import ImportedRun
from tests.helpers.tool_logs import write_csv

TEN = ImportOptions(classes=10)


def imported(folder: Path, frame: pd.DataFrame, options: ImportOptions = TEN, name: str = "run") -> ImportedRun:
    """The run of a frame that is written as CSV."""
    [run] = import_runs(write_csv(folder / f"{name}.csv", frame), options)
    return run


def told(run: ImportedRun) -> str:
    """All that was assumed of a run."""
    return " / ".join(run.info.environment["taken_as"])
