"""What HDF5 needs to be told, and what it tells: files without locks, and errors in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py


def open_hdf5(path: Path, mode: str = "r", **options: Any) -> h5py.File:
    """The file as h5py opens it with these options.

    HDF5 locks every file that it opens and fails where there are no locks. Then it is opened without: a log has locks
    of its own, or none can be had. All who open one file in one process have to ask for the same kind of locking,
    so HDF5's own way comes first.
    """
    try:
        return h5py.File(path, mode, **options)
    except OSError as error:
        if "lock file" not in str(error):
            raise
        return h5py.File(path, mode, **options, locking=False)


def reason_in_a_line(error: BaseException) -> str:
    """The reason of an error without HDF5's stack of calls."""
    number = getattr(error, "errno", None)
    if number:
        return os.strerror(number).lower()
    text = " ".join(str(error).split())
    for code in (28, 27, 122, 5, 30):  # no space, file too large, quota, input/output, read-only
        if f"errno = {code}," in text:
            return os.strerror(code).lower()
    return text[:200]
