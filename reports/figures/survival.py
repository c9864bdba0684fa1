"""The share of runs still alive over the steps, arm by arm."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place, StudyRuns
from reports.figures.curves import Array

PLACE = Place("study", "survival", 30)


THINNEST, THINNER, WIDEST = 1.6, 1.2, 6.0  # points: the last curve, what each before it has more, and all of that


@dataclass(frozen=True)
class Survival:
    """The Kaplan-Meier estimate of one arm as corners of a staircase, with its 95 % band."""

    label: str
    steps: Array
    alive: Array
    low: Array
    high: Array
    deaths: int
    runs: int


def death_step(run: RunSummary) -> int:
    """The step at which a defect run died."""
    return run.broke_at or 0


def median_death_words(steps: Sequence[int]) -> str:
    """The median of steps at which runs died; of an even number of them it may lie half a step between two."""
    return f"{median(steps):,.1f}".removesuffix(".0")


def prepare(group: Group) -> Survival | None:
    """Defect runs die at the step at which they died; survivors are censored at their last. None without judged runs.

    Estimate and band (log-log) are those of scipy.stats.ecdf.
    """
    judged = [r for r in group.runs if r.is_judged]
    if not judged:
        return None
    deaths = np.array([death_step(r) for r in judged if r.is_defect], dtype=float)
    left = np.array([r.steps for r in judged if not r.is_defect], dtype=float)
    end = max([*deaths, *left])
    if not len(deaths):
        flat = np.ones(2)
        return Survival(group.label, np.array([0.0, end]), flat, flat, flat, 0, len(judged))
    from scipy.stats import CensoredData, ecdf

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the ends of the band are handled below
        curve = ecdf(CensoredData(uncensored=deaths, right=left)).sf
        band: Any = curve.confidence_interval(0.95, method="log-log")
    alive = np.asarray(curve.probabilities, dtype=np.float64)
    # Where all are alive or all are dead the band is not defined, and the estimate takes its place.
    low, high = (np.where(np.isfinite(p), p, alive) for p in (band.low.probabilities, band.high.probabilities))
    steps = np.concatenate(([0.0], np.asarray(curve.quantiles, dtype=np.float64), [end]))
    return Survival(group.label, steps, _stairs(alive), _stairs(low), _stairs(high), len(deaths), len(judged))


def _stairs(shares: Array) -> Array:
    """The staircase: all runs are alive at first, and the last share lasts to the end."""
    return np.concatenate(([1.0], shares, shares[-1:]))


def draw(curves: Sequence[Survival], axes: Axes) -> None:
    """A staircase an arm in a colour and line of its own, its band behind it.

    Each is thinner than the one before, so that of equal curves all can be seen.
    """
    for i, curve in enumerate(curves):
        colour, line = style.CYCLE[i % len(style.CYCLE)], style.LINES[i // len(style.CYCLE) % len(style.LINES)]
        axes.fill_between(curve.steps, curve.low, curve.high, step="post", color=colour, alpha=0.12, linewidth=0)
        name = f"{style.name_that_fits(curve.label)}: {curve.runs - curve.deaths} of {curve.runs} alive"
        thick = THINNEST + min(THINNER, WIDEST / len(curves)) * (len(curves) - 1 - i)
        axes.step(curve.steps, curve.alive, where="post", color=colour, linestyle=line, linewidth=thick, label=name)
    axes.set_ylim(0, 1.03)
    style.share_axis(axes)
    axes.set_ylabel("runs still alive")
    style.step_axis(axes)


@style.styled
def survival_figure(groups: Sequence[Group]) -> Figure | None:
    """Kaplan-Meier curves of all arms; None where no run was judged."""
    curves = [c for c in map(prepare, groups) if c is not None]
    if not curves:
        return None
    columns = 2 if len(curves) > 3 else 1
    figure = style.new_figure(3.6 + 0.2 * -(-len(curves) // columns))
    axes = figure.subplots()
    draw(curves, axes)
    axes.set_xlim(left=0)
    figure.legend(loc="outside lower left", ncols=columns)
    return figure


def captioned(study: StudyRuns) -> Iterator[CaptionedFigure]:
    """The figure with its words; none where no run was judged."""
    figure = survival_figure(study.groups)
    if figure is not None:
        yield CaptionedFigure(
            "3-survival",
            "Runs still alive",
            f"Kaplan-Meier curves over steps: {survivors_words(study.groups)}.",
            "The share of runs not yet dead, with its 95 % band (Kaplan-Meier, log-log) except where all or none "
            "live. A run dies at the step of its blow, or at its onset where no blow was found; a run that recovered "
            "counts as alive.",
            figure,
        )


def survivors_words(groups: Sequence[Group]) -> str:
    """How many runs of each arm are alive at the end."""
    return "; ".join(f"{g.label}: {g.judged - g.defect_runs} of {g.judged} alive at the end" for g in groups)
