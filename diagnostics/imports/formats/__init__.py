"""The formats that can be imported, one a file, and the list of them.

In: a file of another tool.
Out: the metrics of the runs in it.

A format's file has one ``FORMAT``: its name, how it is recognised, and a pure function from a path to the metrics of
the runs in it. To add a format, write its file and put it into the list; no other file changes.
"""

from __future__ import annotations

from diagnostics.imports.formats import (
    allennlp,
    csv_file,
    dvclive,
    json_document,
    json_lines,
    keras_progress,
    mlflow,
    notebook,
    parquet,
    printed_table,
    printed_text,
    tensorboard,
    trackio,
    trainer_state,
    wandb_log,
)
from diagnostics.imports.formats.declared import ImportFormat

FORMATS: tuple[ImportFormat, ...] = (
    mlflow.FORMAT,
    parquet.FORMAT,
    trackio.FORMAT,
    wandb_log.FORMAT,
    dvclive.FORMAT,
    tensorboard.FORMAT,
    trainer_state.FORMAT,
    allennlp.FORMAT,
    notebook.FORMAT,
    json_lines.FORMAT,
    json_document.FORMAT,
    keras_progress.FORMAT,
    printed_table.FORMAT,
    csv_file.FORMAT,
    printed_text.FORMAT,
)
"""In the order in which they are tried: those that are sure first."""
