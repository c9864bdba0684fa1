"""Which code, libraries and machine made a result."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def code_version() -> dict[str, str]:
    """When and with what: "date", "version", "commit" ("" outside a git checkout), "python", "numpy", "cores"."""
    import numpy

    try:
        installed = version("lenet-diag")
    except PackageNotFoundError:
        installed = "not installed"
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "version": installed,
        "commit": commit(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "cores": str(os.cpu_count() or 1),
    }


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


@cache
def commit() -> str:
    """The commit of this checkout, with "+" where its code was changed since; "" where there is none.

    Asked once a process: a process goes on with the code it began with, and git takes longer than opening a log.
    """
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "lenet", "diagnostics")
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():  # installed inside somebody else's repository
        raise FileNotFoundError(".git")
    done = subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
