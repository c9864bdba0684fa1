"""``trainer_state.json`` of the Hugging Face trainer: losses are means over ``logging_steps`` steps, counted from 1.

The folder that the trainer writes into is read as well. It has folders such as ``checkpoint-500``. The state in each of
them has the whole history up to its step, so that the last one is that of the run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

STATE = "trainer_state.json"
CHECKPOINT = "checkpoint-"
SETTINGS = ("train_batch_size", "max_steps", "num_train_epochs", "logging_steps")
SUMMARY = "train_runtime"
"""The entry that holds this is the summary at the end, whose loss is that of the whole training."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file is JSON and has a history of what was logged, or a folder holds such files."""
    if path.is_dir():
        return _state_in(path) is not None
    begins = text_of(head).lstrip().startswith("{")
    return begins and (path.name.startswith(STATE) or b'"log_history"' in head)


def read(path: Path) -> list[LoggedMetrics]:
    """The run of a trainer state, or of the last one in a folder."""
    file = _state_in(path) or path
    state = json.loads(text_of(content(file)))
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
    told = (f"its history is that of {file.relative_to(path)}, the last one",) if file != path else ()
    return [LoggedMetrics(series.build(), "", settings, rows="means", first_step=1, told=told)]


def _state_in(folder: Path) -> Path | None:
    """The state in a folder of the trainer, or else the one in its checkpoint with the largest step; None without one.

    A state without a checkpoint or the settings of a model beside it may lie in a folder with logs of other runs.
    """
    own, found = folder / STATE, [one for one in folder.glob(f"{CHECKPOINT}*/{STATE}") if _step_of(one) >= 0]
    if own.is_file() and (found or any(folder.glob("*config.json"))):
        return own
    return max(found, key=_step_of, default=None)


def _step_of(state: Path) -> int:
    step = state.parent.name.removeprefix(CHECKPOINT)
    return int(step) if step.isdecimal() else -1


FORMAT = ImportFormat("Hugging Face trainer state", recognises, read)
