"""One writer a log, which readers can ask for.

A writer holds two locks. That of ``NAME.h5.lock``, beside the log, keeps a second writer from the name, and is taken
before there is a log to write. That of the log file itself tells that this very file is being written, under
whatever name it is looked at: a link to it, or the name it was moved to.

The operating system frees both when their holder ends, however it ends. Some file systems have no locks; then nobody
can tell whether a writer lives, and nobody is told that it is dead.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import IO

from diagnostics.errors import LogWriteError
from diagnostics.file_locks import is_locked, lock
from lenet.errors import reason_of
from lenet.regular_files import open_regular

log = logging.getLogger("lenet-diag")


def real_path(path: Path) -> Path:
    """The path of the file itself, where ``path`` is a symbolic link to it."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def lock_path(log: Path) -> Path:
    """Where the lock of a log's name lies."""
    return log.parent / f"{log.name}.lock"


class WriterLock:
    """Held from before a log is made until it is closed; a second writer is refused with LogWriteError.

    Where the file system has no locks nothing is held, and one warning says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = lock_path(path)
        self._name = self._file = -1
        try:
            self._take_name(path)
        except BlockingIOError:
            writer = os.read(self._name, 60).decode("ascii", "replace") or "unknown"
            self.forget()
            if writer == f"process {os.getpid()}":
                raise LogWriteError(
                    f"{path} is being written by this process already; close that run, or give another path"
                ) from None
            raise LogWriteError(f"{path} is being written by another process ({writer}); give another path") from None
        except OSError as error:
            self.forget()
            raise LogWriteError(f"{self._path}: cannot be written: {reason_of(error)}") from None
        if is_written(path):
            self.release()
            raise LogWriteError(f"{path} is being written by another process, under another name; give another path")

    def _take_name(self, path: Path) -> None:
        while True:
            self._name = open_regular(self._path, os.O_RDWR | os.O_CREAT, follow=False)
            if not lock(self._name):
                self.forget()
                self._path.unlink(missing_ok=True)
                _warn_once(path.parent)
                return
            if self._is_current():
                break
            self.forget()  # another writer removed this file between open and lock
        os.truncate(self._name, 0)
        os.write(self._name, f"process {os.getpid()}".encode())

    def hold(self, file: IO[bytes]) -> None:
        """From now on this open and locked file is the one that is written, whatever its name will be."""
        self._file = os.dup(file.fileno())  # the lock belongs to both, until both are closed

    def holds(self, path: Path) -> bool:
        """Whether the file that is written is the one at ``path``: it was neither removed nor replaced."""
        try:
            ours, there = os.fstat(self._file), path.stat()
        except OSError:
            return False
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)

    def release(self) -> None:
        """Remove the lock file and give up the locks."""
        if self._name >= 0:
            self._path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close the descriptors only: in a forked child, the parent keeps the locks."""
        for descriptor in (self._name, self._file):
            if descriptor >= 0:
                os.close(descriptor)
        self._name = self._file = -1

    def _is_current(self) -> bool:
        try:
            return os.fstat(self._name).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False


def has_writer(path: Path) -> bool:
    """Whether a living process writes this log, or is about to write or repair it, as far as locks tell."""
    return bool(is_written(path)) or bool(_is_locked(lock_path(real_path(path)), follow=False))


def is_written(path: Path) -> bool | None:
    """Whether a living process writes the very file at ``path``; None where that cannot be told."""
    return _is_locked(path, follow=True)


def _is_locked(path: Path, follow: bool) -> bool | None:
    try:
        descriptor = open_regular(path, follow=follow)
    except OSError:
        return False
    try:
        return is_locked(descriptor)
    finally:
        os.close(descriptor)


_warned: set[int] = set()


def _warn_once(folder: Path) -> None:
    """Say that a file system has no locks, once for each of them."""
    with contextlib.suppress(OSError):
        device = folder.stat().st_dev
        if device not in _warned:
            _warned.add(device)
            log.warning(
                "%s: its file system has no locks: see to it yourself that no two trainings write one log, and know "
                "that nobody can tell from a log there whether it is being written",
                folder,
            )
