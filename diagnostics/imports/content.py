"""The bytes of a file, unpacked where they are packed with gzip, as far as they fit into memory."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
import struct
import zlib
from pathlib import Path

from lenet.regular_files import open_regular, read_regular

LARGEST = 1 << 30
"""Bytes of a file, packed or not: more is no log that is read into memory."""
HEAD = 1 << 18
"""Bytes by which a format is recognised."""
GZIP = b"\x1f\x8b"
DAMAGE = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, RuntimeError, EOFError, OSError,
    MemoryError, struct.error, zlib.error, sqlite3.Error,
)  # fmt: skip
"""What parsers raise for files that are damaged."""


def content(path: Path) -> bytes:
    """All bytes of a regular file, unpacked. Raises OSError or EOFError where it is too large, cut short or damaged."""
    raw = read_regular(path, LARGEST)
    if not raw.startswith(GZIP):
        return raw
    with gzip.open(io.BytesIO(raw)) as packed:
        plain = packed.read(LARGEST + 1)
    if len(plain) > LARGEST:
        raise OSError(f"is larger than {LARGEST:,} bytes when unpacked")
    return plain


def head(path: Path) -> bytes:
    """The first bytes of a file, unpacked; fewer where the file is damaged. b"" for a folder. Raises OSError."""
    if path.is_dir():
        return b""
    with os.fdopen(open_regular(path), "rb") as file:
        start = file.read(HEAD)
    if not start.startswith(GZIP):
        return start
    try:
        return zlib.decompressobj(wbits=31).decompress(start, HEAD)
    except zlib.error:
        return b""


def text_of(raw: bytes) -> str:
    """Bytes as text, whatever their encoding: UTF-8, UTF-16 with a mark, or else Latin-1."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
