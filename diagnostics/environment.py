"""Where and with what a run was made."""

from __future__ import annotations

import os
import platform
from typing import Any

from diagnostics.version import code_version


def environment(threads: int) -> dict[str, Any]:
    """Versions, machine, threads and process, for the header of a log."""
    import h5py

    return {
        **code_version(),
        "h5py": h5py.version.version,
        "hdf5": h5py.version.hdf5_version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "threads": threads,
        "pid": os.getpid(),
    }
