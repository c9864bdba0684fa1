"""Rows of a CSV file that have more cells than its first line has names, so that numbers may stand below wrong names.

R writes the name of each row before its cells and no name above them. Other programs forget a name, or add a cell.
"""

from __future__ import annotations

import csv

LOOKED_AT = 100
"""Lines by which it is decided."""


def wide_rows(text: str, separator: str) -> tuple[tuple[str, ...], str]:
    """A sentence about rows that are too wide, () where there are none; and the text, with a name for the rows of R.

    text: the file from its line of names on.
    separator: what stands between its cells; more than one sign for blanks.
    """
    lines = [line for line in text.split("\n", LOOKED_AT + 1)[: LOOKED_AT + 1] if line.strip()]
    if len(lines) < 2:
        return (), text
    try:
        names, *rows = _cells(lines, separator)
    except csv.Error:  # a cell that is too long
        return (), text
    beyond = [row for row in rows if any(cell.strip() for cell in row[len(names) :])]
    if 2 * len(beyond) <= len(rows):
        return (), text
    widest = max(map(len, beyond))
    if widest == len(names) + 1 and all(line.startswith('"') for line in lines):
        return (), text.replace(lines[0], f'"row"{" " if len(separator) > 1 else separator}{lines[0]}', 1)
    told = f"its rows have up to {widest} cells, its first line {len(names)} names: numbers may stand below wrong names"
    return (told,), text


def _cells(lines: list[str], separator: str) -> list[list[str]]:
    return [line.split() for line in lines] if len(separator) > 1 else [*csv.reader(lines, delimiter=separator)]
