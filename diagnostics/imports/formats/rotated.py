"""Logs that were rotated while they were written: ``train.log`` goes on where ``train.log.1`` ended."""

from __future__ import annotations

import re
from pathlib import Path

OLDER = re.compile(r"(?P<name>.+)\.(?P<number>\d{1,3})(?:\.gz)?")


def older_parts(path: Path) -> list[Path]:
    """The parts of a log before the one in this file, the oldest first."""
    numbered: dict[int, Path] = {}
    for one in sorted(path.parent.glob("*.*")):
        if (found := OLDER.fullmatch(one.name)) and found["name"] == path.name and one.is_file():
            numbered.setdefault(int(found["number"]), one)
    parts: list[Path] = []
    while (number := len(parts) + 1) in numbered:
        parts.append(numbered[number])
    return parts[::-1]
