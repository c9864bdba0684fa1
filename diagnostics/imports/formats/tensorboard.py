"""TensorBoard's event files: the scalars in them, of both encodings. TensorFlow is not needed.

A file is a sequence of TFRecords: the length of a record, its masked CRC-32C, the record, its masked CRC-32C. A record
is an ``Event`` message of protocol buffers. A scalar is the field ``simple_value`` of a summary's value, or since
TensorFlow 2 a tensor of one number. What follows a record that does not agree with its checksum is left out: a writer
that was killed leaves half a record at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.content import content
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.event_folders import event_files, name_of
from diagnostics.imports.formats.keras_events import BY_EPOCHS, as_meant
from diagnostics.imports.formats.protocol_buffers import fields_of
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, SeriesBuilder

LENGTH, FRAME = struct.Struct("<QI"), 16
TENSOR_VALUES = {1: ("<f4", 5), 2: ("<f8", 6)}
"""By the number of a tensor's type: how its numbers are stored, and the field of a single one."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins with a record whose length agrees with its checksum, or a folder holds such files."""
    if path.is_dir():
        return bool(event_files(path))
    if len(head) < FRAME:
        return False
    length, stored = LENGTH.unpack_from(head)
    return bool(length < len(head) * 64 and checksum(head[:8]) == stored)


def read(path: Path) -> list[LoggedMetrics]:
    """The run of an event file, or of all event files of a folder, in the order of their names."""
    return [as_meant(series_of(path))]


def series_of(path: Path) -> dict[str, MetricSeries]:
    """The scalars of the same files by their names, which are their tags in most files."""
    series = SeriesBuilder()
    for file in event_files(path) if path.is_dir() else [path]:
        raw = content(file)
        for start, length in sound_records(raw):
            try:
                scalars = list(_scalars(memoryview(raw)[start : start + length]))
            except (ValueError, struct.error, IndexError):
                continue  # a message of another kind
            for tag, number, step in scalars:
                name = tag if path in (file, file.parent) else name_of(tag, file.parent.relative_to(path).as_posix())
                by_epochs = tag.startswith(BY_EPOCHS)
                if name is not None:
                    series.add(name, number, None if by_epochs else step, step if by_epochs else None)
    return series.build()


def sound_records(raw: bytes) -> list[tuple[int, int]]:
    """Place and length of each record, up to the first that does not agree with its checksums."""
    places: list[tuple[int, int]] = []
    at, end = 0, len(raw)
    while at + FRAME <= end:
        length = int.from_bytes(raw[at : at + 8], "little")
        if at + FRAME + length > end:
            break
        places.append((at + 12, length))
        at += FRAME + length
    if not places:
        return []
    buffer = np.frombuffer(raw, np.uint8)
    starts, lengths = np.array(places, np.int64).T
    sound = _agrees(buffer, starts - 12, np.full(len(starts), 8), starts - 4)
    sound &= _agrees(buffer, starts, lengths, starts + lengths)
    good = len(places) if sound.all() else int(np.argmin(sound))
    return places[:good]


def _agrees(
    buffer: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[Any], sums: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each stretch of bytes agrees with the masked checksum that stands at its place in ``sums``."""
    stored = np.ascontiguousarray(buffer[sums[:, None] + np.arange(4)]).view("<u4")[:, 0]
    result = np.zeros(len(starts), np.bool_)
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        for part in np.array_split(same, -(-len(same) * max(length, 1) // 32_000_000)):
            rows = buffer[starts[part][:, None] + np.arange(length)]
            result[part] = _masked(_crc32c(rows)) == stored[part]
    return result


def _table() -> NDArray[np.uint32]:
    entries = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        entries = np.where(entries & 1, (entries >> 1) ^ np.uint32(0x82F63B78), entries >> 1)
    return entries


CRC_TABLE = _table()


def _crc32c(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """CRC-32C of each row of bytes (n, length), all rows at once."""
    crc = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for byte in rows.T:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ np.uint32(0xFFFFFFFF)


def checksum(data: bytes) -> int:
    """The masked CRC-32C of some bytes, as TFRecords have it."""
    return int(_masked(_crc32c(np.frombuffer(data, np.uint8)[None]))[0])


def _masked(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The mask that TFRecords put on their checksums."""
    return (((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)).astype(np.uint32)


def _scalars(message: memoryview) -> Iterator[tuple[str, float, int]]:
    """Tag, number and step of each scalar of an event."""
    step, summaries = 0, []
    for field, value in fields_of(message):
        if field == 2 and isinstance(value, int):
            step = value - (1 << 64) if value >> 63 else value
        elif field == 5 and isinstance(value, memoryview):
            summaries.append(value)
    for summary in summaries:
        for field, value in fields_of(summary):
            if field == 1 and isinstance(value, memoryview):
                tag, number = _tag_and_number(value)
                if tag and number is not None:
                    yield tag, number, step


def _tag_and_number(message: memoryview) -> tuple[str, float | None]:
    tag, number = "", None
    for field, value in fields_of(message):
        if field == 1 and isinstance(value, memoryview):
            tag = bytes(value).decode("utf-8", "replace")
        elif field == 2 and isinstance(value, float):
            number = value
        elif field == 8 and isinstance(value, memoryview):
            number = _tensor_number(value)
    return tag, number


def _tensor_number(message: memoryview) -> float | None:
    """The number of a tensor that has one entry, of the types float and double; else None."""
    kind, fields = 0, dict[int, int | float | memoryview]()
    for field, value in fields_of(message):
        if field == 1 and isinstance(value, int):
            kind = value
        fields[field] = value
    if kind not in TENSOR_VALUES:
        return None
    dtype, single = TENSOR_VALUES[kind]
    content = fields.get(4, fields.get(single))
    if isinstance(content, float):
        return content
    if not isinstance(content, memoryview) or len(content) != np.dtype(dtype).itemsize:
        return None
    return float(np.frombuffer(content, dtype)[0])


FORMAT = ImportFormat("TensorBoard events", recognises, read)
