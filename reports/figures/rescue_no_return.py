"""The point of no return: the share of branches that died, by branch point, with the loss of the run above."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnostics.rescue.found import rescue_of
from diagnostics.rescue.results import RescueResult
from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.text.rescue import no_return_sentence

PLACE = Place("run", "tried", 40)
MARGIN = 10


@dataclass(frozen=True)
class NoReturn:
    """The share of control branches that died, by branch point, and the loss of the run around these points."""

    points: NDArray[np.float64]
    died: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    steps: NDArray[np.float64]
    losses: NDArray[np.float64]
    blow: int | None


def prepare(result: RescueResult, run: Run) -> NoReturn | None:
    """None where no branch point is done."""
    points = [point for point in result.points if point.interval is not None]
    if not points:
        return None
    first, last = points[0].step, points[-1].step + MARGIN
    part = run.between(max(0, first), last)
    intervals = np.array([point.interval for point in points], dtype=float)
    blow = run.diagnosis.blow
    return NoReturn(
        np.array([point.step for point in points], float),
        np.array([point.died / point.runs for point in points]),
        intervals[:, 0],
        intervals[:, 1],
        part.index["step"].astype(float),
        part.block(["data_loss"])[:, 0].astype(float),
        blow.step if blow is not None else None,
    )


def draw_loss(data: NoReturn, axes: Axes) -> None:
    """The loss of the logged run."""
    axes.plot(data.steps, data.losses, color=style.BLUE, linewidth=1.3)
    axes.set_ylabel("loss (nats)")
    _mark(data, axes)


def draw(data: NoReturn, axes: Axes) -> None:
    """Dots joined by a line, their intervals as a band; one half is marked."""
    axes.fill_between(data.points, data.low, data.high, color=style.VERMILLION, alpha=0.15, linewidth=0)
    axes.plot(data.points, data.died, "o-", color=style.VERMILLION, linewidth=1.5, markersize=5)
    axes.axhline(0.5, color=style.GREY, linewidth=0.8, linestyle=":")
    axes.set_ylim(-0.03, 1.05)
    style.share_axis(axes)
    axes.set_ylabel("branches that died")
    style.step_axis(axes)
    _mark(data, axes)


def _mark(data: NoReturn, axes: Axes) -> None:
    if data.blow is not None:
        axes.axvline(data.blow, **style.DIED)


@style.styled
def rescue_no_return_figure(result: RescueResult, run: Run) -> Figure | None:
    """The loss above, the share that died below, over the same steps; None where nothing is done."""
    data = prepare(result, run)
    if data is None:
        return None
    figure = style.new_figure(4.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.3])
    draw_loss(data, above)
    draw(data, below)
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none where no rescue was run."""
    result = rescue_of(run)
    figure = rescue_no_return_figure(result, run) if result is not None else None
    if result is not None and figure is not None:
        yield CaptionedFigure(
            "tried-4-no-return",
            "The point of no return",
            f"Share of unchanged branches that died, by the step they began at: {no_return_sentence(result)}.",
            "Below, each dot is a step from which the run was continued with other orders of the samples, and how many "
            "of these branches died. Where the line reaches 100 % the run was lost; above is the run's own loss, and "
            "the dotted line marks the blow.",
            figure,
        )
