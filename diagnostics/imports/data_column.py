"""A column that says whether a row is one of training or of validation, such as ``mode``, ``phase`` or ``split``."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from diagnostics.imports.cells import is_missing
from diagnostics.imports.columns import TRAIN_WORDS, VALIDATION_WORDS, is_epoch, is_loss, is_step, meaning_of

DATA_NAMES = ("mode", "phase", "split", "stage", "subset", "set", "dataset", "data", "type", "event", "kind",
              "context.subset", "context", "variant", "series")  # fmt: skip
"""What a column is called that says it, in small letters; the last four are those of Aim and ClearML."""


def with_data_in_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with the metrics of validations in columns of their own, called "val " and their name.

    The table stays as it is where no column says of which data each row with a loss is.
    """
    places = {str(name).strip().lower(): place for place, name in reversed([*enumerate(frame.columns)])}
    losses = [place for place, name in enumerate(frame.columns) if is_loss(str(name))]
    for name in DATA_NAMES:
        if name in places and losses:
            words = frame.iloc[:, places[name]].map(_words)
            is_validation = words.map(lambda found: not VALIDATION_WORDS.isdisjoint(found))
            is_known = is_validation | words.map(lambda found: not found or not TRAIN_WORDS.isdisjoint(found))
            has_loss = ~frame.iloc[:, losses].map(is_missing).all(axis=1)
            if is_validation.any() and is_known[has_loss].all():
                return _split(frame.drop(columns=frame.columns[places[name]]), is_validation)
    return frame


def _words(cell: object) -> frozenset[str]:
    """The words of a cell in small letters, as of ``train_step``."""
    return frozenset() if is_missing(cell) else frozenset(re.findall(r"[a-z]+", str(cell).lower()))


def _split(frame: pd.DataFrame, is_validation: pd.Series[bool]) -> pd.DataFrame:
    columns: dict[str, pd.Series[Any]] = {}
    for place, name in enumerate(str(one) for one in frame.columns):
        column, meaning = frame.iloc[:, place], meaning_of(name)
        if is_step(name) or is_epoch(name) or meaning is None or meaning.quantity not in ("loss", "accuracy"):
            columns[name] = column
            continue
        columns[name] = column.astype(object).where(~is_validation, None)
        columns[f"val {name}"] = column.astype(object).where(is_validation, None)
    return pd.DataFrame(columns, index=frame.index)
