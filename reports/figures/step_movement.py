"""Why the units of a layer moved in a step: their own bias, their own weights, or the layers below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.replay.opened import OpenedRun, OpenedStep
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.step_units import shown_units
from reports.text.numbers import percent
from reports.text.opened import step_title

PLACE = Place("origin", "origin", 40)
PARTS = (
    ("by_bias", "its bias", style.ORANGE),
    ("by_weights", "its weights", style.BLUE),
    ("by_layers_below", "the layers below", style.GREEN),
)


@dataclass(frozen=True)
class MovementData:
    """The movement of the units in one step.

    title: the title of the step.
    units: which units are shown, (u,).
    parts: by how much each of the three parts moved the mean of each unit, (u,) each.
    total: by how much the mean of each unit moved, (u,).
    weight: the share of each part in all movement, without its sign.
    """

    title: str
    units: NDArray[np.intp]
    parts: dict[str, NDArray[np.float64]]
    total: NDArray[np.float64]
    weight: dict[str, float]


def prepare(opened: OpenedRun) -> list[MovementData]:
    """The movement of the same units at each of the opened steps."""
    units = shown_units(opened)
    return [_prepare(opened, one, units) for one in opened.steps]


def _prepare(opened: OpenedRun, one: OpenedStep, units: NDArray[np.intp]) -> MovementData:
    frame = one.moved.iloc[units]
    parts = {name: frame[name].to_numpy(float) for name, _, _ in PARTS}
    sizes = {name: float(one.moved[name].abs().sum()) for name, _, _ in PARTS}
    whole = sum(sizes.values())
    weight = {name: size / whole if whole else float("nan") for name, size in sizes.items()}
    return MovementData(
        step_title(opened, one), units, parts, (frame["after"] - frame["before"]).to_numpy(float), weight
    )


def draw(data: MovementData, axes: Axes) -> None:
    """A row a unit: the three parts side by side from 0, to the left or to the right, and their sum as a mark."""
    rows = np.arange(len(data.units))
    left, right = np.zeros(len(rows)), np.zeros(len(rows))
    for name, _, color in PARTS:
        part = np.nan_to_num(data.parts[name], nan=0.0, posinf=0.0, neginf=0.0)
        start = np.where(part < 0, left, right)
        axes.barh(rows, part, left=start, height=0.62, color=color)
        left, right = left + np.minimum(part, 0), right + np.maximum(part, 0)
    axes.plot(data.total, rows, marker="D", markersize=3.6, color=style.BLACK, linestyle="none")
    axes.axvline(0, color=style.BLACK, linewidth=0.9)
    axes.set_title(data.title, fontsize=9)
    axes.set_xlabel("movement of the unit's mean input")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


@style.styled
def step_movement_figure(opened: OpenedRun) -> Figure:
    """A panel a step, a row a unit, on one scale."""
    data = prepare(opened)
    figure = style.new_figure(1.4 + 0.2 * len(data[0].units))
    panels = figure.subplots(1, len(data), sharey=True, sharex=True, squeeze=False)[0]
    for one, axes in zip(data, panels, strict=True):
        draw(one, axes)
    panels[0].set_ylabel(f"unit of {opened.layer}")
    panels[0].set_yticks(range(len(data[0].units)), [str(unit) for unit in data[0].units], fontsize=7.5)
    handles: list[Patch | Line2D] = [Patch(color=color, label=f"moved by {words}") for _, words, color in PARTS]
    handles.append(Line2D([], [], color=style.BLACK, marker="D", markersize=4, linestyle="none", label="all together"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def captioned(opened: OpenedRun) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    data = prepare(opened)
    told = "; ".join(
        f"{one.title}: " + ", ".join(f"{words} {percent(one.weight[name], 0)}" for name, words, _ in PARTS)
        for one in data
    )
    yield CaptionedFigure(
        "origin-4-why-units-moved",
        "Why they moved",
        f"For each unit of {opened.layer} the movement of its mean input in the step, as a sum of three parts. Shares "
        f"of the parts in all movement: {told}.",
        "What reaches a unit changes because its own bias changed, because its own weights changed, or because the "
        "layers below give it other inputs, and the three parts add up exactly to the black mark. Look which colour is "
        "longest, and how short all of it is in an ordinary step.",
        step_movement_figure(opened),
    )
