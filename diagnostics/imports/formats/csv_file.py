"""CSV, also of Keras' CSVLogger, Lightning's metrics.csv and exported charts of Weights & Biases; gzip too.

An empty cell is a metric that was not logged in that row, so that sparse rows, as Lightning writes them, are joined by
their steps.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import pandas as pd

from diagnostics.imports.columns import is_epoch, is_step, meaning_of
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import metrics_of_table

SEPARATORS = (",", ";", "\t")


def recognises(path: Path, head: bytes) -> bool:
    """Whether the name ends in .csv or .tsv, or one of the names in the first line is that of a loss."""
    line = _first_line(text_of(head))
    if path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        return bool(line)
    names = re.split(r"[,;\t]", line)
    found = [meaning_of(name.strip().strip('"')) for name in names[:1000]]
    return any(one is not None and one.quantity == "loss" for one in found)


def read(path: Path) -> list[LoggedMetrics]:
    """The runs of a CSV file. Without a step in it, a row an epoch holds means over epochs."""
    text = text_of(content(path))
    line = _first_line(text)
    separator = max(SEPARATORS, key=line.count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a line that has too many cells loses those that are too many
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, keep_default_na=False, na_values=[""], skip_blank_lines=True,
            on_bad_lines="skip", low_memory=False, index_col=False, decimal="," if separator == ";" else ".",
        )  # fmt: skip
    names = [str(name) for name in frame.columns]
    has_epochs_alone = any(map(is_epoch, names)) and not any(map(is_step, names))
    return metrics_of_table(frame, rows="means" if has_epochs_alone else "steps", first_line=2)


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


FORMAT = ImportFormat("CSV", recognises, read)
