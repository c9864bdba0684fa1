"""Files that survive a kill and a full disk: replaced whole, or not at all, and never anything but a regular file.

A new content is written under another name, put on disk, and renamed over the old one, so
that a reader sees the old or the new content and never half of one. All writers of this
project go through :func:`replacing` or :func:`place`, and both refuse to replace a
link, a device, a FIFO or a folder.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from diagnostics.errors import DamagedFileError, LogWriteError, NotReplacedError
from diagnostics.file_locks import is_locked, lock
from lenet.errors import reason_of
from lenet.regular_files import obstacle, open_regular, read_regular

PART_NAME = 100
"""Characters of a file's name that the name of its part begins with: a name has room for 255."""
BLOCK = 1 << 20
JSON_SIZE = 256_000_000
"""Bytes: a JSON file that is larger is none of ours."""


def make_folder(folder: Path) -> None:
    """Make the folder of a log, and those above it, where they are missing. Raises LogWriteError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LogWriteError(f"{folder}: the folder for runs cannot be made: {reason_of(error)}") from None


def check_replaceable(path: Path) -> None:
    """Raise NotReplacedError where something other than a regular file stands at ``path``.

    Raises LogWriteError where that cannot be found out.
    """
    try:
        found = obstacle(path)
    except (OSError, ValueError) as error:
        raise LogWriteError(f"{path}: cannot be written: {reason_of(error)}") from None
    if found:
        raise NotReplacedError(f"{path}: is {found}, and only regular files are replaced; give another path")


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """Give the path of an empty file beside ``path`` to write to; it becomes ``path`` when the block ends well.

    path: the file to make or to replace. Its folder is made where it is missing.
    sync: whether the disk must hold the content before it gets its name. Default True.

    Parts that killed writers left are removed, as :func:`open_part` says. Raises NotReplacedError where something other
    than a regular file stands at ``path``, and LogWriteError where it cannot be written.
    """
    check_replaceable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part, held = open_part(path)
    except OSError as error:
        raise LogWriteError(f"{path}: cannot be written: {reason_of(error)}") from error
    try:
        yield part
        if sync:
            os.fsync(held.fileno())
        check_replaceable(path)
        part.replace(path)
    except OSError as error:
        if error.filename not in (None, str(part)):  # something else, that was to be read
            raise
        raise LogWriteError(f"{path}: cannot be written: {reason_of(error)}") from error
    finally:
        held.close()
        with contextlib.suppress(OSError):
            part.unlink()


def write_text(path: Path, text: str, *, sync: bool = True) -> None:
    """Replace ``path`` by ``text`` as UTF-8, as :func:`replacing` does; what has no UTF-8 becomes "?"."""
    write_bytes(path, text.encode("utf-8", "replace"), sync=sync)


def write_bytes(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Replace ``path`` by ``content``, as :func:`replacing` does."""
    with replacing(path, sync=sync) as part:
        part.write_bytes(content)


