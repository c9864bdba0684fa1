"""Which units died: every unit of every layer as a square, at four moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.run import Run
from reports import style
from reports.figures.moments import Moment, moments


@dataclass(frozen=True)
class UnitData:
    """Which units of each layer answered 0 to the whole batch, (moments, units) a layer."""

    moments: tuple[Moment, ...]
    layers: tuple[str, ...]
    silent: tuple[NDArray[np.bool_], ...]

    def count(self, layer: int, moment: int) -> tuple[int, int]:
        """Silent units and all units."""
        return int(self.silent[layer][moment].sum()), self.silent[layer].shape[1]


def prepare(run: Run) -> UnitData | None:
    """The logged silent units at the moments; layers whose units cannot fall silent are left out."""
    when = moments(run)
    layers = tuple(la.name for la in run.info.layers if la.activation and la.activation.lower() != "softmax")
    if not when or not layers:
        return None
    places = [m.place for m in when]
    return UnitData(when, layers, tuple(run.snapshots.silent(layer)[places] for layer in layers))


def grid_of(silent: NDArray[np.bool_], columns: int) -> NDArray[np.float64]:
    """Units row by row in a grid ``columns`` wide: 1 silent, 0 not, NaN where the last row has no unit."""
    rows = -(-len(silent) // columns)
    grid = np.full(rows * columns, np.nan)
    grid[: len(silent)] = silent
    return grid.reshape(rows, columns)


def draw(silent: NDArray[np.bool_], axes: Axes) -> None:
    """Squares row by row, silent ones dark and crossed by their colour alone from afar."""
    n = len(silent)
    columns = min(n, 24) if n <= 48 else 24
    grid = grid_of(silent, columns)
    axes.imshow(np.ma.masked_invalid(grid), cmap=ListedColormap(["#BFE3D5", style.BLACK]), vmin=0, vmax=1,
                aspect="equal", interpolation="nearest")  # fmt: skip
    axes.set_xticks(np.arange(grid.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(grid.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.8)
    axes.grid(which="major", visible=False)
    axes.tick_params(which="both", length=0)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


@style.styled
def units_figure(run: Run) -> Figure | None:
    """A row a layer, a column a moment; None without snapshots."""
    data = prepare(run)
    if data is None:
        return None
    rows, columns = len(data.layers), len(data.moments)
    heights = [0.42 + 0.075 * (-(-s.shape[1] // 24)) for s in data.silent]
    figure = style.new_figure(0.9 + sum(heights))
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    for i, layer in enumerate(data.layers):
        for j, moment in enumerate(data.moments):
            axes = grid[i][j]
            draw(data.silent[i][j], axes)
            k, n = data.count(i, j)
            axes.set_xlabel(f"{k} of {n} silent", fontsize=8.5, color=style.BLACK,
                            fontweight="bold" if 2 * k > n else "normal")  # fmt: skip
            if i == 0:
                axes.set_title(moment.label, fontsize=9.5)
        grid[i][0].set_ylabel(layer, rotation=0, ha="right", va="center")
    figure.legend(handles=[Patch(facecolor="#BFE3D5", label="answers to some sample of the batch"),
                           Patch(facecolor=style.BLACK, label="silent: 0 for every sample of the batch")],
                  loc="outside lower left", ncols=2)  # fmt: skip
    return figure
