"""Reads IDX files, plain or gzipped: the format of MNIST.

An IDX file has a big-endian header and one unsigned byte for each value. A file of
images has the magic number 2051, then N, H and W, then N x H x W pixels; a file of labels
has the magic number 2049, then N, then N labels. Any other file is refused with a
:class:`~lenet.errors.DataError` that names the file, what was found and what was
expected. Source of the format: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database
of handwritten digits".
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet.errors import DataError, reason_of
from lenet.regular_files import read_regular

IMAGES = 2051
LABELS = 2049

# A limit, since a gzip file of 10 MB may unpack to 10 GB. EMNIST by class, the largest set
# of this family, has 0.55 GB of pixels.
MAX_BYTES = 600_000_000
# A gzip file may consist of many, each of which may be empty.
MAX_MEMBERS = 10_000

_KINDS = {IMAGES: "IDX images", LABELS: "IDX labels"}
_GZIP = b"\x1f\x8b"
_SMALLEST_PIECE, _LARGEST_PIECE = 1 << 12, 1 << 24


@dataclass(frozen=True)
class IdxFile:
    """One IDX file in memory.

    Args:
        path: where it was read from.
        header: its first bytes, magic number and sizes.
        body: all bytes after the header.
        values: a read-only view of ``body``, uint8, (N, H, W) or (N,).
    """

    path: Path
    header: bytes
    body: memoryview
    values: NDArray[np.uint8]

    def md5(self) -> str:
        """MD5 of the decompressed file, 32 hex digits; such checksums are published for MNIST."""
        digest = hashlib.md5(self.header, usedforsecurity=False)
        digest.update(self.body)
        return digest.hexdigest()


def locate(path: Path | str) -> Path:
    r"""The file that a path stands for on this system.

    The path is tried as it is. If there is no such file, backslashes are read as separators
    of folders (``MNISTdata\train-images-idx3-ubyte`` works everywhere), and ``.gz`` is added last.
    Raises DataError if none of them is a file.
    """
    literal = Path(path)
    slashed = Path(str(path).replace("\\", "/"))
    candidates = [literal, slashed, Path(f"{literal}.gz"), Path(f"{slashed}.gz")]
    try:
        found = next((candidate for candidate in candidates if candidate.exists()), None)
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte in it
        raise DataError(f"{str(path)!r}: not a usable path ({error}), expected an IDX file") from None
    if found is None:
        raise DataError(f"{path}: no such file, expected an IDX file of this name or with .gz added")
    if not found.is_file():
        kind = "a folder" if found.is_dir() else "not a regular file"
        raise DataError(f"{found}: {kind}, expected an IDX file")
    return found


def read_idx(path: Path | str, magic: int) -> IdxFile:
    """Read one IDX file.

    Args:
        path: the file, plain or gzipped.
        magic: the magic number that it has to have, IMAGES or LABELS.

    Raises:
        DataError: the file is missing, damaged, of the other kind, or its
            length is not what its header says.
    """
    file = locate(path)
    try:
        raw = read_regular(file, MAX_BYTES + 16)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {reason_of(error)}; expected {_KINDS[magic]}") from None
    if not raw:
        raise DataError(f"{file}: empty file, expected {_KINDS[magic]}")
    stream = _Gzip(file, raw) if raw.startswith(_GZIP) else _Plain(raw)
    header, shape = _read_header(file, stream, magic)
    promised = math.prod(shape)
    if promised > MAX_BYTES:
        raise DataError(f"{file}: the header promises {promised} bytes, expected at most {MAX_BYTES}")
    body = stream.read(promised)
    if len(body) < promised:
        raise DataError(
            f"{file}: truncated, {len(body)} bytes found after the header, "
            f"expected {promised} ({' x '.join(map(str, shape))})"
        )
    if stream.read(1):
        raise DataError(
            f"{file}: trailing bytes, expected {promised} bytes after the header "
            f"({' x '.join(map(str, shape))}) and no more"
        )
    return IdxFile(file, header, body, np.frombuffer(body, np.uint8).reshape(shape))


def _read_header(file: Path, stream: _Plain | _Gzip, magic: int) -> tuple[bytes, tuple[int, ...]]:
    """Read magic number and sizes: returns the bytes of the header, and the shape."""
    length = 16 if magic == IMAGES else 8
    header = bytes(stream.read(length))
    if len(header) >= 4:
        (found,) = struct.unpack(">I", header[:4])
        if found != magic:
            meaning = f" ({_KINDS[found]})" if found in _KINDS else ""
            raise DataError(f"{file}: magic number {found}{meaning}, expected {magic} ({_KINDS[magic]})")
    if len(header) < length:
        raise DataError(f"{file}: truncated, {len(header)} bytes found, expected a header of {length}")
    shape: tuple[int, ...] = struct.unpack(f">{length // 4 - 1}I", header[4:])
    if 0 in shape:
        sizes = " x ".join(map(str, shape))
        raise DataError(f"{file}: holds nothing ({sizes}), expected at least one value in {_KINDS[magic]}")
    return header, shape


class _Plain:
    """The bytes of an uncompressed file, read front to back."""

    def __init__(self, raw: bytes) -> None:
        self._rest = memoryview(raw)

    def read(self, size: int) -> memoryview:
        """Up to ``size`` bytes, as a read-only view."""
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


class _Gzip:
    """The decompressed bytes of a gzipped file, read front to back; it unpacks no more than it is asked for.

    It uses zlib and not the gzip module, which takes twice as long to unpack MNIST. zlib is fed pieces, since it
    copies what it leaves of each: of many small members it would copy the rest of the file again and again.
    """

    def __init__(self, file: Path, raw: bytes) -> None:
        self._file = file
        self._rest = memoryview(raw)
        self._members = 0
        self._piece = _SMALLEST_PIECE
        self._begin_member()

    def read(self, size: int) -> memoryview:
        """``size`` bytes, read-only; fewer at the end of the last member. Raises DataError for damaged data."""
        unpacked = bytearray()
        while len(unpacked) < size and not self._at_end():
            piece = self._rest[: self._piece]
            self._piece = min(2 * self._piece, _LARGEST_PIECE)
            try:
                part = self._member.decompress(piece, min(size - len(unpacked), _LARGEST_PIECE))
            except zlib.error as error:
                raise DataError(f"{self._file}: damaged gzip data ({error}), expected a sound gzip file") from None
            left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self._rest = self._rest[len(piece) - len(left) :]
            if not part and not self._member.eof and not self._rest:
                raise DataError(f"{self._file}: truncated gzip data, expected a sound gzip file")
            unpacked += part
        return memoryview(unpacked).toreadonly()

    def _at_end(self) -> bool:
        """Whether all bytes were read; goes on to the next member if there is one."""
        if not self._member.eof:
            return False
        if not self._rest:
            return True
        if self._rest[:2] != _GZIP:
            raise DataError(f"{self._file}: trailing bytes after the gzip data, expected none")
        self._begin_member()
        return False

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise DataError(f"{self._file}: found more than {MAX_MEMBERS} gzip files in one, expected one")
        self._member = zlib.decompressobj(wbits=31)  # 31: with gzip header and checksum
        self._piece = _SMALLEST_PIECE
