"""The figures of a page as PNG files in ``figures/`` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from diagnostics.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_pictures(page: Path, figures: Mapping[str, Figure | None]) -> list[str]:
    """Write the figures that there are; their names, which say to the template what it can show."""
    from reports.figures.style import png

    drawn = {name: figure for name, figure in figures.items() if figure is not None}
    for name, figure in drawn.items():
        write_bytes(page.parent / "figures" / f"{page.stem}-{name}.png", png(figure))
    return list(drawn)
