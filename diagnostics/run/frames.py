"""Makes the frames of a run from its rows and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.run.source import Records
from diagnostics.schema.columns import Columns
from diagnostics.schema.datasets import Table

LATEST = 9e9
"""Seconds since 1970. A later time, in the year 2255 or after, is damage."""


def steps_frame(index: Records, scalars: NDArray[np.float32], names: Sequence[str]) -> pd.DataFrame:
    """One row for each step: epoch, the scalars, and the time at which the row was made, in UTC."""
    data: dict[str, Any] = {"epoch": index["epoch"].astype(np.int64)}
    data |= {name: scalars[:, i].astype(np.float64) for i, name in enumerate(names)}
    data["wall"] = datetimes(index["wall"])
    return pd.DataFrame(data, index=_steps(index))


def tensor_places(
    columns: Columns,
    statistics: Sequence[str],
    kinds: Sequence[str],
    pairs: Sequence[tuple[str, str]],
) -> NDArray[np.intp]:
    """Column positions by (tensor, kind, statistic); -1 where there is no column, such as the ratio of gradients."""
    places = np.full((len(pairs), len(kinds), len(statistics)), -1, dtype=np.intp)
    for t, (layer, tensor) in enumerate(pairs):
        for k, kind in enumerate(kinds):
            for s, statistic in enumerate(statistics):
                place = columns.find(f"{layer}/{tensor}/{kind}/{statistic}")
                if place is not None:
                    places[t, k, s] = place
    return places


def tensors_frame(
    steps: NDArray[np.int64],
    cells: NDArray[np.float32],
    statistics: Sequence[str],
    kinds: Sequence[str],
    pairs: Sequence[tuple[str, str]],
) -> pd.DataFrame:
    """One row for each (step, layer, tensor, kind), from ``cells`` (steps, tensors, kinds, statistics)."""
    layers = list(dict.fromkeys(layer for layer, _ in pairs))
    tensors = list(dict.fromkeys(tensor for _, tensor in pairs))
    n, repeat = len(steps), len(pairs) * len(kinds)
    codes = [
        np.repeat(np.arange(n), repeat),
        np.tile(np.repeat([layers.index(la) for la, _ in pairs], len(kinds)), n),
        np.tile(np.repeat([tensors.index(t) for _, t in pairs], len(kinds)), n),
        np.tile(np.arange(len(kinds)), n * len(pairs)),
    ]
    index = _multi_index([steps, layers, tensors, kinds], codes, ["step", "layer", "tensor", "kind"])
    return pd.DataFrame(cells.reshape(n * repeat, len(statistics)), index=index, columns=list(statistics))


def activations_frame(
    steps: NDArray[np.int64], cells: NDArray[np.float32], statistics: Sequence[str], layers: Sequence[str]
) -> pd.DataFrame:
    """One row for each (step, layer), from ``cells`` (steps, layers, statistics)."""
    n = len(steps)
    codes = [np.repeat(np.arange(n), len(layers)), np.tile(np.arange(len(layers)), n)]
    index = _multi_index([steps, layers], codes, ["step", "layer"])
    cells = cells.reshape(n * len(layers), len(statistics))
    return pd.DataFrame(cells, index=index, columns=list(statistics))


def table_frame(table: Table, rows: Records) -> pd.DataFrame:
    """A table of the log with its texts decoded and without the CRC."""
    data: dict[str, Any] = {}
    for field in table.fields[:-1]:
        column = rows[field.name]
        if field.name == "wall":
            data[field.name] = datetimes(column)
        elif column.dtype.kind == "S":
            data[field.name] = np.array([c.decode("utf-8", "replace") for c in column], dtype=object)
        else:
            data[field.name] = np.ascontiguousarray(column)
    return pd.DataFrame(data)


def datetimes(wall: NDArray[np.float64]) -> pd.DatetimeIndex:
    """Seconds since 1970 as times in UTC, to the microsecond; NaT where the number is no time."""
    known = np.where(np.abs(wall) < LATEST, wall, np.nan)
    return pd.DatetimeIndex(pd.to_datetime(known, unit="s", utc=True)).as_unit("us")


def epochs_frame(epochs: pd.DataFrame, validations: pd.DataFrame) -> pd.DataFrame:
    """One row for each epoch, with the validation that followed it (NaN where none did)."""
    names = {"loss": "validation_loss", "accuracy": "validation_accuracy", "seconds": "validation_seconds"}
    after = validations[validations["epoch"] >= 0].drop_duplicates("epoch", keep="last")
    right = after.set_index("epoch")[list(names)].rename(columns=names)
    return epochs.drop_duplicates("epoch", keep="last").set_index("epoch").join(right, how="left")


def _steps(index: Records) -> pd.Index[Any]:
    steps: pd.Index[Any] = pd.Index(np.ascontiguousarray(index["step"]), name="step")
    return steps


def _multi_index(levels: Sequence[Any], codes: Sequence[Any], names: Sequence[str]) -> pd.MultiIndex:
    levels = [pd.Index(level) if isinstance(level, np.ndarray) else list(level) for level in levels]
    return pd.MultiIndex(levels=levels, codes=list(codes), names=list(names), verify_integrity=False)
