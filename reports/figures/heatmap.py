"""All layers over all steps: the layer and the step at which the network died."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.run.run import Run
from diagnostics.run.turning_point import Focus, focus
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array, cells
from reports.figures.layers import LayerCurves, layer_curves
from reports.text.phrases import died_word

PLACE = Place("run", "layers", 40, needs_layers=True)
COLUMNS = 360
ZERO = "#000000"
MAPS = (
    ("gradient", "gradient norm", True),
    ("ratio", "update / weight norm", True),
    ("dead", "share of silent units", False),
    ("saturated", "share saturated", False),
)


@dataclass(frozen=True)
class HeatMap:
    """One quantity as cells (layers, columns) from step ``first`` to ``last``; NaN is drawn as not finite."""

    values: Array
    first: int
    last: int


@dataclass(frozen=True)
class HeatData:
    """The maps of the whole run and, where something died, of the steps around it."""

    layers: tuple[str, ...]
    whole: dict[str, HeatMap]
    zoom: dict[str, HeatMap]
    focus: Focus | None


def prepare(run: Run) -> HeatData:
    """Bin the steps so that the most unusual value of each bin stays; leave out what was not measured."""
    curves = layer_curves(run)
    window = focus(run)
    # The first map shows that a run has no finite number.
    measured = [m for m in MAPS if np.isfinite(getattr(curves, m[0])).any()] or list(MAPS[:1])
    names = [name for name, _, _ in measured]
    everything = np.ones(len(curves.steps), bool)
    return HeatData(
        layers=curves.layers,
        whole={name: _map(curves, name, everything) for name in names},
        zoom={name: _map(curves, name, window.holds(curves.steps)) for name in names} if window else {},
        focus=window,
    )


def _map(curves: LayerCurves, name: str, rows: NDArray[np.bool_]) -> HeatMap:
    steps = curves.steps[rows]
    values, _ = cells(getattr(curves, name)[:, rows], COLUMNS)
    return HeatMap(values, int(steps[0]) if len(steps) else 0, int(steps[-1]) if len(steps) else 0)


def draw(data: HeatMap, layers: tuple[str, ...], norm: Normalize, axes: Axes) -> AxesImage:
    """One map: a row a layer, the input side on top; exact zero black, not finite pink, not measured white."""
    colours = mpl.colormaps[style.MAP].with_extremes(bad="#FFFFFF00", under=ZERO)
    extent = (data.first - 0.5, data.last + 0.5, len(layers) - 0.5, -0.5)
    shown = np.where(data.values == 0, 1e-38, data.values) if isinstance(norm, LogNorm) else data.values
    image = style.image(axes, shown, aspect="auto", cmap=colours, norm=norm, extent=extent)
    whole_row = ~np.isfinite(data.values).any(axis=1, keepdims=True)
    broken = ~np.isfinite(data.values) & ~whole_row
    if broken.any():
        flat = mpl.colors.ListedColormap([style.NOT_FINITE])
        style.image(axes, np.where(broken, 1.0, np.nan), aspect="auto", cmap=flat, extent=extent)
    axes.set_yticks(range(len(layers)), layers)
    axes.grid(visible=False)
    return image


def norm_of(values: Array, log: bool) -> Normalize:
    """The colour scale: shares from 0 to 1, all else logarithmic over at most eight decades below the top."""
    if not log:
        return Normalize(0.0, 1.0)
    good = values[np.isfinite(values) & (values > 0)]
    if not len(good):
        return LogNorm(1e-3, 1.0)
    top = float(good.max())
    low = max(float(good.min()), top * 1e-8, 1e-37)
    return LogNorm(min(low, top / 10), top)


@style.styled
def heatmap_figure(run: Run) -> Figure:
    """Heat maps layer x step: the whole run on the left, the steps around its death on the right."""
    data = prepare(run)
    rows = [m for m in MAPS if m[0] in data.whole]
    both = data.focus is not None
    figure = style.new_figure(0.9 + max(1.25, 0.3 + 0.17 * len(data.layers)) * len(rows))
    widths = [3, 2] if both else [1]
    grid = figure.subplots(len(rows), len(widths), squeeze=False, sharex="col", width_ratios=widths)
    style.margins(figure, 0.2 + 0.075 * max(map(len, data.layers)), 0.5, 0.3, 0.8, across=style.BETWEEN, down=0.42)
    for (name, label, log), row in zip(rows, grid, strict=True):
        norm = norm_of(data.whole[name].values, log)
        image = draw(data.whole[name], data.layers, norm, row[0])
        row[0].set_title(label + (" (log scale)" if log else ""))
        if both and data.focus is not None:
            draw(data.zoom[name], data.layers, norm, row[1])
            row[1].set_yticks([])
            row[1].axvline(data.focus.broke_at, color=style.NOT_FINITE, linewidth=1.2, linestyle=":")
            row[1].set_title(f"steps {data.focus.first:,} to {data.focus.last:,}", fontweight="normal")
        bar = figure.colorbar(image, ax=list(row), pad=0.015, fraction=0.055, aspect=9)
        bar.outline.set_visible(False)
        if log:
            style.plain_numbers(bar.ax)
    for axes in grid[-1]:
        style.step_axis(axes)
    entries = []
    if any(np.any(data.whole[n].values == 0) for n, _, log in rows if log):
        entries.append(Patch(facecolor=ZERO, label="exactly zero (log maps)"))
    if any(np.any(np.isinf(m.values)) or _mixed(m.values) for m in data.whole.values()):
        entries.append(Patch(facecolor=style.NOT_FINITE, label="not a finite number"))
    if entries:
        figure.legend(handles=entries, loc="lower left", ncols=2)
    return figure


def _mixed(values: Array) -> bool:
    bad = ~np.isfinite(values)
    return bool((bad.any(axis=1) & ~bad.all(axis=1)).any())


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    window = focus(run)
    has_saturation = any(layer.activation in ("sigmoid", "tanh") for layer in run.info.layers)
    quantities = "gradient norm, update to weight norm, share of silent units"
    yield CaptionedFigure(
        "4-all-layers",
        "All layers over all steps",
        "Heat maps with a row for each layer and steps from left to right: "
        + quantities
        + (" and share saturated." if has_saturation else ".")
        + (f" The right half enlarges the steps around step {window.broke_at:,}." if window else ""),
        "Rows are layers, the input side on top. Each cell shows the most unusual value of its steps, so that no peak "
        "is lost. Shares are on a plain scale from 0 to 1. Saturation is measured only for sigmoid and tanh layers."
        + (f" The dotted line is step {window.broke_at:,}, where the run {died_word(run)}." if window else ""),
        heatmap_figure(run),
    )
