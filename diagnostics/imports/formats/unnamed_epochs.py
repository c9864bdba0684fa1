"""The epochs of printed lines that name none: by the bars of tqdm, or by the validation behind each loss."""

from __future__ import annotations

from itertools import pairwise

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.formats.printed_line import PrintedLine

BY_BARS = "no line names an epoch: a new one is counted where a bar begins anew"
BY_VALIDATIONS = "no line names an epoch or a step: each loss, with a validation, is taken as that of an epoch"


def number_epochs(lines: list[PrintedLine]) -> tuple[str, ...]:
    """Give lines their epochs, counted from 1, if none of them names one; in words, if any was given."""
    if any(line.epoch is not None for line in lines):
        return ()
    first, *others = [place for place, line in enumerate(lines) if line.has_loss] or [len(lines)]
    parts = [lines[begin:end] for begin, end in pairwise([first, *others, len(lines)])]
    if others and all(map(_is_validated, parts)) and all(line.step is None for line in lines):
        for number, part in enumerate(parts, 1):
            part[0].epoch = number
        return (BY_VALIDATIONS,)
    return _by_bars(lines)


def _is_validated(lines: list[PrintedLine]) -> bool:
    """Whether one of the lines has a number of a validation."""
    means = [meaning_of(name) for line in lines for name in line.numbers]
    return any(one is not None and one.data == "validation" for one in means)


def _by_bars(lines: list[PrintedLine]) -> tuple[str, ...]:
    """Count epochs by the bars of the training.

    A bar is printed again and again, the last time twice. It begins anew where it is full and the next one is not, or
    where a line of the validation stands between the two.
    """
    epoch, last, is_validated = 1, None, False
    for line in lines:
        if line.is_bar and line.is_of_training and line.step is not None:
            is_full = last is not None and last.step == last.of == line.of
            epoch += is_full and (line.step != line.of or is_validated)
            line.epoch, last, is_validated = epoch, line, False
        is_validated = is_validated or not line.is_of_training
    return (BY_BARS,) if epoch > 1 else ()
