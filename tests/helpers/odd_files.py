"""What can stand at a path and is no regular file, made in temporary folders."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

CONTENT = b"what the link leads to"


def _link(path: Path) -> None:
    target = path.parent / f"target-of-{path.name}"
    target.write_bytes(CONTENT)
    path.symlink_to(target)


def _dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nothing-here")


def _socket(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # a socket's address has room for a hundred characters
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


ODD_FILES: dict[str, Callable[[Path], None]] = {
    "a symbolic link": _link,
    "a symbolic link that leads nowhere": _dangling_link,
    "a named pipe": os.mkfifo,
    "a socket": _socket,
}


def what_is_there(path: Path) -> tuple[int, int, str]:
    """Inode, mode and target of a link: equal before and after where nobody replaced it."""
    status = path.lstat()
    return status.st_ino, status.st_mode, str(path.readlink()) if path.is_symlink() else ""
