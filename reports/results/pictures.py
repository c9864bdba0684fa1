"""Writes the figures of a page as PNG files into ``figures/`` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from diagnostics.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_pictures(page: Path, figures: Mapping[str, Figure | None]) -> list[str]:
    """Write the figures that there are; returns their names, by which the template shows them."""
    from reports.figures.style import png

    drawn = {name: figure for name, figure in figures.items() if figure is not None}
    for name, figure in drawn.items():
        write_bytes(page.parent / "figures" / f"{page.stem}-{name}.png", png(figure))
    return list(drawn)
