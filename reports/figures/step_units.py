"""The units of a layer before and after a step: their preactivations over the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.replay.opened import Answering, OpenedRun, OpenedStep
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.text.opened import step_title

PLACE = Place("origin", "origin", 30)
MOST = 24
"""The number of units that are shown of a larger layer: those that the main step moved most."""
SHARES = (0, 5, 50, 95, 100)
FLAT_ENDS = {"relu": (None, 0.0), "sigmoid": (-4.6, 4.6), "tanh": (-2.3, 2.3)}
"""An activation function is flat below the first number and above the second; ReLU only below 0."""


@dataclass(frozen=True)
class UnitsData:
    """The units of one step.

    title: the title of the step.
    activation: the activation function of the layer.
    units: which units are shown, (u,).
    before, after: smallest, 5 %, median, 95 % and largest of the preactivations, (5, u) each.
    answering: how many of all units of the layer are not silent, before and after; None for layers without ReLU.
    count: how many units the layer has.
    """

    title: str
    activation: str | None
    units: NDArray[np.intp]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    answering: Answering | None
    count: int


def prepare(opened: OpenedRun) -> list[UnitsData]:
    """The same units at each of the opened steps."""
    units = shown_units(opened)
    return [_prepare(opened, one, units) for one in opened.steps]


def shown_units(opened: OpenedRun) -> NDArray[np.intp]:
    """All units of the layer, or those whose mean the main step moved most, in order."""
    moved = (opened.main.moved["after"] - opened.main.moved["before"]).abs().to_numpy()
    if len(moved) <= MOST:
        return np.arange(len(moved))
    return np.sort(np.argsort(-np.nan_to_num(moved, nan=np.inf), kind="stable")[:MOST])


def _prepare(opened: OpenedRun, one: OpenedStep, units: NDArray[np.intp]) -> UnitsData:
    with np.errstate(all="ignore"):
        before, after = (np.percentile(x[:, units].astype(float), SHARES, axis=0) for x in (one.before, one.after))
    return UnitsData(
        step_title(opened, one), one.activation, units, before, after, one.answering.get(one.layer), one.before.shape[1]
    )


def draw(data: UnitsData, limits: tuple[float, float], axes: Axes) -> None:
    """A row a unit: before the step above, after it below."""
    rows = np.arange(len(data.units))
    for places, ends, color in ((rows - 0.17, data.before, style.BLUE), (rows + 0.17, data.after, style.VERMILLION)):
        axes.hlines(places, ends[0], ends[4], color=color, linewidth=0.8)
        axes.hlines(places, ends[1], ends[3], color=color, linewidth=3.2)
        axes.plot(ends[2], places, marker="o", markersize=3.2, markerfacecolor="white", color=color, linestyle="none")
    low, high = FLAT_ENDS.get(data.activation or "", (None, None))
    if data.activation == "relu":
        axes.axvspan(limits[0], 0, color="#E9E9E9", zorder=0)
    elif low is not None and high is not None:
        axes.axvspan(limits[0], low, color="#E9E9E9", zorder=0)
        axes.axvspan(high, limits[1], color="#E9E9E9", zorder=0)
    axes.axvline(0, color=style.BLACK, linewidth=0.9)
    counts = (
        "" if data.answering is None else f"\nunits that answer: {data.answering.before}, then {data.answering.after}"
    )
    axes.set_title(f"{data.title}{counts}", fontsize=9)
    axes.set_xlim(limits)
    axes.set_xlabel("input of the activation function")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def _limits(data: list[UnitsData]) -> tuple[float, float]:
    """A scale for all panels on which single far values do not hide the rest."""
    inner = np.concatenate([ends[[0, 1, 3, 4]].ravel() for one in data for ends in (one.before, one.after)])
    known = inner[np.isfinite(inner)]
    if not len(known):
        return -1.0, 1.0
    low, high = np.percentile(known, [3, 97])
    room = 0.08 * max(float(high - low), 1e-6)
    return min(float(low), 0.0) - room, max(float(high), 0.0) + room


@style.styled
def step_units_figure(opened: OpenedRun) -> Figure:
    """A panel a step, a row a unit."""
    data = prepare(opened)
    figure = style.new_figure(1.5 + 0.2 * len(data[0].units))
    panels = figure.subplots(1, len(data), sharey=True, squeeze=False)[0]
    limits = _limits(data)
    for one, axes in zip(data, panels, strict=True):
        draw(one, limits, axes)
    panels[0].set_ylabel(f"unit of {opened.layer}")
    panels[0].set_yticks(range(len(data[0].units)), [str(unit) for unit in data[0].units], fontsize=7.5)
    handles = [
        Line2D([], [], color=style.BLUE, linewidth=3, label="before the step"),
        Line2D([], [], color=style.VERMILLION, linewidth=3, label="after the step"),
    ]
    words = {
        "relu": "the unit gives 0 here",
        "sigmoid": "the unit is saturated here",
        "tanh": "the unit is saturated here",
    }
    if data[0].activation in words:
        handles.append(Patch(color="#E9E9E9", label=words[data[0].activation]))  # type: ignore[arg-type]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def captioned(opened: OpenedRun) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    data = prepare(opened)
    told = "; ".join(
        f"{one.title}: {one.answering.before} of {one.count} units answer before it and {one.answering.after} after it"
        for one in data
        if one.answering is not None
    )
    which = ""
    if data[0].count > len(data[0].units):
        which = f"Of {data[0].count} units the {len(data[0].units)} that step {opened.main.step:,} moved most: "
    yield CaptionedFigure(
        "origin-3-units",
        f"The units of {opened.layer}, before and after",
        f"For each unit of {opened.layer} two bars, before and after the step: the range of what goes into its "
        f"activation function over the batch.{told and f' {told}.'}",
        _reading(data[0].activation, which),
        step_units_figure(opened),
    )


def _reading(activation: str | None, which: str) -> str:
    """How to read the figure, by the activation function of the layer."""
    bars = (
        f"{which}{'e' if which else 'E'}ach bar holds the middle 90 % of what reaches a unit over the batch, the thin "
        "line all of it, the dot the median; look for red ones that"
    )
    if activation == "relu":
        return (
            f"{bars} lie wholly in the grey. A ReLU unit gives 0 for every input below 0, so such a unit is 0 for "
            "every image of the batch, no gradient passes through it, and it hardly comes back by itself."
        )
    if activation in ("sigmoid", "tanh"):
        return (
            f"{bars} have moved into the grey. There the function is flat, so that the unit hardly answers to its "
            "input any more and hardly any gradient passes through it."
        )
    return f"{bars} have moved far from the blue ones. After an ordinary step the two nearly agree."
