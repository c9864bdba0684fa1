"""The layout tables in the file: the tensors, layers and columns of a run."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import h5py
import numpy as np

from diagnostics.log.datasets import append, create_table, trusted, with_crc
from diagnostics.run.source import Records, records
from diagnostics.schema.columns import Column, Columns
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import COLUMNS, LAYERS, TENSORS, VALUES, Table
from lenet.hooks import LayerInfo, TensorInfo

LARGEST_RANK = 8  # axes that the field ``shape`` has room for
COLUMN_FIELDS = tuple(one.name for one in fields(Column))


def write_layout(file: h5py.File, info: RunInfo) -> None:
    """Write the layout tables."""
    tensors = [{**_axes(one.shape), **_without(asdict(one), "shape")} for one in info.tensors]
    layers = [
        {**_axes(one.output_shape), **_without(asdict(one), "output_shape"), "activation": one.activation or ""}
        for one in info.layers
    ]
    columns = [{**asdict(one), "name": one.name} for one in info.columns]
    for table, rows in ((TENSORS, tensors), (LAYERS, layers), (COLUMNS, columns)):
        append(create_table(file, table), with_crc(records(table, rows)))


def read_layout(file: h5py.File) -> dict[str, Any]:
    """Tensors, layers and columns as fields of a RunInfo. Raises KeyError, ValueError or OSError where damaged."""
    tensors = tuple(
        TensorInfo(text(r["layer"]), text(r["tensor"]), _shape(r), int(r["offset"]), int(r["size"]))
        for r in _sound(file, TENSORS)
    )
    layers = tuple(
        LayerInfo(text(r["name"]), text(r["kind"]), text(r["activation"]) or None, _shape(r), int(r["units"]))
        for r in _sound(file, LAYERS)
    )
    columns = Columns([Column(**{name: text(r[name]) for name in COLUMN_FIELDS}) for r in _sound(file, COLUMNS)])
    if len(columns) != file[VALUES.path].shape[1]:
        raise ValueError("its rows do not have the columns that it names")
    return {"tensors": tensors, "layers": layers, "recorded_columns": columns}


def records_of(file: h5py.File, table: Table) -> Records:
    """A table as it stands; fields that a newer version added are left out."""
    rows = file[table.path][()]
    return np.ascontiguousarray(rows[list(table.dtype.names or ())].astype(table.dtype))


def text(value: Any) -> str:
    """A text of fixed length without the zero bytes that fill it up."""
    return bytes(value).rstrip(b"\0").decode("utf-8", "replace")


def _sound(file: h5py.File, table: Table) -> Records:
    rows = records_of(file, table)
    if trusted(rows) < len(rows):
        raise ValueError(f"{table.path} does not agree with its checksums")
    return rows


def _axes(shape: tuple[int, ...]) -> dict[str, Any]:
    """A shape as the fields ``ndim`` and ``shape``."""
    return {"ndim": len(shape), "shape": np.array([*shape, *(0,) * (LARGEST_RANK - len(shape))])}


def _shape(row: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in row["shape"][: int(row["ndim"])])


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
