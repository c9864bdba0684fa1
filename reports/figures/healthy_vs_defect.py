"""Healthy runs against defect runs, layer by layer, as bands: the layer in which they part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.run.run import Run
from diagnostics.statistics.bands import parameter_bands
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place, StudyRuns
from reports.figures.curves import Array
from reports.text.numbers import counted

Align = Literal["start", "onset"]
PLACE = Place("study", "tensors", 40)
MOST_COMPARED = 80
"""The largest number of runs that the report of a study compares."""


@dataclass(frozen=True)
class Panel:
    """A column of the figure: one statistic of one kind of one tensor of each layer."""

    tensor: str
    kind: str
    statistic: str
    title: str


TRAINING = (
    Panel("weights", "value", "norm", "weight norm"),
    Panel("weights", "gradient", "norm", "gradient norm"),
    Panel("weights", "update", "norm", "update norm"),
)
PARAMETERS = (
    Panel("weights", "value", "norm", "weight norm"),
    Panel("weights", "value", "mean", "mean of weights"),
    Panel("biases", "value", "norm", "bias norm"),
)
died_at = attrgetter("diagnosis.broke_at")
"""The step at which a run died."""
LOOKS = {"healthy": style.HEALTHY, "defect": style.DEFECT}


@dataclass(frozen=True)
class FateBand:
    """Median and the 10-90 % band over runs, step by step; ``runs`` is the largest number behind a point."""

    fate: str
    layer: str
    panel: Panel
    steps: Array
    median: Array
    low: Array
    high: Array
    runs: int


def prepare(
    runs: Sequence[Run],
    align: Align,
    panels: Sequence[Panel] = TRAINING,
    window: tuple[int, int] = (-100, 100),
    onset_of: Callable[[Run], int | None] = died_at,
) -> tuple[FateBand, ...]:
    """Bands of what the panels show, for each layer and fate.

    Aligned at the onset, steps are counted from the one at which the run died, since the
    onset of a run that never learned is step 0 whenever it died.
    """
    wanted = {(p.tensor, p.kind, p.statistic): p for p in panels}
    frame = parameter_bands(
        runs,
        statistics=tuple(dict.fromkeys(p.statistic for p in panels)),
        kinds=tuple(dict.fromkeys(p.kind for p in panels)),
        align=align,
        window=window,
        onset_of=onset_of,
    )
    bands = []
    if not len(frame):
        return ()
    levels = ["fate", "layer", "tensor", "kind", "statistic"]
    for key, part in frame.groupby(level=levels, sort=False, observed=True):
        fate, layer, *rest = (str(k) for k in key)
        panel = wanted.get((rest[0], rest[1], rest[2]))
        if panel is not None:
            steps = part.index.get_level_values("step").to_numpy(np.float64)
            median, low, high = (np.asarray(part[c], dtype=np.float64) for c in ("median", "low", "high"))
            bands.append(FateBand(fate, layer, panel, steps, median, low, high, int(pd.Series(part["n"]).max())))
    return tuple(bands)


def draw(bands: Sequence[FateBand], axes: Axes) -> None:
    """One layer and panel: healthy solid, defect dashed, bands behind; norms on a log axis."""
    for band in bands:
        look = LOOKS[band.fate]
        axes.fill_between(band.steps, band.low, band.high, color=look["color"], alpha=0.16, linewidth=0)
        axes.plot(band.steps, band.median, **look, linewidth=1.4)
    if any(band.panel.statistic == "norm" and np.any(band.median > 0) for band in bands):
        style.log_axis(axes)


@style.styled
def healthy_vs_defect_figure(
    runs: Sequence[Run],
    align: Align = "start",
    panels: Sequence[Panel] = TRAINING,
    window: tuple[int, int] = (-100, 100),
    onset_of: Callable[[Run], int | None] = died_at,
) -> Figure | None:
    """A row a layer, a column a panel; ``window`` is in steps around the onset. None where no run was judged."""
    bands = prepare(runs, align, panels, window, onset_of)
    if not bands:
        return None
    order = list(dict.fromkeys(layer for layer, _ in runs[0].columns.tensors))
    layers = [layer for layer in order if any(b.layer == layer for b in bands)]
    figure = style.new_figure(0.9 + 1.25 * len(layers))
    grid = figure.subplots(len(layers), len(panels), sharex=True, squeeze=False)
    for layer, row in zip(layers, grid, strict=True):
        for panel, axes in zip(panels, row, strict=True):
            draw([b for b in bands if b.layer == layer and b.panel == panel], axes)
            if align == "onset":
                axes.axvline(0, **style.DIED)
            if layer == layers[0]:
                axes.set_title(panel.title)
        row[0].set_ylabel(layer)
    for axes in grid[-1]:
        style.step_axis(axes, label=False)
        axes.set_xlabel("steps after the onset" if align == "onset" else "step")
    drawn = {band.fate for band in bands}
    entries = [
        style.key(f"{fate} runs: median, and 10 to 90 % of the runs", **look)
        for fate, look in LOOKS.items()
        if fate in drawn
    ]
    figure.legend(handles=entries, loc="outside upper left", ncols=2)
    return figure


def compared(groups: Sequence[Group]) -> tuple[Group, list[RunSummary]] | None:
    """The arm with most runs of both fates, and its runs to compare; None where no arm has both."""
    group = max(groups, key=lambda g: min(*_fates(g)))
    return (group, of_both_fates(group)) if min(*_fates(group)) else None


def _fates(group: Group) -> tuple[int, int]:
    """How many runs were dead at their end, and how many survived; a rescued run is neither."""
    return sum(r.is_dead for r in group.runs), sum(r.is_survivor for r in group.runs)


def of_both_fates(group: Group) -> list[RunSummary]:
    """At most MOST_COMPARED runs, as many dead ones as survivors where there are enough of both."""
    defects = [r for r in group.runs if r.is_dead]
    survivors = [r for r in group.runs if r.is_survivor]
    dead = min(len(defects), max(MOST_COMPARED // 2, MOST_COMPARED - len(survivors)))
    return [*defects[:dead], *survivors[: MOST_COMPARED - dead]]


def counts_words(runs: Sequence[RunSummary]) -> str:
    """How many runs of each fate are compared."""
    defects = sum(run.is_defect for run in runs)
    return f"{counted(defects, 'defect run')} against {counted(len(runs) - defects, 'survivor')}"


def captioned(study: StudyRuns) -> Iterator[CaptionedFigure]:
    """Two figures, from the first step on and around the onset; none where no arm has runs of both fates."""
    found = compared(study.groups)
    if found is None:
        return
    runs = [study.open_run(summary) for summary in found[1]]
    shown = f"Norms of weights, gradients and updates of each layer, {counts_words(found[1])}, aligned at the "
    how = "Line: median over the runs; band: the middle 80 % of them."
    around = (
        " Survivors are shown around the same steps. A run that never learned counts from the step at which it died."
    )
    start = healthy_vs_defect_figure(runs, "start")
    if start is not None:
        yield CaptionedFigure("4-from-the-start", "From the first step", f"{shown}first step.", how, start)
    onset = healthy_vs_defect_figure(runs, "onset")
    if onset is not None:
        yield CaptionedFigure("5-around-the-onset", "Around the onset", f"{shown}onset.", how + around, onset)
