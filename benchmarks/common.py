"""What the benchmarks share: the commit, the machine, medians with their spread, and pages made from templates."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parent


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


def render(template: str, content: Mapping[str, Any]) -> str:
    """A Markdown page: a template of this folder, filled. Raises UndefinedError where ``content`` lacks something."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, from numbers and names of our own
    )
    return environment.get_template(template).render(content)
