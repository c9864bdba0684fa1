"""The header in the file: attributes and layout tables, written and read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from diagnostics.log.datasets import create_table, trusted, with_crc
from diagnostics.run.source import Records, records
from diagnostics.schema.columns import ACTIVATION_STATISTICS, RATIO, SCALARS, TENSOR_STATISTICS, Column
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import ATTRIBUTES, COLUMNS, FORMAT, LAYERS, STATUSES, TENSORS, VERSION, Table
from lenet.hooks import LayerInfo, TensorInfo

TEXT_ROOM = 80  # bytes kept for texts that are written at the end
CHANGING = frozenset(a.name for a in ATTRIBUTES if a.changes)


def write_header(file: h5py.File, header: Header) -> None:
    """Write all attributes and layout tables."""
    for name, value in _attributes(header).items():
        file.attrs.create(name, value)
    for table, rows in _layout(header.info).items():
        create_table(file, table).append(with_crc(rows))


def change(file: h5py.File, **values: Any) -> None:
    """Rewrite attributes that may change, in place, as is safe while readers look on."""
    for name, value in values.items():
        if name not in CHANGING:
            raise ValueError(f"attribute {name!r} does not change; those that do are {', '.join(sorted(CHANGING))}")
        if name == "status":
            value = np.int64(STATUSES.index(value))
        elif isinstance(value, str):
            value = np.array(value.encode()[:TEXT_ROOM], dtype=f"S{TEXT_ROOM}")
        file.attrs.modify(name, value)


def read_header(file: h5py.File) -> Header:
    """The header of an open log. Raises KeyError, ValueError or OSError where it is damaged."""
    attrs = file.attrs
    columns = _sound(file, COLUMNS)
    info = RunInfo(
        tensors=_tensors(_sound(file, TENSORS)),
        layers=_layers(_sound(file, LAYERS)),
        prior=tuple(float(p) for p in np.atleast_1d(attrs["prior"])),
        batch_size=int(attrs["batch_size"]),
        samples=int(attrs["samples"]),
        steps_per_epoch=int(attrs["steps_per_epoch"]),
        epochs=int(attrs["epochs"]),
        total_steps=int(attrs["total_steps"]),
        seed=int(attrs["seed"]),
        description=json.loads(_text(attrs["description"])),
        settings=json.loads(_text(attrs["settings"])),
        environment=json.loads(_text(attrs["environment"])),
    )
    if [c.decode() for c in columns["name"]] != list(info.columns.names):
        raise ValueError("its columns are not those of its tensors and layers")
    return Header(
        info=info,
        log_every=int(attrs["log_every"]),
        histograms_every=int(attrs["histograms_every"]),
        checkpoint_every=int(attrs["checkpoint_every"]) if "checkpoint_every" in attrs else None,
        subsample=_text(attrs["subsample"]),
        digest_start=_text(attrs["digest_start"]),
        run_id=_text(attrs["run_id"]),
        created=float(attrs["created"]),
        status=STATUSES[int(attrs["status"])],
        digest_end=_text(attrs["digest_end"]),
        seconds=float(attrs["seconds"]),
        cost_seconds=float(attrs["cost_seconds"]),
    )


def records_of(file: h5py.File, table: Table) -> Records:
    """A table as it stands; fields that a newer version added are left out."""
    rows = file[table.path][()]
    return np.ascontiguousarray(rows[list(table.dtype.names or ())].astype(table.dtype))


def _sound(file: h5py.File, table: Table) -> Records:
    rows = records_of(file, table)
    if trusted(rows) < len(rows):
        raise ValueError(f"{table.path} does not agree with its checksums")
    return rows


def _attributes(header: Header) -> dict[str, Any]:
    info = header.info
    room = f"S{TEXT_ROOM}"
    return {
        "format": np.bytes_(FORMAT),
        "schema_version": np.array(VERSION, dtype=np.int32),
        "run_id": np.bytes_(header.run_id),
        "created": np.float64(header.created),
        "status": np.int64(STATUSES.index(header.status)),
        "batch_size": np.int64(info.batch_size),
        "samples": np.int64(info.samples),
        "steps_per_epoch": np.int64(info.steps_per_epoch),
        "epochs": np.int64(info.epochs),
        "total_steps": np.int64(info.total_steps),
        "seed": np.int64(info.seed),
        "prior": np.array(info.prior or (math.nan,), dtype=np.float64),
        "subsample": np.bytes_(header.subsample or "unknown"),
        "log_every": np.int64(header.log_every),
        "histograms_every": np.int64(header.histograms_every),
        "checkpoint_every": np.int64(header.checkpoint_every or 0),
        "description": _json(info.description),
        "settings": _json(info.settings),
        "environment": _json(info.environment),
        "digest_start": np.array(header.digest_start.encode(), dtype=room),
        "digest_end": np.array(header.digest_end.encode(), dtype=room),
        "seconds": np.float64(header.seconds),
        "cost_seconds": np.float64(header.cost_seconds),
    }


def _json(value: Mapping[str, Any]) -> np.bytes_:
    return np.bytes_(json.dumps(dict(value), default=str, sort_keys=True))


def _text(value: Any) -> str:
    return bytes(value).rstrip(b"\0").decode("utf-8", "replace")


def _layout(info: RunInfo) -> dict[Table, Records]:
    return {
        TENSORS: records(
            TENSORS,
            [
                {**_shape(t.shape), "layer": t.layer, "tensor": t.tensor, "offset": t.offset, "size": t.size}
                for t in info.tensors
            ],
        ),
        LAYERS: records(
            LAYERS,
            [
                {
                    **_shape(la.output_shape),
                    "name": la.name,
                    "kind": la.kind,
                    "activation": la.activation or "",
                    "units": la.units,
                }
                for la in info.layers
            ],
        ),
        COLUMNS: records(
            COLUMNS,
            [
                {
                    "name": c.name,
                    "group": c.group,
                    "layer": c.layer,
                    "tensor": c.tensor,
                    "kind": c.kind,
                    "statistic": c.statistic,
                    "unit": _unit(c),
                }
                for c in info.columns
            ],
        ),
    }


def _unit(column: Column) -> str:
    groups = {"scalar": SCALARS, "tensor": (*TENSOR_STATISTICS, RATIO), "activation": ACTIVATION_STATISTICS}
    return next(s.unit for s in groups[column.group] if s.name == column.statistic)


def _shape(shape: tuple[int, ...]) -> dict[str, Any]:
    return {"ndim": len(shape), "shape": np.array([*shape, *(0 for _ in range(8 - len(shape)))])}


def _dims(row: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in row["shape"][: int(row["ndim"])])


def _tensors(rows: Records) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(_text(r["layer"]), _text(r["tensor"]), _dims(r), int(r["offset"]), int(r["size"])) for r in rows
    )


def _layers(rows: Records) -> tuple[LayerInfo, ...]:
    return tuple(
        LayerInfo(_text(r["name"]), _text(r["kind"]), _text(r["activation"]) or None, _dims(r), int(r["units"]))
        for r in rows
    )
