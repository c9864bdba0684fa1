"""The histograms of every tensor at four moments, before and after the run broke."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array
from reports.figures.snapshot_moments import SnapshotMoment, moments, moments_words

PLACE = Place("run", "tensors", 60)
WIDE = 0.9


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
    moments: tuple[SnapshotMoment, ...]
    shapes: tuple[tuple[Shape, ...], ...]


def prepare(run: Run) -> ShapeData | None:
    """The logged histograms of all tensors at the moments; None without any."""
    when = moments(run)
    if not when:
        return None
    rows = []
    for layer, tensor in run.columns.tensors:
        histogram = run.snapshots.histogram(layer, tensor, "value")
        places = np.array([m.place for m in when])
        part = histogram.at(places)
        totals = part.counts.sum(axis=1).astype(np.int64)
        shares = part.counts / np.maximum(totals, 1)[:, None]
        edges = part.edges
        rows.append(tuple(Shape(edges[i], shares[i], int(totals[i])) for i in range(len(when))))
    return ShapeData(run.columns.tensors, when, tuple(rows))


def outline(shape: Shape, low: float, high: float) -> tuple[Array, Array]:
    """The histogram as a closed outline inside the unit square, its x axis from ``low`` to ``high``."""
    width = high - low if high > low else 1.0
    x = np.repeat((shape.edges - low) / width, 2)
    if shape.edges[0] == shape.edges[-1]:
        x = x + np.repeat(np.linspace(-0.01, 0.01, len(shape.edges)), 2)
    tallest = float(shape.shares.max(initial=0.0)) or 1.0
    y = np.concatenate(([0.0], np.repeat(shape.shares / tallest, 2), [0.0]))
    return x, y


def draw(data: ShapeData, axes: Axes) -> None:
    """A row a tensor, a column a moment; within a row all x axes are the same, its ends written on the right."""
    for i, shapes in enumerate(data.shapes):
        ends = [s.edges[[0, -1]] for s in shapes if s.entries and np.isfinite(s.edges).all()]
        low, high = (float(np.min(ends)), float(np.max(ends))) if ends else (0.0, 1.0)
        for j, shape in enumerate(shapes):
            axes.plot([j, j + WIDE], [i + 1, i + 1], color=style.GREY, linewidth=0.8)
            if not shape.entries or not np.isfinite(shape.edges).all():
                axes.text(j + WIDE / 2, i + 0.65, "nothing finite", ha="center", va="center", color=style.VERMILLION)
                continue
            x, y = outline(shape, low, high)
            axes.fill(j + WIDE * x, i + 1 - 0.72 * y, facecolor="#93C1DE", edgecolor=style.BLUE, linewidth=0.9)
            if low < 0 < high:
                zero = j - WIDE * low / (high - low)
                axes.plot([zero, zero], [i + 1, i + 0.25], color=style.GREY, linewidth=0.8, linestyle=":")
        axes.text(len(data.moments) + 0.02, i + 0.7, f"{low:.2g}\nto {high:.2g}", va="center", fontsize=8.5)
    axes.set_xlim(-0.02, len(data.moments) + 0.28)
    axes.set_ylim(len(data.shapes) + 0.1, 0)
    axes.set_yticks(np.arange(len(data.shapes)) + 0.65, [f"{la} {t}" for la, t in data.tensors])
    axes.set_xticks(np.arange(len(data.moments)) + WIDE / 2, [m.label for m in data.moments])
    style.no_frame(axes)


@style.styled
def shapes_figure(run: Run) -> Figure | None:
    """Histograms of all tensors (rows) at start, before, after and end (columns); None without histograms."""
    data = prepare(run)
    if data is None:
        return None
    figure = style.new_figure(0.5 + 0.62 * len(data.tensors))
    draw(data, figure.subplots())
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none without histograms."""
    figure = shapes_figure(run)
    if figure is not None:
        yield CaptionedFigure(
            "6-tensors-side-by-side",
            "Every tensor, side by side",
            f"Histograms of each weight and bias tensor at {moments_words(run)}.",
            "A row a tensor, on one scale from left to right; the dotted line is zero.",
            figure,
        )
