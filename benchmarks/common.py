"""What the benchmarks share: the commit they ran at, the machine, and medians with their spread."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent


def commit() -> str:
    """The commit the working tree is at, with a plus sign where it has uncommitted changes."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        dirty = git("status", "--porcelain", "--untracked-files=no", "lenet", "diagnostics", "benchmarks")
        return git("rev-parse", "--short", "HEAD") + ("+" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    """Processor, cores, Python and NumPy in one line."""
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def milliseconds(seconds: Sequence[float]) -> str:
    """Median and 10-90 % range."""
    low, high = np.percentile(seconds, [10, 90])
    return f"{statistics.median(seconds) * 1e3:.2f} ({low * 1e3:.2f}-{high * 1e3:.2f})"
