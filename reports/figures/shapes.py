"""Every tensor at four moments side by side: what did its values look like before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.run import Run
from reports import style
from reports.figures.curves import Array
from reports.figures.moments import Moment, moments


@dataclass(frozen=True)
class Shape:
    """One histogram: ends of the bins, share of the entries in each, number of entries that are finite."""

    edges: Array
    shares: Array
    entries: int


@dataclass(frozen=True)
class ShapeData:
    """Histograms by tensor and moment."""

    tensors: tuple[tuple[str, str], ...]
    moments: tuple[Moment, ...]
    shapes: tuple[tuple[Shape, ...], ...]


def prepare(run: Run) -> ShapeData | None:
    """The logged histograms of all tensors at the moments; None without any."""
    when = moments(run)
    if not when:
        return None
    rows = []
    for layer, tensor in run.columns.tensors:
        histogram = run.snapshots.histogram(layer, tensor, "value")
        places = [m.place for m in when]
        part = type(histogram)(histogram.steps[places], histogram.counts[places], histogram.low[places],
                               histogram.high[places])  # fmt: skip
        totals = part.counts.sum(axis=1).astype(np.int64)
        shares = part.counts / np.maximum(totals, 1)[:, None]
        edges = part.edges
        rows.append(tuple(Shape(edges[i], shares[i], int(totals[i])) for i in range(len(when))))
    return ShapeData(run.columns.tensors, when, tuple(rows))


def draw(shape: Shape, axes: Axes) -> None:
    """One histogram as a filled outline; a tensor without a finite entry says so."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    if not shape.entries or not np.isfinite(shape.edges).all():
        axes.text(0.5, 0.5, "nothing\nfinite", transform=axes.transAxes, ha="center", va="center",
                  color=style.VERMILLION)  # fmt: skip
        return
    if shape.edges[0] == shape.edges[-1]:
        axes.axvline(shape.edges[0], color=style.BLUE, linewidth=3)
    else:
        axes.stairs(shape.shares, shape.edges, fill=True, color="#93C1DE")
        axes.stairs(shape.shares, shape.edges, color=style.BLUE, linewidth=1.0)
    axes.axvline(0.0, color=style.GREY, linewidth=0.7, linestyle=":")
    axes.set_ylim(bottom=0)


@style.styled
def shapes_figure(run: Run) -> Figure | None:
    """Histograms of all tensors (rows) at start, before, after and end (columns); None without histograms."""
    data = prepare(run)
    if data is None:
        return None
    rows, columns = len(data.tensors), len(data.moments)
    figure = style.new_figure(0.7 + 0.72 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex="row")
    for i, ((layer, tensor), shapes) in enumerate(zip(data.tensors, data.shapes, strict=True)):
        for axes, shape, moment in zip(grid[i], shapes, data.moments, strict=True):
            draw(shape, axes)
            axes.tick_params(labelsize=8)
            axes.locator_params(axis="x", nbins=4)
            if i == 0:
                axes.set_title(moment.label, fontsize=9.5)
        grid[i][0].set_ylabel(f"{layer}\n{tensor}", rotation=0, ha="right", va="center")
    return figure
