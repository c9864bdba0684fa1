"""The layout tables in the file: the tensors, layers and columns of a run."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from diagnostics.log.datasets import append, create_table, trusted, with_crc
from diagnostics.log.native import ForeignContentError, NativeFile
from diagnostics.run.source import Records, records
from diagnostics.schema.columns import KINDS, Column, Columns
from diagnostics.schema.datasets import Table
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import BINS, COLUMNS, COUNTS, KERNELS, LAYERS, RANGES, SILENT, TENSORS
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
    columns = [{name: getattr(one, name) for name in ("name", *COLUMN_FIELDS)} for one in info.columns]
    for table, rows in ((TENSORS, tensors), (LAYERS, layers), (COLUMNS, columns)):
        append(create_table(file, table), with_crc(records(table, rows)))


def read_layout(file: NativeFile) -> dict[str, Any]:
    """Tensors, layers and columns as fields of a RunInfo. Raises KeyError, ValueError or OSError where damaged."""
    tensors = tuple(
        TensorInfo(text(r["layer"]), text(r["tensor"]), _shape(r), int(r["offset"]), int(r["size"]))
        for r in _sound(file, TENSORS)
    )
    layers = tuple(
        LayerInfo(text(r["name"]), text(r["kind"]), text(r["activation"]) or None, _shape(r), int(r["units"]))
        for r in _sound(file, LAYERS)
    )
    found = _sound(file, COLUMNS)
    columns = Columns([Column(*parts) for parts in zip(*(_texts(found[name]) for name in COLUMN_FIELDS), strict=True)])
    return {"tensors": tensors, "layers": layers, "recorded_columns": columns}


def snapshot_shapes(info: RunInfo) -> dict[str, tuple[int, ...]]:
    """The shape of one snapshot in each snapshot array, by path."""
    first = info.first_convolution
    return {
        COUNTS.path: (len(KINDS), len(info.tensors), BINS),
        RANGES.path: (len(KINDS), len(info.tensors), 2),
        SILENT.path: (sum(layer.units for layer in info.layers),),
        KERNELS.path: (first.size if first else 0,),
    }


def text(value: Any) -> str:
    """A text of fixed length without the zero bytes that fill it up."""
    return bytes(value).rstrip(b"\0").decode("utf-8", "replace")


def _texts(values: NDArray[np.bytes_]) -> list[str]:
    """The texts of a field, each as :func:`text` reads it."""
    return [value.decode("utf-8", "replace") for value in values.tolist()]  # NumPy leaves out the zero bytes


def _sound(file: NativeFile, table: Table) -> Records:
    found = file.table(table)
    if found.problem:
        raise ForeignContentError(found.problem)
    rows = found.read(0, len(found))
    if trusted(rows) < len(rows):
        raise ValueError(f"{table.path} does not agree with its checksums")
    return rows


def _axes(shape: tuple[int, ...]) -> dict[str, Any]:
    """A shape as the fields ``ndim`` and ``shape``."""
    return {"ndim": len(shape), "shape": np.array([*shape, *(0,) * (LARGEST_RANK - len(shape))])}


def _shape(row: Any) -> tuple[int, ...]:
    axes = int(row["ndim"])
    if not 0 < axes <= LARGEST_RANK:
        raise ForeignContentError(f"a shape in its layout has {axes} axes, expected 1 to {LARGEST_RANK}")
    return tuple(int(n) for n in row["shape"][:axes])


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
