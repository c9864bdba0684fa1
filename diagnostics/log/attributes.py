"""The header in the file: each declared attribute, written and read by one loop."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from diagnostics.log.layout import read_layout, text, write_layout
from diagnostics.schema.attributes import Attribute, attributes_of
from diagnostics.schema.header import ATTRIBUTES, Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import FORMAT, VERSION

CHANGING = tuple(name for name, one in ATTRIBUTES.items() if one.changes)
TEXT_ROOM = 80  # bytes kept for texts that are rewritten in place


def write_header(file: h5py.File, header: Header) -> None:
    """Write all attributes and layout tables, as the newest version of the format has them."""
    header = replace(header, format=FORMAT, schema_version=VERSION)
    for holder in (header, header.info):
        for name, attribute in attributes_of(type(holder)).items():
            file.attrs.create(name, _stored(attribute, getattr(holder, name)))
    write_layout(file, header.info)


def read_header(file: h5py.File) -> Header:
    """The header of an open log. Raises KeyError, ValueError or OSError where it is damaged."""
    info = RunInfo(**read_layout(file), **_values(file, RunInfo))
    if info.window < 1:
        raise ValueError(f"window: found {info.window}, expected at least 1 step")
    return Header(info, **_values(file, Header))


def change(file: h5py.File, **values: Any) -> None:
    """Rewrite attributes that may change, in place, as is safe while readers look on."""
    for name, value in values.items():
        if name not in CHANGING:
            raise ValueError(f"attribute {name!r} does not change; those that do are {', '.join(CHANGING)}")
        file.attrs.modify(name, _stored(ATTRIBUTES[name], value))


def _values(file: h5py.File, kind: type) -> dict[str, Any]:
    """The attributes that a class declares; those that an older log does not have are left out."""
    declared = attributes_of(kind).items()
    known = {name: one for name, one in declared if not one.since or name in file.attrs}
    return {name: _loaded(attribute, file.attrs[name]) for name, attribute in known.items()}


def _stored(attribute: Attribute, value: Any) -> Any:
    """A value as the file keeps it. Texts have a fixed length of at least one byte, lists at least one entry."""
    if attribute.choices:
        return np.int64(attribute.choices.index(value))
    if attribute.dtype in ("text", "JSON"):
        if attribute.dtype == "JSON":
            value = json.dumps(dict(value), default=str, sort_keys=True)
        encoded = value.encode()
        room = TEXT_ROOM if attribute.changes else max(1, len(encoded))
        return np.array(encoded[:room], dtype=f"S{room}")
    plain, _, length = attribute.dtype.partition("[")
    if length:
        return np.array(value or (math.nan,), dtype=plain)
    return np.array(value or 0, dtype=plain)


def _loaded(attribute: Attribute, raw: Any) -> Any:
    """The value that the file keeps as ``raw``."""
    if attribute.choices:
        return attribute.choices[int(raw)]
    if attribute.dtype == "JSON":
        value = json.loads(text(raw))
        if not isinstance(value, dict):
            raise ValueError(f"found {value!r}, expected a JSON object")
        return value
    if attribute.dtype == "text":
        return text(raw)
    plain, _, length = attribute.dtype.partition("[")
    values = np.atleast_1d(raw).astype(plain).tolist()
    return tuple(values) if length else values[0]
