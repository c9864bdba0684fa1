"""Logs that were rotated while they were written: ``train.log`` goes on where ``train.log.1`` ended."""

from __future__ import annotations

from pathlib import Path


def older_parts(path: Path) -> list[Path]:
    """The parts of a log before the one in this file, the oldest first; they may be packed with gzip."""
    parts: list[Path] = []
    while True:
        name = f"{path.name}.{len(parts) + 1}"
        part = next((one for one in (path.with_name(name), path.with_name(f"{name}.gz")) if one.is_file()), None)
        if part is None:
            return parts[::-1]
        parts.append(part)
