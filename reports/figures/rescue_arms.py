"""The arms of a rescue: the share of branches that lived in each, beside the control."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.rescue.found import rescue_of
from diagnostics.rescue.results import ArmResult, RescueResult
from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.text.rescue import arm_title

PLACE = Place("run", "tried", 10)
COLOURS = {"proven": style.GREEN, "worse": style.VERMILLION}


@dataclass(frozen=True)
class ArmDot:
    """One arm: how many of its branches lived, with the interval of the share."""

    title: str
    lived: int
    runs: int
    low: float
    high: float
    word: str


def prepare(result: RescueResult) -> tuple[ArmDot, ...]:
    """The control first, then the remedies, those that saved most first; arms without a branch are left out."""
    remedies = [arm for arm in result.arms if arm.arm.dose is None]
    remedies.sort(key=lambda arm: -arm.share)
    return tuple(_dot(arm) for arm in (result.control, *remedies) if arm.interval is not None)


def _dot(arm: ArmResult) -> ArmDot:
    low, high = arm.interval or (0.0, 1.0)
    return ArmDot(arm_title(arm.arm), arm.lived, arm.runs, low, high, arm.word)


def draw(dots: tuple[ArmDot, ...], axes: Axes) -> None:
    """A row an arm; a dotted line marks the control's share."""
    for i, dot in enumerate(dots):
        colour = style.BLACK if i == 0 else COLOURS.get(dot.word, style.GREY)
        style.share_dot(axes, i, dot.lived / dot.runs, (dot.low, dot.high), colour)
        words = f"{dot.lived} of {dot.runs}" + (f", {dot.word}" if dot.word else "")
        axes.annotate(words, (1.03, i), va="center", fontsize=8.5, annotation_clip=False)
    axes.axvline(dots[0].lived / dots[0].runs, color=style.BLACK, linewidth=1, linestyle=":")
    style.share_rows(axes, [dot.title for dot in dots], "branches that lived, with 95 % interval")


@style.styled
def rescue_arms_figure(result: RescueResult) -> Figure | None:
    """Dots with intervals; None where the control has no branch yet."""
    dots = prepare(result)
    if not result.control.runs or len(dots) < 2:
        return None
    figure = style.new_figure(0.9 + 0.36 * len(dots))
    draw(dots, figure.subplots())
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none where no rescue was run."""
    result = rescue_of(run)
    figure = rescue_arms_figure(result) if result is not None else None
    if result is not None and figure is not None:
        told = "; ".join(f"{dot.title}: {dot.lived} of {dot.runs} lived" for dot in prepare(result))
        yield CaptionedFigure(
            "tried-1-arms",
            "What was tried",
            f"Dots with intervals: {told}.",
            "Each row is one change, tried with the same orders of the samples. Compare a row with the dotted line: "
            "it marks how many branches lived without any change.",
            figure,
        )
