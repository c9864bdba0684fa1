"""JSON lines: one object a line, as many loggers write them (wandb-history.jsonl among them); gzip too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diagnostics.imports.columns import is_loss
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.json_series import are_counted
from diagnostics.imports.formats.listed import as_list
from diagnostics.imports.formats.printed_text import metrics_of_text
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import of_records

TEXTS = ("message", "msg", "log", "text")
"""The keys below which loggers and containers write what a program prints."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the first line is a whole JSON object; one with lists needs a second line that is one, too."""
    first, _, more = text_of(head).lstrip().partition("\n")
    record, second = _object(first), more.lstrip().partition("\n")[0]
    return isinstance(record, Mapping) and (not _has_lists(record) or isinstance(_object(second), Mapping))


def read(path: Path) -> list[LoggedMetrics]:
    """The run in a file. Lines that are no object, such as one that was cut short, are left out.

    Where no key is that of a loss, the texts that the lines hold are read as what a loop prints.
    """
    lines = (_object(line) for line in text_of(content(path)).splitlines() if line.strip())
    records = [line for line in lines if isinstance(line, Mapping)]
    found = of_records(_on_steps(records), first_line=1)
    if any(is_loss(name) for one in found for name in one.series):
        return found
    texts = (one[key] for one in records for key in TEXTS if isinstance(one.get(key), str))
    return metrics_of_text("\n".join(texts)) or found


def _on_steps(records: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records with the steps of validations that MMEngine writes with the number of their epoch as step."""
    placed: list[Mapping[str, Any]] = []
    last: Mapping[str, Any] = {}
    for one in records:
        if "epoch" in one and "step" in one:
            last = one
        elif last and "epoch" not in one and one.get("step") == last["epoch"] and "loss" not in one:
            one = {**one, "step": last["step"], "epoch": last["epoch"], "mode": "val"}
        placed.append(one)
    return placed


def _has_lists(record: Mapping[str, Any]) -> bool:
    """Whether an object has lists, or objects whose keys are steps or epochs, as a whole document has."""
    inside = (as_list(one) is not None or (isinstance(one, Mapping) and _has_lists(one)) for one in record.values())
    return are_counted(record) or any(inside)


def _object(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


FORMAT = ImportFormat("JSON lines", recognises, read)
