"""The loss of every run of a study, a panel an arm: which runs died, and what their loss did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.run.run import Run
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place, StudyRuns
from reports.figures.curves import Array, extremes, moving_mean

Opener = Callable[[RunSummary], Run]
PLACE = Place("study", "curves", 20)
BUCKETS = 150
MOST_CURVES = 60
LOOKS: dict[str, dict[str, Any]] = {
    "survivor": {"color": style.SKY, "linewidth": 0.8, "zorder": 2},
    "undecided": {**style.UNDECIDED, "linewidth": 0.9, "zorder": 3},
    "defect": {**style.DEFECT, "linewidth": 1.1, "zorder": 4},
}


@dataclass(frozen=True)
class RunCurve:
    """One run's loss, the mean over the detector's window; ``fate`` is defect, survivor or undecided."""

    name: str
    fate: str
    steps: Array
    loss: Array


@dataclass(frozen=True)
class ArmCurves:
    """One arm: its curves, how many runs it has, and the loss of guessing."""

    label: str
    curves: tuple[RunCurve, ...]
    defects: int
    judged: int
    runs: int
    guess_loss: float


def prepare(groups: Sequence[Group], open_run: Opener) -> tuple[ArmCurves, ...]:
    """The curves of each arm; of more than 60 runs the first 60 in order of their seeds."""
    arms = []
    for group in groups:
        curves, guess = [], float("nan")
        for summary in group.kept[:MOST_CURVES]:
            run = open_run(summary)
            if not len(run):
                continue
            mean = moving_mean(run.scalars("data_loss")[:, 0], run.info.window)
            guess = run.info.guessing[0]
            fate = "defect" if summary.is_defect else "survivor" if summary.is_survivor else "undecided"
            curves.append(RunCurve(summary.name, fate, *extremes(run.index["step"], mean, BUCKETS)))
        arms.append(ArmCurves(group.label, tuple(curves), group.defect_runs, group.judged, len(group.runs), guess))
    return tuple(arms)


def draw(arm: ArmCurves, axes: Axes) -> None:
    """Draw survivors thin and grey-blue, defect runs red and dashed on top, undecided runs dotted."""
    for curve in arm.curves:
        axes.plot(curve.steps, curve.loss, **LOOKS[curve.fate])
    if np.isfinite(arm.guess_loss):
        axes.axhline(arm.guess_loss, **style.GUESSING, linewidth=0.9, zorder=1)
    axes.set_title(f"{style.name_that_fits(arm.label)}: {arm.defects} of {arm.judged} died", fontsize=9.5)


@style.styled
def arms_figure(groups: Sequence[Group], open_run: Opener) -> Figure:
    """Small multiples, one an arm, on one scale."""
    arms = prepare(groups, open_run)
    columns = min(len(arms), 2)
    rows = -(-len(arms) // columns)
    figure = style.new_figure(0.8 + 1.9 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for arm, axes in zip(arms, grid.flat, strict=False):
        draw(arm, axes)
        style.log_axis(axes)
    for axes in list(grid.flat)[len(arms) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel("loss (nats)")
    for axes in grid[-1]:
        style.step_axis(axes)
    entries = [
        style.key("survivor", color=style.SKY, linewidth=1.2),
        style.key("defect run", **style.DEFECT, linewidth=1.2),
        style.key("undecided", **style.UNDECIDED, linewidth=1.0),
        style.key("guessing", **style.GUESSING, linewidth=0.9),
    ]
    figure.legend(handles=entries, loc="outside upper left", ncols=4)
    return figure


def captioned(study: StudyRuns) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    told = "; ".join(f"{g.label}, {g.defect_runs} of {g.judged} died" for g in study.groups)
    yield CaptionedFigure(
        "2-loss-by-arm",
        "Loss by arm",
        f"Loss curves of all runs, a panel an arm, defect runs in red dashes: {told}.",
        "Each line is a run: the mean loss over 20 steps or 2,560 samples, whichever is more, and at most 200 "
        "steps. "
        f"At most {MOST_CURVES} runs are drawn in a panel.",
        arms_figure(study.groups, study.open_run),
    )
