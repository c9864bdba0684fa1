"""Files that survive a kill and a second writer: replaced whole, or not at all.

A text is written under another name, synced, and renamed over the old one, so
that a reader sees the old or the new content and never half of one.
:func:`locked` keeps two processes from overwriting each other's change; the
operating system frees the lock when its holder dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from diagnostics.errors import DamagedFileError, LogWriteError


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step. Raises LogWriteError where that cannot be done."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step. Raises LogWriteError where that cannot be done."""
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.part-", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)  # mkstemp makes files that nobody else may read
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise LogWriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as indented JSON in one step; NaN is refused (ValueError)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, expected: str) -> dict[str, Any]:
    """The JSON object in ``path`` whose "format" is ``expected``.

    Raises DamagedFileError, naming what was found, for anything else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not JSON ({error})"
        raise DamagedFileError(f"{path}: {reason}; kept as it is: move it or repair it") from error
    if not isinstance(value, dict) or value.get("format") != expected:
        found = value.get("format") if isinstance(value, dict) else type(value).__name__
        raise DamagedFileError(f"{path}: found format {found!r}, expected {expected!r}; it was kept as it is")
    return value


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` (a hidden file beside it), waiting for whoever has it."""
    with _open_lock(path) as file:
        _take(file)
        yield  # closing the file frees the lock


def try_lock(path: Path) -> IO[bytes] | None:
    """The lock of ``path``, held until it is closed; None where another process has it."""
    file = _open_lock(path)
    try:
        _take(file, wait=False)
    except BlockingIOError:
        file.close()
        return None
    return file


def _open_lock(path: Path) -> IO[bytes]:
    lock = path.with_name(f".{path.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a+b")
    except OSError as error:
        raise LogWriteError(f"{lock}: cannot be written: {error.strerror or error}") from error


def _take(file: IO[bytes], wait: bool = True) -> None:
    """Lock the open file for this process alone, where there are locks. Raises BlockingIOError where it is taken."""
    try:
        import msvcrt
    except ImportError:
        flock(file.fileno(), wait=wait)
        return
    mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined,unused-ignore]
    file.seek(0)
    try:
        msvcrt.locking(file.fileno(), mode, 1)  # type: ignore[attr-defined,unused-ignore]
    except PermissionError as error:
        raise BlockingIOError(*error.args) from error


def flock(descriptor: int, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file until its holder ends; False where the platform or the file system has no locks.

    Without ``wait``, raises BlockingIOError where another process has it; any
    other refusal of the system says nothing of other processes.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True


def place(part: Path, path: Path, *, overwrite: bool = False, keep_old_as: Path | None = None) -> None:
    """Give a finished file its name, never over another file unless that is wanted.

    Raises LogWriteError where somebody has made a file of a name that was free before.
    """
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
