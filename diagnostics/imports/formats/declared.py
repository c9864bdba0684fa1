"""What a format declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diagnostics.imports.metrics import LoggedMetrics


@dataclass(frozen=True)
class ImportFormat:
    """A format of another tool's log.

    ``name``: its name in messages.
    ``recognises``: whether a file is of this format, by its path and its first bytes, unpacked; b"" for a folder.
    ``read``: the metrics of each run in a file. It raises ValueError, or what its parser raises, for a damaged one.
    """

    name: str
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path], list[LoggedMetrics]]
