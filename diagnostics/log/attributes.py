"""The header in the file: each declared attribute, written and read by one loop."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from diagnostics.log.layout import read_layout, text, write_layout
from diagnostics.log.native import ForeignContentError, NativeFile
from diagnostics.log.plausible import check_run
from diagnostics.schema.attributes import Attribute, attributes_of
from diagnostics.schema.header import ATTRIBUTES, Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import FORMAT, VERSION
from diagnostics.schema.task import Task

CHANGING = tuple(name for name, one in ATTRIBUTES.items() if one.changes)
TEXT_ROOM = {"text": 80, "JSON": 2000}  # bytes kept for texts that are rewritten in place


def write_header(file: h5py.File, header: Header) -> None:
    """Write all attributes and layout tables, as the newest version of the format has them."""
    header = replace(header, format=FORMAT, schema_version=VERSION)
    for holder in (header, header.info):
        kind: type = type(holder)
        for name, attribute in attributes_of(kind).items():
            file.attrs.create(name, _stored(attribute, getattr(holder, name)))
    write_layout(file, header.info)


def read_header(file: NativeFile) -> Header:
    """The header of an open log.

    Raises ForeignContentError where it says what no log says, and KeyError, ValueError or OSError where it is damaged.
    """
    info = RunInfo(**_values(file, RunInfo), **read_layout(file))
    header = Header(info, **_values(file, Header))
    if len(header.schema_version) != 2:
        raise ForeignContentError(f"schema_version: found {header.schema_version}, expected major and minor")
    check_run(info, header.schema_version[1])
    return header


def change(file: h5py.File, **values: Any) -> None:
    """Rewrite attributes that may change, in place, as is safe while readers look on."""
    for name, value in values.items():
        if name not in CHANGING:
            raise ValueError(f"attribute {name!r} does not change; those that do are {', '.join(CHANGING)}")
        file.attrs.modify(name, _stored(ATTRIBUTES[name], value))


def _values(file: NativeFile, kind: type) -> dict[str, Any]:
    """The attributes that a class declares; those that an older log does not have are left out."""
    declared = attributes_of(kind).items()
    known = {name: one for name, one in declared if not one.since or file.has_attribute(name)}
    return {name: _loaded(name, attribute, file.attribute(name)) for name, attribute in known.items()}


def _stored(attribute: Attribute, value: Any) -> Any:
    """A value as the file keeps it. Texts have a fixed length of at least one byte, lists at least one entry."""
    if attribute.choices:
        return np.int64(attribute.choices.index(value))
    if attribute.dtype in ("text", "JSON"):
        if attribute.dtype == "JSON":
            plain_value = value.to_dict() if isinstance(value, Task) else dict(value)
            value = json.dumps(plain_value, default=str, sort_keys=True)
        encoded = value.encode()
        room = TEXT_ROOM[attribute.dtype] if attribute.changes else max(1, len(encoded))
        return np.array(encoded[:room], dtype=f"S{room}")
    plain, _, length = attribute.dtype.partition("[")
    if length:
        return np.array(value or (math.nan,), dtype=plain)
    return np.array(value or 0, dtype=plain)


def _loaded(name: str, attribute: Attribute, raw: NDArray[Any]) -> Any:
    """The value that the file keeps as ``raw``. Raises ForeignContentError where it is of another kind."""
    plain, _, length = attribute.dtype.partition("[")
    kinds = "S" if attribute.dtype in ("text", "JSON") else "iu" if plain.startswith("int") else "iuf"
    if raw.dtype.kind not in kinds or (raw.ndim and not length):
        raise ForeignContentError(f"{name}: found {raw.dtype} of shape {raw.shape}, expected {attribute.dtype}")
    if attribute.choices:
        choice = int(raw)
        if not 0 <= choice < len(attribute.choices):
            raise ForeignContentError(f"{name}: found {choice}, expected 0 to {len(attribute.choices) - 1}")
        return attribute.choices[choice]
    if attribute.dtype == "JSON":
        return _json_object(name, text(raw[()]))
    if attribute.dtype == "text":
        return text(raw[()])
    values = np.atleast_1d(raw).astype(plain).tolist()
    if plain.startswith("int") and not all(attribute.least <= value <= attribute.most for value in values):
        raise ForeignContentError(f"{name}: found {values[0]}, expected {attribute.least} to {attribute.most}")
    return tuple(values) if length else values[0]


def _json_object(name: str, source: str) -> dict[str, Any]:
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ForeignContentError(f"{name}: found {source[:40]!r}, expected a JSON object")
    return value
