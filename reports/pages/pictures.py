"""Figures as pictures of a document."""

from __future__ import annotations

from collections.abc import Iterable

from reports.figures import style
from reports.figures.catalogue import CaptionedFigure
from reports.pages.document import Picture


def pictures(figures: Iterable[CaptionedFigure]) -> tuple[Picture, ...]:
    """The figures as PNG, each with its words."""
    return tuple(picture(one) for one in figures)


def picture(one: CaptionedFigure) -> Picture:
    """One figure as PNG."""
    width, height = one.figure.get_size_inches() * style.DPI
    return Picture(one.name, one.title, one.alt, one.caption, style.png(one.figure), round(width), round(height))
