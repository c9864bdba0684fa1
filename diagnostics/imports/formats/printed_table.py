"""Tables that a training prints into its text: names, a line of dashes, and rows below.

skorch puts dashes below each name. MATLAB has names of two lines, and a stroke between the columns. A table that is
printed again, as for a second training, goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from diagnostics.imports.columns import is_epoch, is_loss, is_step
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.printed_line import is_other_loss
from diagnostics.imports.formats.printed_text import CODES, OTHER_ENDINGS, is_printed
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import metrics_of_table

BOXES = str.maketrans(
    {sign: "|" if sign in "│┃║┆┊" else "-" if sign in "─━═┄┈" else "+" for sign in map(chr, range(0x2500, 0x2580))}
)
"""The signs of which rich and others draw boxes, as the usual ones."""
OF_A_RULE = frozenset("-=_+|: \t")
DASHES = re.compile(r"[-=_]{2,}")
MOST_NAMES = 3
"""So many lines above the dashes may hold the names of the columns."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether some table of the text has a loss among its names, and a row."""
    return not path.name.lower().removesuffix(".gz").endswith(OTHER_ENDINGS) and has_table(text_of(head))


def has_table(text: str) -> bool:
    """Whether a text has a table with a loss among its names, and a row.

    One whose losses only the user can tell apart counts if no line names a loss.
    """
    rows = [] if "\0" in text else list(_rows(text))
    return any(any(map(is_loss, row)) for row in rows) or (bool(rows) and not is_printed(text))


def read(path: Path) -> list[LoggedMetrics]:
    """The run in the rows of a table. Without a step in it, a row an epoch holds means over epochs."""
    return metrics_of_tables(text_of(content(path)))


def metrics_of_tables(text: str) -> list[LoggedMetrics]:
    """The run in the tables of a text."""
    rows = list(_rows(text))
    rows = [row for row in rows if any(map(is_loss, row))] or rows
    frame = pd.DataFrame(rows, dtype=object)
    has_epochs_alone = any(map(is_epoch, frame.columns)) and not any(map(is_step, frame.columns))
    return metrics_of_table(frame, rows="means" if has_epochs_alone else "steps")


def _rows(text: str) -> Iterator[dict[str, str]]:
    """The rows of the tables that have a loss, known or not, each with its cells by their names."""
    above: list[str] = []
    names: list[str] = []
    spans: list[tuple[int, int]] = []
    for line in re.split(r"\r?\n", CODES.sub("", text.translate(BOXES))):
        if OF_A_RULE.issuperset(line) and any(dashes in line for dashes in ("---", "===", "___")):
            if above:
                spans = _spans(line)
                names = _names(above, spans)
            above = []
            continue
        cells = _cells(line, spans)
        if names and len(cells) == len(names) and re.match(r"[-+]?\d", cells[0]):
            yield dict(zip(names, cells, strict=True))
            above = []
            continue
        names = [] if line.strip() and "|" not in line else names
        above = [*above, line][-MOST_NAMES:] if line.strip() else []


def _spans(rule: str) -> list[tuple[int, int]]:
    """Where the columns stand between which the dashes leave blanks; none where there are strokes, or one column."""
    ends = [found.end() for found in DASHES.finditer(rule)]
    return [] if {"|", "+"} & {*rule} or len(ends) < 2 else list(zip([0, *ends], ends, strict=False))


def _cells(line: str, spans: list[tuple[int, int]]) -> list[str]:
    """The cells of a line: what stands above or below the dashes, or between the strokes."""
    if spans:
        return [line[first:end].strip() for first, end in spans]
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if "|" in line else []


def _names(above: list[str], spans: list[tuple[int, int]]) -> list[str]:
    """The names in the lines above the dashes, those of a column joined; none where no loss is among them."""
    lines = [cells for line in above if (cells := _cells(line, spans))]
    lines = [cells for cells in lines if len(cells) == len(lines[-1])][-2 if not spans else -1 :] if lines else []
    names = [" ".join(filter(None, parts)) for parts in zip(*lines, strict=True)]
    return (
        names if any(is_loss(name) or is_other_loss(name) for name in names) and len(set(names)) == len(names) else []
    )


FORMAT = ImportFormat("printed table", recognises, read)
