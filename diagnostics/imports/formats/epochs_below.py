"""The epochs of printed steps that are named below them, as in what the paper's code and ``train`` print."""

from __future__ import annotations

from diagnostics.imports.formats.printed_line import PrintedLine

BY_LINES_BELOW = "steps are taken to be of the epoch that a line below them names"


def number_by_lines_below(lines: list[PrintedLine]) -> tuple[str, ...]:
    """Give steps the epoch that the next line with one names; in words, if any was given.

    This needs a step above the first epoch, no line that names both, and a loss beside each epoch. Steps below the last
    such line are of the epoch after it. Steps of a validation that begin anew count its batches, and are left out.
    """
    named = [line for line in lines if line.epoch is not None]
    first = next((line for line in lines if line.epoch is not None or _is_step(line)), None)
    if not named or first is named[0] or any(line.step is not None or not line.has_loss for line in named):
        return ()
    epoch = (named[-1].epoch or 0) + 1
    for line in reversed(lines):
        epoch = epoch if line.epoch is None else line.epoch
        if _is_step(line):
            line.epoch = epoch
    step = 0.0
    for line in lines:
        if _is_step(line):
            step = line.step or 0
        elif line.step is not None and line.step < step:
            line.step = None
    return (BY_LINES_BELOW,)


def _is_step(line: PrintedLine) -> bool:
    return line.step is not None and line.is_of_training
