"""Every unit of every layer as a square, at four moments: the silent ones are black."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.snapshot_moments import SnapshotMoment, moments

PLACE = Place("run", "tensors", 80)
ALIVE = "#9FD6C2"
ACROSS, GAP_RIGHT, GAP_DOWN = 16, 2, 3


@dataclass(frozen=True)
class UnitData:
    """The units of each layer that were 0 for the whole batch, (moments, units) for each layer."""

    moments: tuple[SnapshotMoment, ...]
    layers: tuple[str, ...]
    silent: tuple[NDArray[np.bool_], ...]

    def count(self, layer: int, moment: int) -> tuple[int, int]:
        """Silent units and all units."""
        return int(self.silent[layer][moment].sum()), self.silent[layer].shape[1]


def prepare(run: Run) -> UnitData | None:
    """The logged silent units at the moments; layers whose units cannot become silent are left out."""
    when = moments(run)
    layers = tuple(la.name for la in run.info.layers if la.activation and la.activation.lower() != "softmax")
    if not when or not layers:
        return None
    places = [m.place for m in when]
    return UnitData(when, layers, tuple(run.snapshots.silent(layer)[places] for layer in layers))


def squares(data: UnitData) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """One picture of all units: 1 silent, 0 not, NaN between; and the row at which each layer begins.

    Layers lie one below the other, moments side by side, each ACROSS units wide.
    """
    heights = [-(-silent.shape[1] // ACROSS) for silent in data.silent]
    tops = tuple(int(t) for t in np.cumsum([0, *(h + GAP_DOWN for h in heights)]))
    wide = len(data.moments) * (ACROSS + GAP_RIGHT) - GAP_RIGHT
    picture = np.full((tops[-1], wide), np.nan)
    for layer, silent in enumerate(data.silent):
        for moment, row in enumerate(silent):
            block = np.full(heights[layer] * ACROSS, np.nan)
            block[: len(row)] = row
            left = moment * (ACROSS + GAP_RIGHT)
            picture[tops[layer] : tops[layer] + heights[layer], left : left + ACROSS] = block.reshape(-1, ACROSS)
    return picture, tops[:-1]


def draw(data: UnitData, axes: Axes) -> None:
    """Layers as rows, moments as columns; below each map its count in words."""
    picture, tops = squares(data)
    style.image(axes, picture, cmap=ListedColormap([ALIVE, style.BLACK]), vmin=0, vmax=1)
    rows, columns = picture.shape
    axes.hlines(np.arange(rows) + 0.5, -0.5, columns - 0.5, color="white", linewidth=1.0)
    axes.vlines(np.arange(columns) + 0.5, -0.5, rows - 0.5, color="white", linewidth=1.0)
    for j, moment in enumerate(data.moments):
        left = j * (ACROSS + GAP_RIGHT) - 0.5
        axes.text(left, -0.9, moment.label, fontweight="bold", va="bottom")
        for i, layer in enumerate(data.layers):
            k, n = data.count(i, j)
            below = tops[i] - (-n // ACROSS) - 0.25
            weight = "bold" if 2 * k > n else "normal"
            axes.text(left, below, f"{k} of {n} silent", fontsize=8.5, va="top", fontweight=weight)
            if j == 0:
                axes.text(-1.5, tops[i], layer, ha="right", va="center")
    axes.axis("off")


@style.styled
def units_figure(run: Run) -> Figure | None:
    """A row a layer, a column a moment; None without snapshots."""
    data = prepare(run)
    if data is None:
        return None
    rows = squares(data)[0].shape[0]
    figure = style.new_figure(1.2 + 0.09 * rows)
    axes = figure.subplots()
    draw(data, axes)
    entries = [
        Patch(facecolor=ALIVE, label="not 0 for some sample of the batch"),
        Patch(facecolor=style.BLACK, label="silent: 0 for every sample of the batch"),
    ]
    figure.legend(handles=entries, loc="outside lower left", ncols=2)
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none without snapshots."""
    data, figure = prepare(run), units_figure(run)
    if data is not None and figure is not None:
        last = len(data.moments) - 1
        counts = ", ".join("{} {} of {}".format(layer, *data.count(i, last)) for i, layer in enumerate(data.layers))
        yield CaptionedFigure(
            "8-units",
            "Which units were silent",
            f"Maps of the units of each layer; silent at the last of the moments: {counts}.",
            "Each square is a unit: a channel of a convolution or a neuron of a dense layer.",
            figure,
        )
