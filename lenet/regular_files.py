"""Tells regular files from links, devices, FIFOs, sockets and folders.

Only regular files are replaced, and only regular files are opened: opening a FIFO waits for ever, and replacing a
device node removes the device from the whole machine.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from lenet.errors import NotRegularError

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def obstacle(path: Path | str | os.PathLike[str]) -> str:
    """The kind of file at ``path`` where it is no regular file, in words such as "a named pipe".

    Returns "" for a regular file and where nothing is there. A symbolic link counts as a link, whatever its target is.
    Raises OSError where the path cannot be looked at, but not where it does not exist.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def open_regular(path: Path | str | os.PathLike[str], flags: int = os.O_RDONLY, *, follow: bool = True) -> int:
    """The descriptor of a regular file, opened without ever waiting for the other end of a FIFO.

    path: the file. flags: those of :func:`os.open`; default to read. follow: whether a symbolic link is followed.
    Raises OSError, also where anything else than a regular file stands there.
    """
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    if found := obstacle(os.path.realpath(path) if follow else path):  # opening a device may have an effect
        raise NotRegularError(errno.EINVAL, f"is {found}, no regular file", str(path))
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0), 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError(errno.EINVAL, "is no regular file", str(path))
    return descriptor


def read_regular(path: Path | str | os.PathLike[str], most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes. Raises OSError for anything else."""
    with os.fdopen(open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"is larger than {most:,} bytes", str(path))
        return file.read(size)
