"""One writer a log: a lock file beside it, which also tells readers whether the writer lives.

The lock is taken before there is a log to write, and announced when there is: what lies
there before that may be what a killed writer left, and must not be read as a live log.

The operating system drops the lock when its process ends, however it ends.
"""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.errors import LogWriteError
from diagnostics.file_locks import flock

ANNOUNCED = b" writes it"


def lock_path(log: Path) -> Path:
    """Where the lock of a log lies."""
    return log.parent / f"{log.name}.lock"


class WriterLock:
    """Held from before a log is made until it is closed; a second writer is refused with LogWriteError.

    Where the platform or the file system has no locks nothing is held.
    """

    def __init__(self, log: Path) -> None:
        self._path = lock_path(log)
        self._fd = -1
        while True:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                held = flock(self._fd)
            except BlockingIOError:
                writer = os.read(self._fd, 60).decode("ascii", "replace").removesuffix(ANNOUNCED.decode()) or "unknown"
                self.forget()
                raise LogWriteError(
                    f"{log} is being written by another process ({writer}); give another --out"
                ) from None
            if not held:
                self.forget()
                self._path.unlink(missing_ok=True)
                return
            if self._is_current():
                break
            self.forget()  # another writer removed this file between open and lock
        os.truncate(self._fd, 0)
        os.write(self._fd, f"process {os.getpid()}".encode())

    def announce(self) -> None:
        """From now on the file of this name is the one that is written."""
        if self._fd >= 0:
            os.write(self._fd, ANNOUNCED)

    def release(self) -> None:
        """Remove the lock file and give up the lock."""
        if self._fd >= 0:
            self._path.unlink(missing_ok=True)
            self.forget()

    def forget(self) -> None:
        """Close the descriptor only: in a forked child, the parent keeps the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _is_current(self) -> bool:
        try:
            return os.fstat(self._fd).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False


def has_writer(log: Path) -> bool:
    """Whether a living process writes, or is about to write or repair, this log, as far as locks tell."""
    return _words_of_holder(log) is not None


def is_written(log: Path) -> bool:
    """Whether the file of this name is the one that a living process writes."""
    return (_words_of_holder(log) or b"").endswith(ANNOUNCED)


def _words_of_holder(log: Path) -> bytes | None:
    """What the process that holds the lock has written into it; None where none holds it."""
    try:
        fd = os.open(lock_path(log), os.O_RDONLY)
    except OSError:
        return None
    try:
        flock(fd, shared=True)
    except BlockingIOError:
        return os.read(fd, 60)
    finally:
        os.close(fd)
    return None
