"""Folders for what a process of tests makes once and needs to its end; all are removed then."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.helpers.cost import ends


@cache
def _all() -> Path:
    folder = tempfile.mkdtemp(prefix="lenet-diag-tests-")
    ends.append(lambda: shutil.rmtree(folder, ignore_errors=True))
    return Path(folder)


def kept_folder(name: str) -> Path:
    """A new folder whose name begins with ``name``."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_all()))
