"""Curves in characters: braille dots for the large ones, eight block heights for the small ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports.terminal.history import Array, Curve

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = "_.-:=+*#"
# The bit of each dot of a braille character, by its row and column (Unicode block U+2800).
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def plot(curve: Curve, width: int, height: int, low: float, high: float, plain: bool = False) -> list[str]:
    """``height`` lines of ``width`` characters; values outside ``low``..``high`` are drawn at the edge.

    Each column of dots covers the values from the smallest to the largest of
    its steps, joined to the column before. ``plain`` draws with ``*`` for
    terminals without braille.
    """
    if width < 1 or height < 1:
        return []
    columns, rows = 2 * width, 4 * height
    cells = curve.resampled(columns)
    dots = np.zeros((rows, columns), dtype=bool)
    top, bottom = _rows(cells.high, rows, low, high), _rows(cells.low, rows, low, high)
    before = -1
    for x in np.flatnonzero(np.isfinite(cells.mean)).tolist():
        first, last = int(top[x]), int(bottom[x])
        if before == x - 1 and x:
            first, last = min(first, int(bottom[before])), max(last, int(top[before]))
        dots[first : last + 1, x] = True
        before = x
    codes = (dots.reshape(height, 4, width, 2) * DOTS[None, :, None, :]).sum(axis=(1, 3))
    if plain:
        return ["".join("*" if c else " " for c in line) for line in codes.tolist()]
    return ["".join(chr(0x2800 + c) if c else " " for c in line) for line in codes.tolist()]


def trend(values: Array, width: int, low: float, high: float, plain: bool = False) -> str:
    """The values in ``width`` characters of eight heights; a blank where nothing is known."""
    blocks = PLAIN_BLOCKS if plain else BLOCKS
    n = len(values)
    if not n or width < 1:
        return " " * max(width, 0)
    shown = Curve(values, values, values).resampled(min(width, n)).high
    span = high - low if high > low else 1.0
    with np.errstate(invalid="ignore"):
        heights = np.clip((shown - low) / span * len(blocks), 0, len(blocks) - 1)
    text = "".join(blocks[int(h)] if np.isfinite(h) else " " for h in heights.tolist())
    return text.ljust(width)


def _rows(values: Array, rows: int, low: float, high: float) -> NDArray[np.int64]:
    span = high - low if high > low else 1.0
    with np.errstate(invalid="ignore"):
        share = np.clip((high - np.nan_to_num(values, nan=low)) / span, 0.0, 1.0)
    return np.minimum(share * rows, rows - 1).astype(np.int64)
