"""Locks on files, which the operating system frees when their holder ends, however it ends.

:func:`locked` keeps two processes from overwriting each other's change of a file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from diagnostics.errors import LogWriteError
from lenet.regular_files import open_regular


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
        return os.fdopen(open_regular(lock, os.O_RDWR | os.O_CREAT | os.O_APPEND, follow=False), "a+b")
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
