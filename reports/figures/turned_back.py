"""The loss of a run that was turned back: the undone steps, and those after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.detect.rollback_remedies import remedy_words
from diagnostics.run.run import Run
from diagnostics.schema.rollback import Rollback
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array, extremes

PLACE = Place("run", "turned-back", 12)
LEAST, BEYOND = 60, 3
"""The steps that are shown: at least so many, and so many times the length of the undone stretches."""


@dataclass(frozen=True)
class TurnedBackCurves:
    """The curves to draw.

    run: steps and losses of the run.
    undone: steps and losses of each undone stretch.
    rollbacks: the rollbacks of the run.
    guess_loss: the loss of guessing by class frequency.
    last_step: the last step that is shown.
    """

    run: tuple[Array, Array]
    undone: tuple[tuple[Array, Array], ...]
    rollbacks: tuple[Rollback, ...]
    guess_loss: float
    last_step: int


def prepare(run: Run) -> TurnedBackCurves | None:
    """The loss around the rollbacks; None for a run that was never turned back."""
    rollbacks = run.rollbacks
    if not rollbacks:
        return None
    first, last = min(one.step for one in rollbacks), max(one.last_step for one in rollbacks)
    recorded = int(run.index["step"][-1]) if len(run) else 0
    shown = max(last, min(recorded, last + max(LEAST, BEYOND * (last - first))))
    return TurnedBackCurves(
        run=_loss(run, 0, shown),
        undone=tuple(_loss(one, r.step, r.last_step) for one, r in zip(run.undone(), rollbacks, strict=True)),
        rollbacks=rollbacks,
        guess_loss=run.info.guessing[0],
        last_step=shown,
    )


def _loss(run: Run, first: int, last: int) -> tuple[Array, Array]:
    part = run.between(first, last)
    return extremes(part.index["step"], part.scalars("data_loss")[:, 0])


def draw(data: TurnedBackCurves, axes: Axes) -> None:
    """The undone stretches behind, the run in front, and a line where it was turned back to."""
    for number, (rollback, (steps, loss)) in enumerate(zip(data.rollbacks, data.undone, strict=True), 1):
        axes.plot(steps, loss, color=style.VERMILLION, linewidth=1.1, linestyle="--", marker=style.marker(loss))
        if len(steps):
            axes.annotate(
                f"{number}", (steps[-1], loss[-1]), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=9
            )
        axes.axvline(rollback.step, color=style.BLACK, linewidth=0.9, linestyle=":")
    axes.plot(*data.run, color=style.BLUE, linewidth=1.3, marker=style.marker(data.run[1]))
    axes.axhline(data.guess_loss, **style.GUESSING, linewidth=1.0)
    style.log_axis(axes)
    axes.set_ylabel("loss (nats, log scale)")
    style.step_axis(axes)
    axes.set_xlim(0, data.last_step)


@style.styled
def turned_back_figure(data: TurnedBackCurves) -> Figure:
    """The curves with a legend."""
    figure = style.new_figure(3.4)
    axes = figure.subplots()
    draw(data, axes)
    entries = [
        style.key("the run", color=style.BLUE, linewidth=1.3),
        style.key("undone", color=style.VERMILLION, linewidth=1.1, linestyle="--"),
        style.key("turned back to", color=style.BLACK, linewidth=0.9, linestyle=":"),
        style.key("guessing", **style.GUESSING, linewidth=1.0),
    ]
    figure.legend(handles=entries, loc="outside upper left", ncols=4)
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none for a run that was never turned back."""
    data = prepare(run)
    if data is None:
        return
    told = "; ".join(
        f"{number}: undone from step {one.step:,} to {one.last_step:,}, then {remedy_words(one)}"
        for number, one in enumerate(data.rollbacks, 1)
    )
    times = "once" if len(data.rollbacks) == 1 else f"{len(data.rollbacks)} times"
    yield CaptionedFigure(
        "2-turned-back",
        "The loss, undone steps included",
        f"The loss over steps 0 to {data.last_step:,}, turned back {times}. {told}.",
        f"Dashed: what is undone, up to the step at which the defect was confirmed. The solid line is the run. {told}.",
        turned_back_figure(data),
    )
