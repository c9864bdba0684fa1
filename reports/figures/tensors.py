"""Weights and biases over the steps: how the values of every tensor spread and drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from diagnostics.detect.findings import Stretch
from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array, mark_stretches

PLACE = Place("run", "tensors", 50)
LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MOST = 400


@dataclass(frozen=True)
class QuantileBand:
    """Quantiles (n, 7) of one tensor at n snapshots, at the levels 0, 5, 25, 50, 75, 95 and 100 %."""

    layer: str
    tensor: str
    quantiles: Array


@dataclass(frozen=True)
class TensorBands:
    """The bands of all tensors and the marks they share."""

    steps: NDArray[np.int64]
    bands: tuple[QuantileBand, ...]
    stretches: tuple[Stretch, ...]
    broke_at: int | None
    last_step: int


def prepare(run: Run) -> TensorBands | None:
    """Quantiles from the logged histograms; None without any.

    Of more than 400 snapshots as many are kept, evenly spaced; those taken
    because a rule fired are always kept.
    """
    snapshots = run.snapshots
    n = len(snapshots)
    if n < 2:
        return None
    spaced = np.linspace(0, n - 1, min(n, MOST)).astype(np.intp)
    keep = np.union1d(spaced, np.flatnonzero(snapshots.extra)[:MOST])
    bands = []
    for layer, tensor in run.columns.tensors:
        histogram = snapshots.histogram(layer, tensor, "value")
        quantiles = histogram.at(keep).quantiles(LEVELS)
        quantiles[~np.isfinite(quantiles)] = np.nan
        bands.append(QuantileBand(layer, tensor, quantiles))
    last = int(run.index["step"][-1]) if len(run) else 0
    return TensorBands(snapshots.steps[keep], tuple(bands), run.diagnosis.stretches, run.diagnosis.broke_at, last)


def draw(band: QuantileBand, data: TensorBands, axes: Axes) -> None:
    """From light to dark: all values, the middle 90 %, the middle 50 %; the line is the median."""
    mark_stretches(axes, data.stretches, data.last_step)
    q = band.quantiles
    for (low, high), colour in zip(((0, 6), (1, 5), (2, 4)), ("#D3E5F1", "#93C1DE", "#4A97C6"), strict=True):
        axes.fill_between(data.steps, q[:, low], q[:, high], color=colour, linewidth=0)
    axes.plot(data.steps, q[:, 3], color=style.BLACK, linewidth=1.1)
    if data.broke_at is not None:
        axes.axvline(data.broke_at, **style.DIED)
    # Each mark is written in full: matplotlib would put a common factor beside the title.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("e+", "e")))
    axes.set_title(f"{band.layer} {band.tensor}", fontsize=9.5)


@style.styled
def tensors_figure(run: Run) -> Figure | None:
    """Quantile bands of every weight and bias tensor over the steps; None without histograms."""
    data = prepare(run)
    if data is None:
        return None
    rows = -(-len(data.bands) // 2)
    figure = style.new_figure(0.5 + 1.25 * rows)
    grid = figure.subplots(rows, 2, sharex=True, squeeze=False)
    style.margins(figure, 0.72, 0.12, 0.3, 0.5, across=0.75, down=0.36)
    for band, axes in zip(data.bands, grid.flat, strict=False):
        draw(band, data, axes)
    for axes in list(grid.flat)[len(data.bands) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        style.step_axis(axes)
    grid[0][0].set_xlim(0, max(data.last_step, 1))
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none without histograms."""
    figure = tensors_figure(run)
    if figure is not None:
        yield CaptionedFigure(
            "5-tensors-over-time",
            "Every tensor over time",
            "For each weight and bias tensor, bands over the steps that hold all values, the middle 90 % and the "
            "middle 50 %, with the median as a line.",
            "From light to dark: all values, the middle 90 %, the middle 50 %; the line is the median. From the logged "
            "histograms.",
            figure,
        )
