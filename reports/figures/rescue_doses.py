"""How strong a remedy has to be: the share of branches that lived, by dose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnostics.rescue.found import rescue_of
from diagnostics.rescue.plan import CLIP, RATE
from diagnostics.rescue.results import RescueResult
from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place

PLACE = Place("run", "tried", 30)
AXES = {
    f"{RATE}-doses": "learning rate, as a multiple of the run's",
    f"{CLIP}-doses": "gradient clipped at, in usual norms",
}


@dataclass(frozen=True)
class DoseResponse:
    """One remedy at several strengths: shares that lived, with their intervals, and the control's share."""

    axis: str
    doses: NDArray[np.float64]
    lived: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    control: float


def prepare(result: RescueResult) -> tuple[DoseResponse, ...]:
    """The remedies that were tried at several strengths; none without a control."""
    if not result.control.runs:
        return ()
    control = result.control.share
    found = []
    for name, axis in AXES.items():
        arms = [a for a in result.arms if a.arm.name == name and a.arm.dose is not None and a.interval is not None]
        arms.sort(key=lambda arm: arm.arm.dose or 0.0)
        if arms:
            intervals = np.array([arm.interval for arm in arms], dtype=float)
            doses = np.array([arm.arm.dose for arm in arms], dtype=float)
            lived = np.array([arm.share for arm in arms])
            found.append(DoseResponse(axis, doses, lived, intervals[:, 0], intervals[:, 1], control))
    return tuple(found)


def draw(response: DoseResponse, axes: Axes) -> None:
    """Dots joined by a line, their intervals as bars, the control as a dotted line."""
    errors = np.array([response.lived - response.low, response.high - response.lived])
    axes.errorbar(response.doses, response.lived, np.abs(errors), fmt="o-", color=style.BLUE, linewidth=1.4, capsize=2)
    axes.axhline(response.control, color=style.BLACK, linewidth=1, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks(response.doses, [f"{dose:g}" for dose in response.doses])
    axes.minorticks_off()
    axes.set_ylim(-0.03, 1.05)
    style.share_axis(axes)
    axes.set_xlabel(response.axis)


@style.styled
def rescue_doses_figure(result: RescueResult) -> Figure | None:
    """A panel a remedy; None where none was tried at several strengths."""
    responses = prepare(result)
    if not responses:
        return None
    figure = style.new_figure(2.6)
    panels = figure.subplots(1, len(responses), sharey=True, squeeze=False)[0]
    for panel, response in zip(panels, responses, strict=True):
        draw(response, panel)
    panels[0].set_ylabel("branches that lived")
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none where no rescue was run."""
    result = rescue_of(run)
    figure = rescue_doses_figure(result) if result is not None else None
    if result is not None and figure is not None:
        yield CaptionedFigure(
            "tried-3-doses",
            "How strong it has to be",
            "Shares of branches that lived, over the learning rate and over the limit of clipping.",
            "Each dot is a strength of the remedy, the strongest on the left. The dotted line is the share that "
            "lived without any change.",
            figure,
        )
