"""The epochs of printed lines that name none: by the bars of tqdm, or by lines that each have a validation."""

from __future__ import annotations

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.formats.printed_line import PrintedLine

BY_BARS = "no line names an epoch: a new one is counted where a bar begins anew"
BY_VALIDATIONS = "no line names an epoch or a step: each line, with a validation, is taken as an epoch"


def number_epochs(lines: list[PrintedLine]) -> tuple[str, ...]:
    """Give lines their epochs, counted from 1, if none of them names one; in words, if any was given."""
    if any(line.epoch is not None for line in lines):
        return ()
    with_loss = [line for line in lines if line.has_loss]
    if with_loss and all(map(is_of_an_epoch, with_loss)) and all(line.step is None for line in lines):
        for number, line in enumerate(with_loss, 1):
            line.epoch = number
        return (BY_VALIDATIONS,)
    return _by_bars(lines)


def is_of_an_epoch(line: PrintedLine) -> bool:
    """Whether a line has the loss of the training and that of a validation, as those of epochs do."""
    means = [meaning for name in line.numbers if (meaning := meaning_of(name)) is not None]
    return line.has_loss and any(one.quantity == "loss" and one.data == "validation" for one in means)


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
