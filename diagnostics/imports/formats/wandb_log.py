"""The binary log of Weights & Biases, ``run-ID.wandb``, which a run without a network leaves too. wandb is not needed.

After a header of 7 bytes a file is a LevelDB log: blocks of 32 KiB with pieces in them, each with a CRC-32, its length
and its kind. A record is one piece, or a first one, some in the middle, and a last one. It is a message ``Record`` of
protocol buffers. What follows a piece that is cut short or does not agree with its checksum is left out, and told: a
run that was killed leaves such a piece at the end.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from diagnostics.imports.content import content
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.protocol_buffers import fields_of
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import of_records

MAGIC, HEADER, BLOCK = b":W&B", 7, 1 << 15
PIECE = struct.Struct("<IHB")
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
HISTORY, CONFIG, RUN = 2, 5, 17
"""The fields of a record that are read."""
UPDATED, NAME_OF_RUN, CONFIG_OF_RUN = 1, 8, 4
"""The fields with the items of a history or of settings, with the name of a run, and with its settings."""
KEY, NESTED_KEY, VALUE = 1, 2, 16
"""The fields of an item: its key in one piece or in several, and its value as JSON."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins as those of Weights & Biases do."""
    return head.startswith(MAGIC)


def read(path: Path) -> list[LoggedMetrics]:
    """The run of a file, up to where it is cut short or damaged."""
    raw = content(path)
    rows: list[Mapping[str, Any]] = []
    settings: dict[str, Any] = {}
    name = ""
    records, end = _records(raw)
    for record in records:
        for field, message in _messages(record):
            if field == HISTORY:
                rows.append(dict(_items(message)))
            elif field == CONFIG:
                settings.update(_items(message))
            elif field == RUN:
                for part, inside in _messages(message):
                    if part == CONFIG_OF_RUN:
                        settings.update(_items(inside))
                    elif part == NAME_OF_RUN:
                        name = bytes(inside).decode("utf-8", "replace")
    known = {key: value for key, value in settings.items() if not key.startswith("_")}
    cut = f"the file is cut short or damaged: what follows its first {end:,} bytes is left out"
    told = (cut,) if end < len(raw) else ()
    return [LoggedMetrics(one.series, name, known, told=(*told, *one.told)) for one in of_records(rows)]


def _records(raw: bytes) -> tuple[list[bytes], int]:
    """The whole records up to the first damage, and the place in the file at which the last of them ends."""
    records: list[bytes] = []
    record, at, end = b"", HEADER, HEADER
    while at + PIECE.size <= len(raw):
        left = BLOCK - at % BLOCK
        if left < PIECE.size:
            at += left  # the end of a block that has no room for a piece
            continue
        checksum, length, kind = PIECE.unpack_from(raw, at)
        start, at = at + PIECE.size, at + PIECE.size + length
        if at > len(raw) or zlib.crc32(raw[start - 1 : at]) != checksum:
            break
        record = raw[start:at] if kind in (WHOLE, FIRST) else record + raw[start:at]
        if kind in (WHOLE, LAST):
            records.append(record)
            end = at
    return records, end


def _messages(message: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message that hold text or a message."""
    return ((field, value) for field, value in fields_of(memoryview(message)) if isinstance(value, memoryview))


def _items(message: memoryview) -> Iterator[tuple[str, Any]]:
    """Key and value of each item of a history or of settings; the parts of a nested key are joined by "."."""
    for field, item in _messages(message):
        if field == UPDATED:
            parts = [(part, bytes(value).decode("utf-8", "replace")) for part, value in _messages(item)]
            key = ".".join(value for part, value in parts if part in (KEY, NESTED_KEY))
            value = json.loads(next((text for part, text in parts if part == VALUE), "null"))
            if not isinstance(value, list | Mapping):  # neither a picture nor a histogram
                yield key, value


FORMAT = ImportFormat("Weights & Biases log", recognises, read)
