"""Locks on files, which the operating system frees when their holder ends, however it ends.

A lock belongs to one opening of a file, not to its name: whoever opens the same file by a link finds it locked.
:func:`locked` keeps two processes from overwriting each other's change of a file. Some network mounts and
containers have no locks; :func:`lock` and :func:`is_locked` say so.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from diagnostics.errors import LogWriteError
from lenet.errors import reason_of
from lenet.regular_files import open_regular


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` (a hidden file beside it), waiting for whoever has it."""
    with _open_lock(path) as file:
        lock(file.fileno(), wait=True)
        yield  # closing the file frees the lock


def try_lock(path: Path) -> IO[bytes] | None:
    """The lock of ``path``, held until it is closed; None where another process has it."""
    file = _open_lock(path)
    try:
        lock(file.fileno())
    except BlockingIOError:
        file.close()
        return None
    return file


def _open_lock(path: Path) -> IO[bytes]:
    beside = path.with_name(f".{path.name}.lock")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(open_regular(beside, os.O_RDWR | os.O_CREAT | os.O_APPEND, follow=False), "a+b")
    except OSError as error:
        raise LogWriteError(f"{beside}: cannot be written: {reason_of(error)}") from error


def lock(descriptor: int, *, wait: bool = False) -> bool:
    """Lock an open file for this one opening of it, until it is closed or the process ends.

    descriptor: of the file, opened for writing. wait: whether to wait until its holder frees it. Default False.
    Returns False where the platform or the file system has no locks.
    Raises BlockingIOError, without ``wait``, where another opening of the file, here or in another process, has it.
    """
    for way in _ways():
        try:
            way(descriptor, wait)
        except (BlockingIOError, PermissionError) as error:  # how systems say that it is taken
            raise BlockingIOError(*error.args) from None
        except OSError:  # no locks of this kind
            continue
        return True
    return False


def is_locked(descriptor: int) -> bool | None:
    """Whether another opening of the file, here or in another process, holds its lock.

    descriptor: of the file, opened for reading at least.
    Returns None where that cannot be told: the platform or the file system has no locks.
    """
    for ask in (_ask_range, _ask_flock):
        with contextlib.suppress(OSError, ImportError):
            return ask(descriptor)
    return None


# A byte that no file has. HDF5 and others lock whole files with flock, which this kind of lock takes no notice of.
_BYTE = 1 << 62


def _ways() -> list[Callable[[int, bool], None]]:
    """The kinds of locks that this platform knows, the best first."""
    try:
        import fcntl
    except ImportError:  # Windows
        return [_lock_windows]
    return [_lock_range, _lock_flock] if _has_ranges(fcntl) else [_lock_flock]


def _has_ranges(fcntl: Any) -> bool:
    """Whether there are locks of single bytes that belong to an opening of a file: the order of _range is Linux's."""
    return sys.platform.startswith("linux") and hasattr(fcntl, "F_OFD_SETLK")


def _lock_range(descriptor: int, wait: bool) -> None:
    import fcntl

    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, _range(fcntl.F_WRLCK))


def _lock_flock(descriptor: int, wait: bool) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _lock_windows(descriptor: int, wait: bool) -> None:
    import msvcrt

    mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined,unused-ignore]
    os.lseek(descriptor, 0, os.SEEK_SET)
    msvcrt.locking(descriptor, mode, 1)  # type: ignore[attr-defined,unused-ignore]


def _ask_range(descriptor: int) -> bool:
    import fcntl

    if not _has_ranges(fcntl):
        raise OSError
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _range(fcntl.F_WRLCK))
    kind: int = struct.unpack_from("h", answer)[0]
    return kind != fcntl.F_UNLCK


def _ask_flock(descriptor: int) -> bool:
    """Whether a shared lock is refused; where it is not, it is held for a moment, which disturbs no reader."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _range(kind: int) -> bytes:
    """The C structure flock: kind, whence, start, length, process."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, _BYTE, 1, 0)
