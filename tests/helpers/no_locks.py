"""Processes for which file systems have no locks: a small library says so in the place of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
ROOT = Path(__file__).parents[2]
needs_compiler = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="needs Linux and a C compiler"
)


def without_locks(folder: Path, error: int, *, only_flock: bool = False) -> dict[str, str]:
    """The environment of a process in which taking or asking for a lock fails with ``error``."""
    library = folder / "no_locks.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    changed = {"LD_PRELOAD": str(library), "NO_LOCKS": str(error), **({"ONLY_FLOCK": "1"} if only_flock else {})}
    return {**os.environ, "PYTHONPATH": str(ROOT), **changed}
