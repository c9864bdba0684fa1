"""Jupyter notebooks: what their cells printed, and the tables that fastai and Hugging Face show in them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diagnostics.imports.columns import is_loss
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.keras_progress import is_progress, metrics_of_progress
from diagnostics.imports.formats.printed_line import is_other_loss
from diagnostics.imports.formats.printed_table import has_table, metrics_of_tables
from diagnostics.imports.formats.printed_text import is_printed, metrics_of_text
from diagnostics.imports.metrics import LoggedMetrics

ROW, CELL = (re.compile(rf"<{tag}\b[^>]*>(.*?)</{tag}>", re.DOTALL | re.IGNORECASE) for tag in ("tr", "t[hd]"))
READERS: tuple[tuple[Callable[[str], bool], Callable[[str], list[LoggedMetrics]]], ...] = (
    (is_progress, metrics_of_progress),
    (has_table, metrics_of_tables),
    (is_printed, metrics_of_text),
)
"""How a text is recognised, and what reads it, in the order in which they are tried."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file is called a notebook."""
    return path.suffix.lower() == ".ipynb"


def read(path: Path) -> list[LoggedMetrics]:
    """The runs that the cells of a notebook tell of; those of several cells are called after the numbers of these."""
    document = json.loads(text_of(content(path)))
    cells = document.get("cells") if isinstance(document, Mapping) else None
    found = [
        (number, one)
        for number, cell in enumerate(cells or [], 1)
        for one in _metrics("".join(_printed(cell)))
        if any(is_loss(name) or is_other_loss(name) for name in one.series)
    ]
    if not found:
        raise ValueError("none of its cells shows a loss")
    if len({number for number, _ in found}) == 1:
        return [one for _, one in found]
    return [replace(one, name=f"cell-{number}") for number, one in found]


def _metrics(text: str) -> list[LoggedMetrics]:
    return next((metrics(text) for is_it, metrics in READERS if is_it(text)), [])


def _printed(cell: Mapping[str, Any]) -> Iterator[str]:
    """What a cell printed, and its tables as text."""
    for output in cell.get("outputs", ()):
        yield "".join(output.get("text", ()))
        html = "".join(output.get("data", {}).get("text/html", ()))
        for number, row in enumerate(CELL.findall(row) for row in ROW.findall(html)):
            yield f"| {' | '.join(cell.strip() for cell in row)} |\n"
            yield f"|{'---|' * len(row)}\n" if number == 0 else ""


FORMAT = ImportFormat("Jupyter notebook", recognises, read)
