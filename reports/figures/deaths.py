"""Rescues of many deaths: how many branches of an arm lived, and from which moment on all branches died."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.rescue.over_deaths import Share
from reports.figures import style

Rows = Sequence[tuple[str, Share]]
MARKS = "large: mean over deaths with 95 % interval, small: each death"


def draw(rows: Rows, axes: Axes, words: str, colours: tuple[str, str]) -> None:
    """A row a share: a small dot a death, the mean over deaths as a large one with its interval.

    ``colours``: of the first row and of all others.
    """
    for i, (_, share) in enumerate(rows):
        colour = colours[min(i, 1)]
        axes.plot(
            share.by_death, [i + 0.22] * len(share.by_death), ".", color=colour, alpha=0.35, markersize=5, clip_on=False
        )
        style.share_dot(axes, i, share.mean, share.interval, colour)
        axes.annotate(f"{share.count} of {share.runs}", (1.04, i), va="center", fontsize=8.5, annotation_clip=False)
    style.share_rows(axes, [title for title, _ in rows], words)


@style.styled
def arms_over_deaths_figure(rows: Rows) -> Figure:
    """The shares of the branches that lived, the control first."""
    figure = style.new_figure(0.9 + 0.4 * len(rows))
    draw(rows, figure.subplots(), f"branches that lived; {MARKS}", (style.BLACK, style.BLUE))
    return figure


@style.styled
def no_return_over_deaths_figure(rows: Rows) -> Figure:
    """The shares of the branches without a change that died, by the moment at which they began."""
    figure = style.new_figure(0.9 + 0.4 * len(rows))
    draw(rows, figure.subplots(), f"branches that died; {MARKS}", (style.VERMILLION, style.VERMILLION))
    return figure
