"""The fields of a message of protocol buffers. What they mean is left to the formats that are made of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

FIXED = {1: "<d", 5: "<f"}
"""By the kind of a field: how its number is stored."""


def fields_of(message: memoryview) -> Iterator[tuple[int, int | float | memoryview]]:
    """The fields of a message of protocol buffers, as (number, value). Raises ValueError where it makes no sense."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > end:
                raise ValueError("a field is longer than its message")
            yield key >> 3, message[at : at + length]
            at += length
        elif kind in FIXED:
            form = FIXED[kind]
            yield key >> 3, struct.unpack_from(form, message, at)[0]
            at += struct.calcsize(form)
        else:
            raise ValueError(f"a field has the unknown kind {kind}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")
