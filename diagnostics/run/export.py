"""Writes the frames of a run as CSV or Parquet files, part by part, so that a run of any length fits into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def export_run(run: Run, folder: str | os.PathLike[str], form: Format = "csv") -> list[Path]:
    """Write one file for each frame, NAME.csv or NAME.parquet; returns their paths.

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
    for name in (*LONG, *SHORT):
        path = folder / f"{name}.{form}"
        with replacing(path) as part:
            write(part, _frames(run, name))
        written.append(path)
    return written


def _frames(run: Run, name: str) -> Iterator[pd.DataFrame]:
    """The frame in parts, with its index as ordinary columns; at least one part, so that the columns are known."""
    if name in SHORT or not len(run):
        frame: pd.DataFrame = getattr(run, name)
        yield frame if name in ("validations", "events") else frame.reset_index()
        return
    for part in run.parts():
        yield getattr(part, name).reset_index()


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
