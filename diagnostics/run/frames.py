"""Makes the frames of a run from its rows and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.arguments import expect_name
from diagnostics.detect.findings import Stretch
from diagnostics.run.source import Records, Rows, Source
from diagnostics.schema.columns import KINDS, Columns
from diagnostics.schema.datasets import Table
from diagnostics.schema.tables import EPOCHS

LATEST = 9e9
"""Seconds since 1970. A later time, in the year 2255 or after, is damage."""


class RunRows(Protocol):
    """A run, as far as frames of its rows need it."""

    @property
    def columns(self) -> Columns:
        """The columns of its rows."""

    @property
    def index(self) -> Records:
        """Step, epoch and wall time of its rows."""

    def block(self, columns: Sequence[str | int] | NDArray[np.intp]) -> Rows:
        """Some columns of all its rows."""


def steps_frame(run: RunRows, stretches: Sequence[Stretch]) -> pd.DataFrame:
    """One row for each step: epoch, the scalars, the time at which the row was made, and whether it is in a stretch."""
    names, index = run.columns.statistics("scalar"), run.index
    scalars = run.block(names)
    data: dict[str, Any] = {"epoch": index["epoch"].astype(np.int64)}
    data |= {name: scalars[:, i].astype(np.float64) for i, name in enumerate(names)}
    data["wall"] = datetimes(index["wall"])
    steps = np.ascontiguousarray(index["step"])
    data["defect"] = np.zeros(len(steps), dtype=bool)
    for stretch in stretches:
        end = np.inf if stretch.recovery is None else stretch.recovery
        data["defect"] |= (steps >= stretch.onset) & (steps < end)
    return pd.DataFrame(data, index=pd.Index(steps, name="step"))


def tensor_frame(
    run: RunRows, statistics: Sequence[str] | None, kind: str | None, layer: str | None, tensor: str | None
) -> pd.DataFrame:
    """One row for each (step, layer, tensor, kind), see :meth:`diagnostics.run.run.Run.tensor_frame`."""
    statistics = run.columns.asked("tensor", statistics)
    if layer is not None:
        expect_name("layer", layer, (la for la, _ in run.columns.tensors))
    if tensor is not None:
        expect_name("tensor", tensor, (t for _, t in run.columns.tensors))
    if kind is not None:
        expect_name("kind", kind, KINDS)
    pairs = [p for p in run.columns.tensors if layer in (None, p[0]) and tensor in (None, p[1])]
    kinds = KINDS if kind is None else (kind,)
    names = [f"{la}/{t}/{k}/{s}" for la, t in pairs for k in kinds for s in statistics]
    places = [run.columns.find(name) for name in names]
    cells = run.block([place or 0 for place in places])
    if None in places:  # such as the ratio of gradients
        cells[:, [place is None for place in places]] = np.nan
    layers = list(dict.fromkeys(la for la, _ in pairs))
    tensors = list(dict.fromkeys(t for _, t in pairs))
    n, repeat = len(cells), len(pairs) * len(kinds)
    codes = [
        np.repeat(np.arange(n), repeat),
        np.tile(np.repeat([layers.index(la) for la, _ in pairs], len(kinds)), n),
        np.tile(np.repeat([tensors.index(t) for _, t in pairs], len(kinds)), n),
        np.tile(np.arange(len(kinds)), n * len(pairs)),
    ]
    steps = np.ascontiguousarray(run.index["step"])
    index = _multi_index([steps, layers, tensors, kinds], codes, ["step", "layer", "tensor", "kind"])
    return pd.DataFrame(cells.reshape(n * repeat, len(statistics)), index=index, columns=list(statistics))


def activation_frame(run: RunRows, statistics: Sequence[str] | None, layer: str | None) -> pd.DataFrame:
    """One row for each (step, layer), see :meth:`diagnostics.run.run.Run.activation_frame`."""
    statistics = run.columns.asked("activation", statistics)
    if layer is not None:
        expect_name("layer", layer, run.columns.layers)
    layers = [la for la in run.columns.layers if layer in (None, la)]
    cells = run.block([run.columns.activation(la, s) for la in layers for s in statistics])
    n = len(cells)
    codes = [np.repeat(np.arange(n), len(layers)), np.tile(np.arange(len(layers)), n)]
    steps = np.ascontiguousarray(run.index["step"])
    index = _multi_index([steps, layers], codes, ["step", "layer"])
    return pd.DataFrame(cells.reshape(n * len(layers), len(statistics)), index=index, columns=list(statistics))


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


def epochs_frame(source: Source, validations: pd.DataFrame) -> pd.DataFrame:
    """One row for each epoch, with the validation that followed it (NaN where none did)."""
    epochs = table_frame(EPOCHS, source.table(EPOCHS))
    names = {"loss": "validation_loss", "accuracy": "validation_accuracy", "seconds": "validation_seconds"}
    after = validations[validations["epoch"] >= 0].drop_duplicates("epoch", keep="last")
    right = after.set_index("epoch")[list(names)].rename(columns=names)
    return epochs.drop_duplicates("epoch", keep="last").set_index("epoch").join(right, how="left")


def _multi_index(levels: Sequence[Any], codes: Sequence[Any], names: Sequence[str]) -> pd.MultiIndex:
    levels = [pd.Index(level) if isinstance(level, np.ndarray) else list(level) for level in levels]
    return pd.MultiIndex(levels=levels, codes=list(codes), names=list(names), verify_integrity=False)
