"""What a notebook shows of a model and of a layer: a small table, without any library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

BARS = "▁▂▃▄▅▆▇█"
CELL = "padding: 0.1rem 0.9rem 0.1rem 0; text-align: left; vertical-align: top;"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A fragment of HTML with a title and a table below it; every text is escaped."""
    head = _cells("th", columns)
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return (
        f'<div><div style="margin: 0.2rem 0;"><strong>{escape(title)}</strong></div>'
        f'<table style="border-collapse: collapse;"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def share_bar(share: float) -> str:
    """A share from 0 to 1 as a bar of at most 16 characters; one that is not 0 has at least one."""
    return "█" * (max(1, round(16 * share)) if share > 0 else 0)


def histogram_line(values: NDArray[np.floating]) -> str:
    """How the finite values are spread, from the smallest to the largest, as one line; "" where none is finite."""
    finite = values[np.isfinite(values)].astype(float)
    if not finite.size:
        return ""
    counts, _ = np.histogram(finite, 24)
    return "".join(BARS[int(np.ceil(count / counts.max() * (len(BARS) - 1)))] for count in counts)


def shape_words(shape: Sequence[int]) -> str:
    """A shape such as 28 × 28 × 6."""
    return " × ".join(map(str, shape))


def _cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f'<{tag} style="{CELL}">{escape(text)}</{tag}>' for text in texts)
