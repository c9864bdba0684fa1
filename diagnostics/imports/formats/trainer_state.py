"""``trainer_state.json`` of the Hugging Face trainer: losses are means over ``logging_steps`` steps, counted from 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

SETTINGS = ("train_batch_size", "max_steps", "num_train_epochs", "logging_steps")
SUMMARY = "train_runtime"
"""The entry that holds this is the summary at the end, whose loss is that of the whole training."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file is JSON and has a history of what was logged."""
    begins = text_of(head).lstrip().startswith("{")
    return begins and (path.name.startswith("trainer_state.json") or b'"log_history"' in head)


def read(path: Path) -> list[LoggedMetrics]:
    """The run of a trainer state."""
    state = json.loads(text_of(content(path)))
    history = state.get("log_history") if isinstance(state, Mapping) else None
    if not isinstance(history, list):
        raise ValueError("is a trainer state without log_history")
    series = SeriesBuilder()
    for entry in history:
        if isinstance(entry, Mapping) and SUMMARY not in entry:
            for name, value in entry.items():
                if name not in ("step", "epoch"):
                    series.add(str(name), value, entry.get("step"), entry.get("epoch"))
    settings = {name: state[name] for name in SETTINGS if isinstance(state.get(name), int | float)}
    return [LoggedMetrics(series.build(), "", settings, rows="means", first_step=1)]


FORMAT = ImportFormat("Hugging Face trainer state", recognises, read)
