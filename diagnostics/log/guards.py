"""Guards against a failed write, a full disk and a fork."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

LOW_SPACE = 8_000_000


def free_space(path: Path) -> float:
    """Bytes that may still be written beside ``path``; infinite where the platform does not tell."""
    if not hasattr(os, "statvfs"):
        return float("inf")
    try:
        status = os.statvfs(path)
    except OSError:
        return float("inf")
    return float(status.f_bavail * status.f_frsize)


def poison(descriptor: int) -> None:
    """Send whatever HDF5 still writes through this descriptor to nowhere.

    After a failed write HDF5 keeps retrying what it could not write, until it
    crashes at exit, or succeeds later with wrong data. What is in the file stays.
    """
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


class Forkable(Protocol):
    """Something that must be made harmless in a forked child."""

    def after_fork_in_child(self) -> None:
        """Called in the child."""


_open: WeakSet[Any] = WeakSet()


def watch_forks(writer: Forkable) -> None:
    """From now on ``writer`` is told when it finds itself in a forked child."""
    _open.add(writer)


def _after_fork() -> None:
    for writer in list(_open):
        writer.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # platforms that cannot fork need no guard
    os.register_at_fork(after_in_child=_after_fork)
