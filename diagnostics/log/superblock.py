"""The first 48 bytes of an HDF5 file, and how to make a file readable whose writer was killed.

A superblock of version 3 holds, after the signature: at byte 8 its version, at
byte 11 the consistency flags (writer, SWMR), at byte 28 the size that the file
should have, and at byte 44 a checksum (Jenkins lookup3, public domain) of all bytes
before. A killed writer leaves the flags set, and often a size that is smaller than
what it wrote. Both are therefore set anew. The file is padded too, since its
structures may point behind its end where it was cut. This is done to copies only.
"""

from __future__ import annotations

import struct
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SIZE = 48
PADDING = 16_000_000
_MASK = 0xFFFFFFFF


def is_hdf5(start: bytes) -> bool:
    """Whether a file that starts so is an HDF5 file."""
    return start.startswith(SIGNATURE)


def is_intact(start: bytes) -> bool:
    """Whether it has a superblock of version 3 that agrees with its checksum."""
    return (
        len(start) >= SIZE
        and is_hdf5(start)
        and start[8] == 3
        and struct.unpack_from("<I", start, 44)[0] == lookup3(start[:44])
    )


def is_open_for_writing(start: bytes) -> bool:
    """Whether the flags say that a writer has it open, or had when it was killed."""
    return start[11] != 0


def missing_end(start: bytes, size: int) -> int | None:
    """The size that a file of ``size`` bytes that starts so had when it was whole; None where nothing is missing."""
    if not is_intact(start):
        return None
    believed: int = struct.unpack_from("<Q", start, 28)[0]
    return believed if size < believed else None


def damage(path: Path) -> str:
    """What is wrong with a file that begins as HDF5 and of which nothing can be read, and what to do."""
    with path.open("rb") as file:
        start = file.read(SIZE)
        size = file.seek(0, 2)
    whole = missing_end(start, size)
    if whole is not None or size < SIZE:
        expected = f"at least {SIZE}" if whole is None else f"{whole:,}"
        return (
            f"is cut short: found {size:,} bytes, expected {expected}, and what is there cannot be read; "
            "copy it again from where it is whole, or train the run again"
        )
    return "is damaged beyond repair; copy it again from where it is whole, or train the run again"


def pad_and_clear(copy: Path) -> None:
    """Clear the flags of a copy and let its end of file lie behind all that is there."""
    with copy.open("r+b") as file:
        start = bytearray(file.read(SIZE).ljust(SIZE, b"\0"))
        size = file.seek(0, 2)
        believed: int = struct.unpack_from("<Q", start, 28)[0]
        end = max(size, min(believed, 2 * size + PADDING)) + PADDING
        file.truncate(end)
        start[8], start[11] = 3, 0
        struct.pack_into("<Q", start, 28, end)
        struct.pack_into("<I", start, 44, lookup3(bytes(start[:44])))
        file.seek(0)
        file.write(start)


def _rotate(x: int, by: int) -> int:
    return ((x << by) | (x >> (32 - by))) & _MASK


def lookup3(data: bytes) -> int:
    """Bob Jenkins' lookup3 (hashlittle) with initial value 0."""
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    while len(data) > 12:
        x, y, z = struct.unpack_from("<III", data)
        a, b, c = (a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK
        a = ((a - c) ^ _rotate(c, 4)) & _MASK
        c = (c + b) & _MASK
        b = ((b - a) ^ _rotate(a, 6)) & _MASK
        a = (a + c) & _MASK
        c = ((c - b) ^ _rotate(b, 8)) & _MASK
        b = (b + a) & _MASK
        a = ((a - c) ^ _rotate(c, 16)) & _MASK
        c = (c + b) & _MASK
        b = ((b - a) ^ _rotate(a, 19)) & _MASK
        a = (a + c) & _MASK
        c = ((c - b) ^ _rotate(b, 4)) & _MASK
        b = (b + a) & _MASK
        data = data[12:]
    if not data:
        return c
    x, y, z = struct.unpack("<3I", data.ljust(12, b"\0"))
    a, b, c = (a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK
    c = ((c ^ b) - _rotate(b, 14)) & _MASK
    a = ((a ^ c) - _rotate(c, 11)) & _MASK
    b = ((b ^ a) - _rotate(a, 25)) & _MASK
    c = ((c ^ b) - _rotate(b, 16)) & _MASK
    a = ((a ^ c) - _rotate(c, 4)) & _MASK
    b = ((b ^ a) - _rotate(a, 14)) & _MASK
    result: int = ((c ^ b) - _rotate(b, 24)) & _MASK
    return result
