"""What a loop prints, saved as text: lines that name numbers, such as "Epoch 3 step 120 loss 0.43 acc 0.88".

The words before a number name it, and ``:``, ``=``, blanks, quotes or brackets may stand between. A line that names no
step or epoch has those of the line before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.epochs_below import number_by_lines_below
from diagnostics.imports.formats.headings import with_headings
from diagnostics.imports.formats.printed_line import PrintedLine, is_other_loss
from diagnostics.imports.formats.rotated import older_parts
from diagnostics.imports.formats.second_bars import with_second_bars_as_validations
from diagnostics.imports.formats.unnamed_epochs import number_epochs
from diagnostics.imports.metrics import LoggedMetrics, RowsAre, SeriesBuilder

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NAMES = re.compile(
    r"loss|acc|nll|cost|epoch|step|iter|lr|learn|ppl|perplexity|top|prec|validation score|objective|images|trl|tel:",
    re.IGNORECASE,
)
"""What a line has to name for its numbers to be looked for."""
OTHER_ENDINGS = (
    ".csv", ".tsv", ".json", ".md", ".rst", ".tex", ".html", ".py", ".ipynb", ".sh", ".js", ".cpp", ".yaml", ".yml",
)  # fmt: skip
"""Endings of names of which no file is what a loop printed."""
SETTINGS = ("Namespace(", "namespace(")
LEAST_LOSSES, LEAST_WITHOUT_PLACE, LEAST_VALIDATED, LEAST_NUMBERS = 2, 10, 3, 3


def recognises(path: Path, head: bytes) -> bool:
    """Whether some lines of a text name a loss: two where steps or epochs are named, else ten.

    Three losses are enough if a validation follows each of them.
    """
    return not path.name.lower().removesuffix(".gz").endswith(OTHER_ENDINGS) and is_printed(text_of(head))


def is_printed(text: str) -> bool:
    """Whether some lines of a text name a loss, as :func:`recognises` says."""
    if "\0" in text:
        return False
    losses, is_placed = 0, False
    lines: list[PrintedLine] = []
    for line in _lines(text):
        losses += line.has_loss or line.has_other_loss
        is_placed = is_placed or line.epoch is not None or line.step is not None
        if losses >= (LEAST_LOSSES if is_placed else LEAST_WITHOUT_PLACE):
            return True
        lines.append(line)
    return losses >= LEAST_VALIDATED and bool(number_epochs(lines))


def read(path: Path) -> list[LoggedMetrics]:
    """The run that a text tells of. Beside lines with steps, a line of training without one has means of its epoch."""
    parts = older_parts(path)
    told = (f"the log begins in {', '.join(part.name for part in parts)}, which {path.name} continues",)
    found = metrics_of_text("\n".join(text_of(content(part)) for part in [*parts, path]))
    return [replace(one, told=(*told, *one.told)) for one in found] if parts else found


def metrics_of_text(text: str) -> list[LoggedMetrics]:
    """The run that a text tells of; none where it names no number."""
    found = list(_lines(text))
    told = (*with_second_bars_as_validations(found), *number_epochs(found), *number_by_lines_below(found))
    count_samples = _count_samples(found)
    lines = list(_with_epochs(found))
    have_steps = any(line.step is not None and line.has_loss for line, _ in lines)
    first_epoch = min((epoch for _, epoch in lines if not math.isnan(epoch)), default=0.0)
    per_epoch, first_step = (None, 0) if count_samples else _steps_an_epoch(lines)
    series = SeriesBuilder()
    step = part = math.nan
    for place, (line, epoch) in enumerate(lines):
        if line.counts_samples:
            part = epoch - first_epoch + (line.step or 0) / (line.of or 1)
        elif line.step is not None:
            step = line.step + (epoch - first_epoch) * per_epoch if per_epoch else line.step
        of_step, of_epoch = (math.nan, part) if count_samples else (step, epoch)
        for name, number in line.numbers.items():
            is_mean = have_steps and line.step is None and _is_training(name)
            series.add(f"{name}_epoch" if is_mean else name, number, of_step, of_epoch, place)
    metrics = {
        name: one
        for name, one in series.build().items()
        if meaning_of(name) or is_other_loss(name) or len(one) >= LEAST_NUMBERS
    }
    has_whole_epochs = bool(lines) and lines[-1][1] % 1 == 0
    rows: RowsAre = "means" if has_whole_epochs and not have_steps else "steps"
    settings = {"steps_per_epoch": per_epoch} if per_epoch else {}
    return [LoggedMetrics(metrics, "", settings, rows=rows, first_step=first_step, told=told)] if metrics else []


def _count_samples(lines: list[PrintedLine]) -> bool:
    """Whether the places of the training are parts of epochs. If only some are, these are dropped."""
    placed = [line for line in lines if line.step is not None and line.is_of_training]
    if any(line.counts_samples for line in placed) and all(line.counts_samples for line in placed):
        return True
    for line in lines:
        if line.counts_samples:
            line.step, line.of, line.counts_samples = None, None, False
    return False


def _with_epochs(lines: Iterable[PrintedLine]) -> Iterator[tuple[PrintedLine, float]]:
    """The lines, each with its epoch: the one that it names, or the one of the line before; NaN before the first."""
    epoch = math.nan
    for line in lines:
        epoch = epoch if line.epoch is None else line.epoch
        yield line, epoch


def _lines(text: str) -> Iterator[PrintedLine]:
    """The lines that name a number, or the epoch or the step of those below."""
    for one in with_headings(re.split(r"[\r\n]+", CODES.sub("", text))):
        if NAMES.search(one) and not any(word in one for word in SETTINGS):
            line = PrintedLine.read(one)
            if line.numbers or line.epoch is not None or line.is_heading:
                yield line


def _is_training(name: str) -> bool:
    meaning = meaning_of(name)
    return meaning is not None and meaning.data == "train"


def _steps_an_epoch(lines: list[tuple[PrintedLine, float]]) -> tuple[int | None, int]:
    """The steps of an epoch, where each line says the same and steps begin anew; and the number of the first step."""
    placed = [(epoch, line.step, line.of) for line, epoch in lines if line.step is not None and line.is_of_training]
    steps, ends = [step for _, step, _ in placed], {of for _, _, of in placed}
    end = ends.pop() if len(ends) == 1 else None
    begins_anew = any(later[0] >= earlier[0] + 1 and later[1] <= earlier[1] for earlier, later in pairwise(placed))
    counts_from_1 = bool(steps) and (min(steps) == 1 or (min(steps) > 0 and max(steps) == end))
    return end if begins_anew else None, int(counts_from_1)


FORMAT = ImportFormat("printed text", recognises, read)
