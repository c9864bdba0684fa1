"""Writes files that another machine has made as safely as files that are made here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from diagnostics.errors import LogWriteError
from diagnostics.files import write_bytes


def put_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file under its name, whole or not at all: beside it first, onto the disk, and then renamed.

    Args:
        folder: where they go; made where it is missing.
        files: their contents, by their paths within the folder, in the order in which they are to be written.

    Raises:
        LogWriteError: a path leads out of the folder, or cannot be written.
        NotReplacedError: something other than a regular file stands there.
    """
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise LogWriteError(f"{folder}: a worker has sent a file named {name!r}, which is outside this folder")
    for name, content in files.items():
        write_bytes(folder.joinpath(*PurePosixPath(name).parts), content)
