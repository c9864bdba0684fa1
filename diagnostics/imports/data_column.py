"""A column that says whether a row is one of training or of validation, such as ``mode``, ``phase`` or ``split``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnostics.imports.cells import is_missing
from diagnostics.imports.columns import TRAIN_WORDS, VALIDATION_WORDS, is_epoch, is_step, meaning_of

DATA_NAMES = ("mode", "phase", "split", "stage", "subset", "set", "dataset")


def with_data_in_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with the metrics of validations in columns of their own, called "val " and their name.

    The table stays as it is where no column says of which data its rows are.
    """
    places = {str(name).strip().lower(): place for place, name in reversed([*enumerate(frame.columns)])}
    for name in DATA_NAMES:
        if name in places:
            words = frame.iloc[:, places[name]].map(lambda cell: "" if is_missing(cell) else str(cell).strip().lower())
            if (words.isin(VALIDATION_WORDS)).any() and words.isin({"", *VALIDATION_WORDS, *TRAIN_WORDS}).all():
                return _split(frame.drop(columns=frame.columns[places[name]]), words.isin(VALIDATION_WORDS))
    return frame


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
