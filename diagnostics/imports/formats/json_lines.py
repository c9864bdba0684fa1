"""JSON lines: one object a line, as many loggers write them (wandb-history.jsonl among them); gzip too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import of_records


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first line is a whole JSON object, with single values and no lists."""
    first = _object(text_of(head).lstrip().partition("\n")[0])
    return isinstance(first, Mapping) and not any(isinstance(value, list) for value in first.values())


def read(path: Path) -> list[LoggedMetrics]:
    """The run in a file. Lines that are no object, such as one that was cut short, are left out."""
    lines = (_object(line) for line in text_of(content(path)).splitlines() if line.strip())
    return of_records([line for line in lines if isinstance(line, Mapping)], first_line=1)


def _object(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


FORMAT = ImportFormat("JSON lines", recognises, read)
