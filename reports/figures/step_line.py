"""The loss along a step: the loss after a shorter or a longer step in the same direction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnostics.replay.opened import OpenedRun, OpenedStep
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.text.numbers import number
from reports.text.opened import step_title

PLACE = Place("origin", "origin", 20)
CURVES = (
    ("this_batch", "this batch", style.BLUE, "-"),
    ("next_batch", "the next batch", style.ORANGE, "--"),
    ("sample", "512 samples of the training set", style.GREEN, "-."),
)


@dataclass(frozen=True)
class LineData:
    """The loss along one step.

    title: the title of the step.
    multiples: lengths of the step, as multiples of the one that was taken, (k,).
    losses: the loss at each of them, for each set of samples, (k,) each.
    best: the multiple with the smallest loss of this batch; NaN where there is none.
    """

    title: str
    multiples: NDArray[np.float64]
    losses: dict[str, NDArray[np.float64]]
    best: float

    def at(self, multiple: float) -> float:
        """The loss of this batch at one of the multiples."""
        return float(self.losses["this_batch"][int(np.argmin(np.abs(self.multiples - multiple)))])


def prepare(opened: OpenedRun) -> list[LineData]:
    """The loss along each of the opened steps."""
    return [_prepare(opened, one) for one in opened.steps]


def _prepare(opened: OpenedRun, one: OpenedStep) -> LineData:
    frame = one.line
    losses = {str(name): frame[name].to_numpy(float) for name in frame.columns}
    return LineData(step_title(opened, one), frame.index.to_numpy(float), losses, one.best_multiple)


def draw(data: LineData, guessing: float, axes: Axes) -> None:
    """The curves of one step, with the step that was taken and the best one marked."""
    for name, label, color, line in CURVES:
        if name in data.losses:
            axes.plot(data.multiples, data.losses[name], color=color, linestyle=line, label=label)
    axes.axhline(guessing, color=style.GREY, linewidth=0.9, linestyle=(0, (1, 2)), label="guessing")
    axes.axvline(1, color=style.BLACK, linewidth=1.1, label="the step as it was taken")
    if math.isfinite(data.best):
        axes.plot(
            [data.best],
            [data.at(data.best)],
            marker="o",
            markersize=7,
            markerfacecolor="none",
            linestyle="none",
            color=style.VERMILLION,
            markeredgewidth=1.6,
            label="would have been best",
        )
    axes.set_title(data.title, fontsize=9)
    axes.set_xlabel("length of the step")
    axes.set_xticks([0, 0.5, 1, 1.5, 2], ["0", "0.5", "1", "1.5", "2"])


@style.styled
def step_line_figure(opened: OpenedRun) -> Figure:
    """A panel a step, on one scale."""
    data = prepare(opened)
    figure = style.new_figure(3.3)
    panels = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
    for one, axes in zip(data, panels, strict=True):
        draw(one, opened.run.info.guessing[0], axes)
    panels[0].set_ylabel("loss in nats")
    values = np.concatenate([losses for one in data for losses in one.losses.values()])
    known = values[np.isfinite(values)]
    if len(known):
        panels[0].set_ylim(min(0.0, float(known.min())), min(float(known.max()), 8.0) * 1.05)
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def captioned(opened: OpenedRun) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    data = prepare(opened)
    told = "; ".join(
        f"{one.title}: before it {number(one.at(0))}, after it {number(one.at(1))}"
        + (
            f", at best {number(one.at(one.best))} at {number(one.best)} of its length"
            if math.isfinite(one.best)
            else ""
        )
        for one in data
    )
    yield CaptionedFigure(
        "origin-2-along-the-step",
        "The step: how long it should have been",
        f"Curves of the loss at 0 to 2 times the step that was taken. Loss of this batch: {told}.",
        "From left to right the network is moved along the very direction of the step, and the black line is where the "
        "step ended; look how far it lies from the red circle, the length with the smallest loss. Where the curves "
        "are flat at the dotted level of guessing, the network gives every image the same answer.",
        step_line_figure(opened),
    )
