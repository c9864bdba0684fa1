"""What a run was trained for, the loss of guessing in that task, and what its log does not have."""

from __future__ import annotations

import math

from diagnostics.run.run import Run
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import DEFAULT_TASK
from reports.text.numbers import number, percent


def task_words(run: Run) -> list[str]:
    """Lines for the terminal; none for a run of classes with cross-entropy that records everything."""
    lines = []
    if run.info.task != DEFAULT_TASK:
        lines.append(f"  {'task:':11} {run.info.task.words}; {guessing_words(run.info)}")
    if missing := not_recorded_words(run.info):
        lines.append(f"  {'log:':11} {missing}")
    return lines


def not_recorded_words(info: RunInfo) -> str:
    """What the training did not tell, such as "not recorded: gradients"; "" where nothing is missing."""
    return f"not recorded: {', '.join(info.not_recorded)}" if info.not_recorded else ""


def guessing_words(info: RunInfo) -> str:
    """The loss of guessing, and its accuracy where there are classes."""
    loss, accuracy = info.guessing
    if math.isnan(loss):
        return "the loss of guessing is not known"
    unit = f" {info.task.unit}" if info.task.unit else ""
    share = f", with an accuracy of {percent(accuracy)}" if not math.isnan(accuracy) else ""
    return f"guessing has a loss of {number(loss)}{unit}{share}"
