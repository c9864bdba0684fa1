"""What a loop prints, saved as text: lines that name numbers, such as "Epoch 3 step 120 loss 0.43 acc 0.88".

The words before a number name it, and ``:``, ``=``, blanks, quotes or brackets may stand between. A line that names no
step or epoch has those of the line before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.printed_line import PrintedLine
from diagnostics.imports.metrics import LoggedMetrics, RowsAre, SeriesBuilder

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NAMES = re.compile(r"loss|acc|nll|cost|epoch|step|iter|lr|learning|top|prec", re.IGNORECASE)
"""What a line has to name for its numbers to be looked for."""
OTHER_ENDINGS = (
    ".csv", ".tsv", ".json", ".md", ".rst", ".tex", ".html", ".py", ".ipynb", ".sh", ".js", ".cpp", ".yaml", ".yml",
)  # fmt: skip
"""Endings of names of which no file is what a loop printed."""
SETTINGS = ("Namespace(", "namespace(")
LEAST_LOSSES, LEAST_NUMBERS = 2, 3


def recognises(path: Path, head: bytes) -> bool:
    """Whether two lines of a text name a loss of the training."""
    if b"\0" in head or path.name.lower().removesuffix(".gz").endswith(OTHER_ENDINGS):
        return False
    losses = (line for line in _lines(text_of(head)) if line.has_loss)
    return len([line for line, _ in zip(losses, range(LEAST_LOSSES), strict=False)]) == LEAST_LOSSES


def read(path: Path) -> list[LoggedMetrics]:
    """The run that a text tells of. Beside lines with steps, a line of training without one has means of its epoch."""
    lines = list(_lines(text_of(content(path))))
    have_steps = any(line.step is not None and line.has_loss for line in lines)
    count_samples = any(line.counts_samples for line in lines)
    first_epoch = min((line.epoch for line in lines if line.epoch is not None), default=0.0)
    series = SeriesBuilder()
    epoch = step = part = math.nan
    for place, line in enumerate(lines):
        epoch = epoch if line.epoch is None else line.epoch
        if line.counts_samples:
            part = epoch - first_epoch + (line.step or 0) / (line.of or 1)
        elif line.step is not None:
            step = line.step
        of_step, of_epoch = (math.nan, part) if count_samples else (step, epoch)
        for name, number in line.numbers.items():
            is_mean = have_steps and line.step is None and _is_training(name)
            series.add(f"{name}_epoch" if is_mean else name, number, of_step, of_epoch, place)
    found = {name: one for name, one in series.build().items() if meaning_of(name) or len(one) >= LEAST_NUMBERS}
    rows: RowsAre = "steps" if have_steps or math.isnan(epoch) or epoch != math.floor(epoch) else "means"
    per_epoch, first_step = (None, 0) if count_samples else _steps_an_epoch(lines)
    settings = {"steps_per_epoch": per_epoch} if per_epoch else {}
    return [LoggedMetrics(found, "", settings, rows=rows, first_step=first_step)] if found else []


def _lines(text: str) -> Iterator[PrintedLine]:
    """The lines that name a number, an epoch or a step."""
    for one in re.split(r"[\r\n]+", CODES.sub("", text)):
        if NAMES.search(one) and not any(word in one for word in SETTINGS):
            line = PrintedLine.read(one)
            if line.numbers or line.epoch is not None:
                yield line


def _is_training(name: str) -> bool:
    meaning = meaning_of(name)
    return meaning is not None and meaning.data == "train"


def _steps_an_epoch(lines: list[PrintedLine]) -> tuple[int | None, int]:
    """The steps of an epoch, where each line says the same and steps begin anew; and the number of the first step."""
    placed = [(line.step, line.of) for line in lines if line.step is not None and line.is_of_training]
    steps, ends = [step for step, _ in placed], {of for _, of in placed}
    end = ends.pop() if len(ends) == 1 else None
    begins_anew = any(later < earlier for earlier, later in pairwise(steps))
    counts_from_1 = bool(steps) and (min(steps) == 1 or (min(steps) > 0 and max(steps) == end))
    return end if begins_anew else None, int(counts_from_1)


FORMAT = ImportFormat("printed text", recognises, read)
