"""Loss of every run of a study, arm by arm, the dead ones in colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diagnostics.detect.symptoms import prior_entropy
from diagnostics.measure.tensors import window_steps
from diagnostics.run.run import Run
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from reports.figures import style
from reports.figures.curves import Array, extremes, moving_mean

Opener = Callable[[RunSummary], Run]
BUCKETS = 150
MOST_CURVES = 60


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
            loss = run.block([run.columns.scalar("data_loss")])[:, 0]
            mean = moving_mean(loss, window_steps(run.info.batch_size))
            guess = prior_entropy(run.info.prior)
            fate = "defect" if summary.is_defect else "survivor" if summary.is_survivor else "undecided"
            curves.append(RunCurve(summary.name, fate, *extremes(run.index["step"], mean, BUCKETS)))
        arms.append(ArmCurves(group.label, tuple(curves), group.defect_runs, group.judged, len(group.runs), guess))
    return tuple(arms)


def draw(arm: ArmCurves, axes: Axes) -> None:
    """Survivors thin and grey-blue, defect runs red and dashed on top, undecided ones dotted."""
    looks = {
        "survivor": {"color": style.SKY, "linewidth": 0.8, "zorder": 2},
        "undecided": {"color": style.BLACK, "linewidth": 0.9, "linestyle": ":", "zorder": 3},
        "defect": {"color": style.VERMILLION, "linewidth": 1.1, "linestyle": (0, (5, 1.5)), "zorder": 4},
    }
    for curve in arm.curves:
        axes.plot(curve.steps, curve.loss, **looks[curve.fate])  # type: ignore[arg-type]  # plain keywords
    if np.isfinite(arm.guess_loss):
        axes.axhline(arm.guess_loss, color=style.BLACK, linewidth=0.9, linestyle=(0, (6, 3)), zorder=1)
    axes.set_title(f"{arm.label}: {arm.defects} of {arm.judged} died", fontsize=9.5)


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
    figure.legend(handles=[
        Line2D([], [], color=style.SKY, linewidth=1.2, label="survivor"),
        Line2D([], [], color=style.VERMILLION, linewidth=1.2, linestyle=(0, (5, 1.5)), label="defect run"),
        Line2D([], [], color=style.BLACK, linewidth=1.0, linestyle=":", label="undecided"),
        Line2D([], [], color=style.BLACK, linewidth=0.9, linestyle=(0, (6, 3)), label="guessing"),
    ], loc="outside upper left", ncols=4)  # fmt: skip
    return figure
