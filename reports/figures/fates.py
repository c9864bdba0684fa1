"""Tensors of healthy against defect runs, with bands: in which layer do the bad runs part from the good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from diagnostics.bands import parameter_bands
from diagnostics.run import Run
from reports import style
from reports.figures.curves import Array
from reports.figures.focus import turning_step

Align = Literal["start", "onset"]
PANELS = (("value", "weight norm"), ("gradient", "gradient norm"), ("update", "update norm"))
LOOKS: dict[str, tuple[str, Any]] = {"healthy": (style.BLUE, "-"), "defect": (style.VERMILLION, (0, (5, 1.5)))}


@dataclass(frozen=True)
class Band:
    """Median and the 10-90 % band over runs, step by step; ``runs`` is the largest number behind a point."""

    fate: str
    layer: str
    kind: str
    steps: Array
    median: Array
    low: Array
    high: Array
    runs: int


def prepare(runs: Sequence[Run], align: Align) -> tuple[Band, ...]:
    """Bands of the norm of the weights, their gradient and their update, for each layer and fate.

    Aligned at the onset, a run that never learned counts from the step at which
    it went down, since its onset is step 0 whenever that was.
    """
    frame = parameter_bands(runs, statistics=("norm",), align=align, window=(-100, 100), onset_of=turning_step)
    bands = []
    if not len(frame):
        return ()
    for key, part in frame.groupby(level=["fate", "layer", "tensor", "kind"], sort=False, observed=True):
        fate, layer, tensor, kind = (str(k) for k in key)
        if tensor == "weights":
            steps = part.index.get_level_values("step").to_numpy(np.float64)
            median, low, high = (np.asarray(part[c], dtype=np.float64) for c in ("median", "low", "high"))
            bands.append(Band(fate, layer, kind, steps, median, low, high, int(pd.Series(part["n"]).max())))
    return tuple(bands)


def draw(bands: Sequence[Band], axes: Axes) -> None:
    """One layer and kind: healthy solid, defect dashed, bands behind."""
    for band in bands:
        colour, line = LOOKS[band.fate]
        axes.fill_between(band.steps, band.low, band.high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(band.steps, band.median, color=colour, linestyle=line, linewidth=1.4)
    if any(np.any(band.median > 0) for band in bands):
        style.log_axis(axes)


@style.styled
def fates_figure(runs: Sequence[Run], align: Align = "start") -> Figure | None:
    """A row a layer; columns weight norm, gradient norm, update norm. None where no run was judged."""
    bands = prepare(runs, align)
    if not bands:
        return None
    order = list(dict.fromkeys(layer for layer, _ in runs[0].columns.tensors))
    layers = [layer for layer in order if any(b.layer == layer for b in bands)]
    figure = style.new_figure(0.9 + 1.25 * len(layers))
    grid = figure.subplots(len(layers), len(PANELS), sharex=True, squeeze=False)
    for layer, row in zip(layers, grid, strict=True):
        for (kind, title), axes in zip(PANELS, row, strict=True):
            draw([b for b in bands if b.layer == layer and b.kind == kind], axes)
            if align == "onset":
                axes.axvline(0, color=style.BLACK, linewidth=1.0, linestyle=":")
            if layer == layers[0]:
                axes.set_title(title)
        row[0].set_ylabel(layer)
    for axes in grid[-1]:
        style.step_axis(axes, label=False)
        axes.set_xlabel("steps after the onset" if align == "onset" else "step")
    figure.legend(handles=[Line2D([], [], color=LOOKS[f][0], linestyle=LOOKS[f][1], label=f"{f} runs: median, and "
                                  "10 to 90 % of the runs") for f in LOOKS if any(b.fate == f for b in bands)],
                  loc="outside upper left", ncols=2)  # fmt: skip
    return figure
