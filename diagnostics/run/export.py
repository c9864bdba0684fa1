"""Writes the frames of a run as CSV or Parquet files, part by part, so that a run of any length fits into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from diagnostics.arguments import expect_name
from diagnostics.errors import MissingLibraryError
from diagnostics.files import replacing
from diagnostics.run.run import Run

Format = Literal["csv", "parquet"]
LONG = ("steps", "tensors", "activations")
SHORT = ("epochs", "validations", "events")
UNDONE = "undone-"


def export_run(run: Run, folder: str | os.PathLike[str], form: Format = "csv") -> list[Path]:
    """Write one file for each frame, NAME.csv or NAME.parquet; returns their paths.

    The frames have each step of the run once. A run that was turned back has more files: ``rollbacks``, a row a
    rollback, and ``undone-steps``, ``undone-tensors`` and ``undone-activations``, the rows of the steps that were
    undone, with the number of their rollback in the first column.

    ``run``: the run.
    ``folder``: the folder of the files.
    ``form``: "csv" (default) or "parquet", which needs pyarrow, the optional extra ``parquet``.

    Raises UnknownNameError for another form, MissingLibraryError where pyarrow is missing, and LogWriteError where a
    file cannot be written.
    """
    expect_name("form", form, get_args(Format))
    folder = Path(folder)
    write = _csv if form == "csv" else _parquet()
    written = []
    undone = ("rollbacks", *(UNDONE + name for name in LONG)) if run.rollbacks else ()
    for name in (*LONG, *SHORT, *undone):
        path = folder / f"{name}.{form}"
        with replacing(path) as part:
            write(part, _frames(run, name))
        written.append(path)
    return written


def _frames(run: Run, name: str) -> Iterator[pd.DataFrame]:
    """The frame in parts, with its index as ordinary columns; at least one part, so that the columns are known."""
    if name == "rollbacks":
        yield _rollbacks(run)
        return
    if name.startswith(UNDONE):
        yield from _undone(run, name.removeprefix(UNDONE))
        return
    if name in SHORT or not len(run):
        frame: pd.DataFrame = getattr(run, name)
        yield frame if name in ("validations", "events") else frame.reset_index()
        return
    for part in run.parts():
        yield getattr(part, name).reset_index()


def _rollbacks(run: Run) -> pd.DataFrame:
    """A row a rollback, numbered from 1."""
    frame = pd.DataFrame([asdict(rollback) for rollback in run.rollbacks])
    frame.insert(0, "rollback", range(1, len(frame) + 1))
    return frame.astype({"order_seed": "Int64"})


def _undone(run: Run, name: str) -> Iterator[pd.DataFrame]:
    """The rows of the steps that each rollback undid, as they were judged then, with its number before them."""
    for number, (rollback, before) in enumerate(zip(run.rollbacks, run.undone(), strict=True), 1):
        for part in before.between(rollback.step, rollback.last_step).parts():
            frame = getattr(part, name).reset_index()
            frame.insert(0, "rollback", number)
            yield frame


def _csv(path: Path, frames: Iterator[pd.DataFrame]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        for i, frame in enumerate(frames):
            frame.to_csv(file, index=False, header=i == 0)


def _parquet() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingLibraryError(
            "Parquet needs pyarrow, which is not installed: pip install pyarrow, or export csv"
        ) from None

    def write(path: Path, frames: Iterator[pd.DataFrame]) -> None:
        first = pa.Table.from_pandas(next(frames), preserve_index=False)
        with pq.ParquetWriter(path, first.schema) as writer:
            writer.write_table(first)
            for frame in frames:
                writer.write_table(pa.Table.from_pandas(frame, schema=first.schema, preserve_index=False))

    return write
