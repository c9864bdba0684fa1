"""One layer closely, before and after the run died: its gradient, updates, silent units and weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.detect.findings import Stretch
from diagnostics.run.run import Run
from diagnostics.run.turning_point import Focus, focus, layers_to_show
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array, extremes, mark_stretches
from reports.figures.layers import layer_curves
from reports.text.phrases import died_word

PLACE = Place("run", "why", 30, needs_layers=True)
DECADES = 12
"""The most powers of ten on an axis: a gradient that fades to 1e-45 would flatten all that came before."""
PANELS = (
    ("gradient", "gradient norm", True),
    ("ratio", "update / weight norm", True),
    ("dead", "share of silent units", False),
    ("norm", "norm of weights and biases", True),
)


@dataclass(frozen=True)
class LayerData:
    """Four curves of one layer, over the whole run and around its death; ``stood_out`` says why this layer."""

    layer: str
    stood_out: str
    whole: dict[str, tuple[Array, Array]]
    zoom: dict[str, tuple[Array, Array]]
    focus: Focus | None
    stretches: tuple[Stretch, ...]
    first_step: int
    last_step: int

    @property
    def has_zero(self) -> bool:
        """Whether a value on a logarithmic axis is exactly zero."""
        return any(np.any(self.whole[name][1] == 0) for name, _, log in PANELS if log)


def prepare(run: Run, layer: str | None = None) -> LayerData:
    """The curves of ``layer``: by default the layer that died, else the one with the largest single update."""
    curves = layer_curves(run)
    window = focus(run)
    why = f"where the run {died_word(run)}" if window and layer in (None, window.layer) else "where it began"
    layer = layer or (window.layer if window else None)
    if layer is None:
        peaks = np.max(np.nan_to_num(curves.ratio, nan=0.0, posinf=np.inf), axis=1, initial=0.0)
        layer = curves.layers[int(np.argmax(peaks))]
        why = "no single layer failed; this one made the largest single update"
    mine = curves.of(layer)
    steps = curves.steps
    inside = window.holds(steps) if window is not None else np.zeros(len(steps), bool)
    return LayerData(
        layer=layer,
        stood_out=why,
        whole={name: extremes(steps, mine[name]) for name, _, _ in PANELS},
        zoom={name: extremes(steps[inside], mine[name][inside]) for name, _, _ in PANELS} if window else {},
        focus=window,
        stretches=run.diagnosis.stretches,
        first_step=int(steps[0]) if len(steps) else 0,
        last_step=int(steps[-1]) if len(steps) else 0,
    )


AXES = "Norms and ratios have logarithmic axes."
MARKS = "On the left, shading, onset and confirmation are those of the figure of the loss."


def draw(name: str, label: str, log: bool, data: LayerData, whole: Axes, zoom: Axes | None) -> None:
    """One quantity: the whole run on the left, the steps around its death on the right, on the same scale."""
    mark_stretches(whole, data.stretches, data.last_step)
    for axes, curve in ((whole, data.whole[name]), (zoom, data.zoom.get(name))):
        if axes is None or curve is None:
            continue
        x, y = curve
        close = axes is zoom and len(x) < 120
        axes.plot(x, y, color=style.BLUE, linewidth=1.1, marker="." if close else style.marker(y), markersize=5)
        if log:
            zero = y == 0
            bottom, along = np.full(zero.sum(), 0.02), axes.get_xaxis_transform()
            axes.plot(x[zero], bottom, transform=along, markersize=6, **style.EXACTLY_ZERO)
            if _is_loggable(data.whole[name][1]):
                style.log_axis(axes)
        else:
            axes.set_ylim(-0.03, 1.03)
            style.share_axis(axes, (0, 0.5, 1))
        if data.focus is not None:
            axes.axvline(data.focus.broke_at, **style.DIED)
    whole.set_title(label)


def _is_loggable(values: Array) -> bool:
    """Whether a logarithmic axis has anything to show; a run may diverge in its first step."""
    return bool(np.any(values[np.isfinite(values)] > 0))


@style.styled
def layer_closeup_figure(run: Run, layer: str | None = None) -> Figure:
    """Small multiples of ``layer``, by default the layer that died. Red ticks mark values of exactly zero."""
    return draw_figure(prepare(run, layer))


@style.styled
def draw_figure(data: LayerData) -> Figure:
    """The small multiples of curves that are prepared."""
    figure = style.new_figure(7.2 if data.focus else 6.6)
    columns = 2 if data.focus else 1
    grid = figure.subplots(len(PANELS), columns, sharex="col", sharey="row", squeeze=False)
    style.margins(figure, 0.65, 0.25, 0.6, 0.75 if data.has_zero else 0.5, across=style.BETWEEN, down=0.4)
    for (name, label, log), row in zip(PANELS, grid, strict=True):
        draw(name, label, log, data, row[0], row[1] if columns == 2 else None)
        if log and _is_loggable(data.whole[name][1]):
            style.log_axis(row[0], DECADES)
    style.step_axis(grid[-1][0])
    grid[0][0].set_xlim(data.first_step, max(data.last_step, data.first_step + 1))
    if data.focus is not None:
        style.step_axis(grid[-1][1])
        grid[-1][1].set_xlim(data.focus.first, max(data.focus.last, data.focus.first + 1))
        grid[0][1].set_title(f"steps {data.focus.first:,} to {data.focus.last:,}", fontweight="normal")
    figure.suptitle(f"{data.layer}: {data.stood_out}", x=0.01, y=0.99, ha="left", va="top", fontsize=10.5)
    if data.has_zero:
        figure.legend(handles=[style.key("exactly zero", **style.EXACTLY_ZERO)], loc="lower left")
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The layer that died, and the layer of the first link if that is another."""
    window = focus(run)
    ticks = "Red ticks at the bottom mark values of exactly zero."
    around = ""
    enlarged = "over the whole run"
    if window is not None:
        around = f"The dotted line is step {window.broke_at:,}, where the run {died_word(run)}."
        enlarged += f", and enlarged from step {window.first:,} to {window.last:,} around step {window.broke_at:,}"
    for layer, letter in zip(layers_to_show(run), "ab", strict=False):
        title = "One layer, closely"
        if layer is not None and window is not None:
            title = f"{layer}, where {f'the run {died_word(run)}' if layer == window.layer else 'it began'}"
        data = prepare(run, layer)
        yield CaptionedFigure(
            f"3{letter}-one-layer",
            title,
            "Gradient norm, update to weight norm, share of silent units and norm of the weights and biases of "
            f"{layer or 'one layer'} {enlarged}.",
            " ".join(filter(None, (AXES, ticks if data.has_zero else "", around, MARKS if data.stretches else ""))),
            draw_figure(data),
        )
