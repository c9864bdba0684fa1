"""Opening HDF5 files, also where the file system has no locks."""

from __future__ import annotations

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
