"""Bars of a validation that no word calls so: the second bar of an epoch, with another number of batches."""

from __future__ import annotations

from diagnostics.imports.formats.printed_line import PrintedLine

TOLD = "a second bar of an epoch, with another number of batches, is taken as that of the validation"


def with_second_bars_as_validations(lines: list[PrintedLine]) -> tuple[str, ...]:
    """Call the numbers of second bars "val " and their name; in words, if there are any."""
    epoch: float | None = None
    batches: int | None = None
    told: tuple[str, ...] = ()
    for line in lines:
        if line.epoch is not None and line.epoch != epoch:
            epoch, batches = line.epoch, None
        if not (line.is_bar and line.is_of_training):
            continue
        batches = batches or line.of
        if line.of != batches:
            line.numbers = {f"val {name}": number for name, number in line.numbers.items()}
            line.step = line.of = None
            told = (TOLD,)
    return told
