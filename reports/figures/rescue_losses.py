"""The loss of every branch of a rescue, arm by arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnostics.rescue.fate import Fate
from diagnostics.rescue.found import rescue_of
from diagnostics.rescue.results import RescueResult
from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.text.rescue import arm_title

PLACE = Place("run", "tried", 20)
COLUMNS = 3
TITLE_WIDTH = 34
LINES = {Fate.ALIVE: style.HEALTHY, Fate.DEAD: style.DEFECT, Fate.UNDECIDED: style.UNDECIDED}


@dataclass(frozen=True)
class ArmLosses:
    """One arm: the losses of its branches, as (fate, steps, losses)."""

    title: str
    branches: tuple[tuple[Fate, NDArray[np.float64], NDArray[np.float64]], ...]


def prepare(result: RescueResult) -> tuple[ArmLosses, ...]:
    """The control and the remedies."""
    found = []
    for arm in (result.control, *(arm for arm in result.arms if arm.arm.dose is None)):
        branches = []
        for branch in arm.arm.branches:
            one = result.results.get(branch.key)
            if one is not None and one.losses:
                losses = [np.nan if loss is None else loss for _, loss in one.losses]
                branches.append((one.fate, np.array([step for step, _ in one.losses], float), np.array(losses)))
        if branches:
            found.append(ArmLosses(arm_title(arm.arm), tuple(branches)))
    return tuple(found)


def draw(arm: ArmLosses, guessing: float, axes: Axes) -> None:
    """A line a branch: solid blue where it lived, dashed red where it died."""
    for fate, steps, losses in arm.branches:
        axes.plot(steps, losses, linewidth=0.9, alpha=0.75, **LINES[fate])
    axes.axhline(guessing, linewidth=1, **style.GUESSING)
    axes.set_ylim(0, 2 * guessing)
    axes.set_title(fill(arm.title, TITLE_WIDTH), fontsize=8)
    axes.tick_params(labelsize=8)


@style.styled
def rescue_losses_figure(result: RescueResult, guessing: float) -> Figure | None:
    """A panel an arm; None where no branch is done."""
    arms = prepare(result)
    if not arms:
        return None
    columns = min(COLUMNS, len(arms))
    rows = -(-len(arms) // columns)
    figure = style.new_figure(0.5 + 2.0 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, arm in zip(panels, arms, strict=False):
        draw(arm, guessing, panel)
    for panel in panels[len(arms) :]:
        panel.set_visible(False)
    figure.supxlabel("step", fontsize=9)
    figure.supylabel("loss (nats)", fontsize=9)
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none where no rescue was run."""
    result = rescue_of(run)
    figure = rescue_losses_figure(result, run.info.guessing[0]) if result is not None else None
    if result is not None and figure is not None:
        fates = [fate for arm in prepare(result) for fate, _, _ in arm.branches]
        others = ", dotted grey lines those that are neither" if Fate.UNDECIDED in fates else ""
        yield CaptionedFigure(
            "tried-2-losses",
            "The branches, one line each",
            "Panels of loss curves, one panel an arm: blue where the branch lived, dashed red where it died.",
            f"Solid blue lines are branches that lived, dashed red lines are branches that died{others}. The black "
            "dashed line is the loss of guessing: a line that stays there has not learned.",
            figure,
        )
