"""Parquet, with a column a metric. pyarrow reads it, the optional extra ``parquet``."""

from __future__ import annotations

import io
from pathlib import Path

from diagnostics.errors import MissingLibraryError
from diagnostics.imports.content import content
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import metrics_of_table

MAGIC = b"PAR1"


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins as Parquet files do."""
    return head.startswith(MAGIC)


def read(path: Path) -> list[LoggedMetrics]:
    """The runs of a Parquet file. Raises MissingLibraryError without pyarrow."""
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingLibraryError(
            f"{path}: Parquet needs pyarrow, which is not installed: pip install pyarrow, or export csv"
        ) from None
    table = pq.read_table(io.BytesIO(content(path)))
    frame = table.to_pandas(integer_object_nulls=True)
    return metrics_of_table(frame.reset_index() if frame.index.name else frame)


FORMAT = ImportFormat("Parquet", recognises, read)
