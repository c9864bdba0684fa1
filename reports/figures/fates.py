"""Tensors of healthy against defect runs, with bands: in which layer do the bad runs part from the good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diagnostics.run.run import Run
from diagnostics.run.turning_point import turning_step
from diagnostics.statistics.bands import parameter_bands
from reports.figures import style
from reports.figures.curves import Array

Align = Literal["start", "onset"]


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
LOOKS: dict[str, tuple[str, Any]] = {"healthy": (style.BLUE, "-"), "defect": (style.VERMILLION, (0, (5, 1.5)))}


@dataclass(frozen=True)
class Band:
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
    onset_of: Callable[[Run], int | None] = turning_step,
) -> tuple[Band, ...]:
    """Bands of what the panels show, for each layer and fate.

    Aligned at the onset, a run counts from the step at which it went down: the
    onset of a run that never learned is step 0 whenever that was.
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
            bands.append(Band(fate, layer, panel, steps, median, low, high, int(pd.Series(part["n"]).max())))
    return tuple(bands)


def draw(bands: Sequence[Band], axes: Axes) -> None:
    """One layer and panel: healthy solid, defect dashed, bands behind; norms on a log axis."""
    for band in bands:
        colour, line = LOOKS[band.fate]
        axes.fill_between(band.steps, band.low, band.high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(band.steps, band.median, color=colour, linestyle=line, linewidth=1.4)
    if any(band.panel.statistic == "norm" and np.any(band.median > 0) for band in bands):
        style.log_axis(axes)


@style.styled
def fates_figure(
    runs: Sequence[Run],
    align: Align = "start",
    panels: Sequence[Panel] = TRAINING,
    window: tuple[int, int] = (-100, 100),
    onset_of: Callable[[Run], int | None] = turning_step,
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
                axes.axvline(0, color=style.BLACK, linewidth=1.0, linestyle=":")
            if layer == layers[0]:
                axes.set_title(panel.title)
        row[0].set_ylabel(layer)
    for axes in grid[-1]:
        style.step_axis(axes, label=False)
        axes.set_xlabel("steps after the onset" if align == "onset" else "step")
    figure.legend(handles=[Line2D([], [], color=LOOKS[f][0], linestyle=LOOKS[f][1], label=f"{f} runs: median, and "
                                  "10 to 90 % of the runs") for f in LOOKS if any(b.fate == f for b in bands)],
                  loc="outside upper left", ncols=2)  # fmt: skip
    return figure