def append_line(path: Path, line: str) -> None:
    """Add a line to a regular file, made where it is missing, and let it reach the disk.

    Raises NotReplacedError where something other than a regular file stands there, and LogWriteError where it cannot be
    written.
    """
    check_replaceable(path)
    try:
        with os.fdopen(open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, follow=False), "ab") as file:
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LogWriteError(f"{path}: cannot be written: {reason_of(error)}") from error


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as indented JSON in one step; NaN is refused (ValueError)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, expected: str) -> dict[str, Any]:
    """The JSON object in ``path`` whose "format" is ``expected``.

    Raises DamagedFileError, naming what was found, for anything else.
    """
    try:
        value = json.loads(read_regular(path, JSON_SIZE).decode(), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        reason = f"cannot be read: {reason_of(error)}" if isinstance(error, OSError) else f"not JSON ({error})"
        raise DamagedFileError(f"{path}: {reason}; kept as it is: move it or repair it") from error
    if not isinstance(value, dict) or value.get("format") != expected:
        found = value.get("format") if isinstance(value, dict) else type(value).__name__
        raise DamagedFileError(f"{path}: found format {found!r}, expected {expected!r}; it was kept as it is")
    return value


def _refuse(name: str) -> None:
    """Raise ValueError for a constant that JSON does not have, such as NaN."""
    raise ValueError(f"found {name}, which JSON does not have")


def place(part: Path, path: Path, *, overwrite: bool = False, keep_old_as: Path | None = None) -> None:
    """Give a finished file its name, never over another file unless that is wanted.

    Raises LogWriteError where somebody has made a file of a name that was free before, and NotReplacedError
    where something other than a regular file would be replaced.
    """
    check_replaceable(path)
    if keep_old_as is not None:
        try:
            os.link(path, keep_old_as)
        except FileExistsError:
            raise LogWriteError(f"{keep_old_as}: was made by someone else in the meantime; try again") from None
        except OSError:  # a file system without links
            path.rename(keep_old_as)
        part.replace(path)
    elif overwrite:
        part.replace(path)
    else:
        try:
            os.link(part, path)
        except FileExistsError:
            raise LogWriteError(f"{path}: was made by someone else in the meantime; give another path") from None
        except OSError:  # a file system without links
            part.rename(path)
        else:
            part.unlink()


def new_part(path: Path) -> Path:
    """A name beside ``path`` that nobody has, for what is to become ``path``."""
    return path.with_name(f"{_part_prefix(path)}{os.getpid()}-{secrets.token_hex(4)}")


def open_part(path: Path) -> tuple[Path, IO[bytes]]:
    """A new part of ``path`` and its open file, which holds the lock that says its writer lives, until it is closed.

    Parts that killed writers left in this folder are removed first. Raises OSError.
    """
    remove_abandoned_parts(path)
    while True:
        part = new_part(path)
        file = part.open("xb")
        lock(file.fileno(), wait=True)
        if os.fstat(file.fileno()).st_nlink:
            return part, file
        file.close()  # taken for an abandoned one between opening and locking


def remove_abandoned_parts(path: Path) -> None:
    """Remove the parts of ``path``, and of files beside it with the same suffix, whose writers were killed.

    Parts whose writers may live stay.
    """
    prefix = _part_prefix(path)
    of_its_kind = re.compile(rf".+{re.escape(path.suffix)}\.part-[0-9]+-[0-9a-f]{{8}}") if path.suffix else None
    try:
        entries = list(os.scandir(path.parent))
    except OSError:  # a folder that may be written to and not be listed
        return
    for entry in entries:
        is_part = entry.name.startswith(prefix) or (of_its_kind and of_its_kind.fullmatch(entry.name))
        if is_part and entry.is_file(follow_symlinks=False):
            with contextlib.suppress(OSError), Path(entry.path).open("rb") as file:
                if is_locked(file.fileno()) is False:
                    Path(entry.path).unlink()


def copy_data(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy an open file into an empty one; holes, which take no room on the disk, stay holes."""
    size = source.seek(0, os.SEEK_END)
    position = 0
    while position < size:
        start, stop = _next_data(source.fileno(), position, size)
        source.seek(start)
        target.seek(start)
        position = start
        while position < stop and (block := source.read(min(BLOCK, stop - position))):
            target.write(block)
            position += len(block)
        position = max(position, stop)
    target.truncate(size)


def _next_data(descriptor: int, position: int, size: int) -> tuple[int, int]:
    """Where the next stretch of data begins and ends, as far as the system tells holes from data."""
    try:
        start = os.lseek(descriptor, position, os.SEEK_DATA)
        return start, os.lseek(descriptor, start, os.SEEK_HOLE)
    except OSError as error:
        return (size, size) if error.errno == errno.ENXIO else (position, size)
    except AttributeError:  # Windows
        return position, size


def fsync_folder(folder: Path) -> None:
    """Let a new name reach the disk, where the platform can do that for folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def readable_name(name: str) -> str:
    """A file's name as text that every file and page can hold; bytes that are no UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _part_prefix(path: Path) -> str:
    return f"{path.name[:PART_NAME]}.part-"
