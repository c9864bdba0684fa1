"""The chain of events around the step at which the run died, layer by layer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.detect.findings import Diagnosis, Finding, Severity
from diagnostics.run.run import Run
from diagnostics.run.turning_point import Focus, focus
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array, extremes
from reports.text.events import chain_event, chain_event_in_layer, known_end
from reports.text.phrases import died_word

PLACE = Place("run", "why", 20)
WHOLE = "whole network"
NUMBER: dict[str, Any] = {
    "ha": "center",
    "va": "center_baseline",
    "color": "white",
    "fontsize": 8.5,
    "fontweight": "bold",
}
COLOURS = {Severity.ERROR: style.VERMILLION, Severity.WARNING: style.ORANGE, Severity.INFO: style.SKY}


@dataclass(frozen=True)
class Event:
    """One numbered event in its lane, cut at the edges of the window where it ``came_before`` or ``goes_on``."""

    number: int
    lane: int
    first: int
    last: int
    came_before: bool
    goes_on: bool
    label: str
    severity: Severity


@dataclass(frozen=True)
class ChainData:
    """Lanes from the input to the output, with one for the whole network at the end; events; the loss."""

    lanes: tuple[str, ...]
    events: tuple[Event, ...]
    loss: tuple[Array, Array]
    guess_loss: float
    focus: Focus
    unit: str = "nats"
    died: str = "died"


def prepare(run: Run) -> ChainData | None:
    """Number the events of the chain, in its order; None where there is no chain."""
    window = focus(run)
    findings = run.diagnosis.chain
    if window is None or not findings:
        return None
    layers = tuple(dict.fromkeys(layer for layer, _ in run.columns.tensors))
    other = tuple(dict.fromkeys(f.layer for f in findings if f.layer and f.layer not in layers))
    lanes = (*other, *layers, WHOLE)
    events = tuple(_event(i, f, lanes, window, run.diagnosis) for i, f in enumerate(findings, 1))
    part = run.between(window.first, window.last)
    loss = extremes(part.index["step"], part.scalars("data_loss")[:, 0])
    return ChainData(lanes, events, loss, run.info.guessing[0], window, run.info.task.unit, died_word(run))


def _event(i: int, finding: Finding, lanes: tuple[str, ...], window: Focus, diagnosis: Diagnosis) -> Event:
    end = known_end(finding, diagnosis)
    lane = lanes.index(finding.layer) if finding.layer in lanes else len(lanes) - 1
    return Event(
        number=i,
        lane=lane,
        first=min(max(finding.first_step, window.first), window.last),
        last=window.last if end is None else min(max(end, finding.first_step), window.last),
        came_before=finding.first_step < window.first,
        goes_on=end is None or end > window.last,
        label=chain_event(finding),
        severity=finding.severity,
    )


def draw(data: ChainData, top: Axes, lanes: Axes) -> None:
    """Loss on top, then a lane a layer with the numbered events as bars from their first to their last step."""
    top.plot(*data.loss, color=style.BLUE, marker="." if len(data.loss[0]) < 120 else "", markersize=4)
    top.axhline(data.guess_loss, **style.GUESSING, linewidth=1.0)
    top.set_ylabel(f"loss ({data.unit})" if data.unit else "loss")
    top.set_title("Loss; the dashed line is guessing")
    tops = _tops(data)
    for lane, (a, b) in enumerate(itertools.pairwise(tops)):
        lanes.axhspan(a, b, color="#F4F4F2" if lane % 2 else "white", zorder=0, linewidth=0)
    taken = [0] * len(data.lanes)
    for event in data.events:
        y = tops[event.lane] + 0.5 + taken[event.lane]
        taken[event.lane] += 1
        colour = COLOURS[event.severity]
        lanes.plot([event.first, event.last], [y, y], color=colour, linewidth=3.5, solid_capstyle="round", alpha=0.55)
        if event.goes_on:
            lanes.plot([event.last], [y], marker=">", color=colour, markersize=7, clip_on=False)
        x = float(event.first)
        if event.came_before:
            lanes.plot([x], [y], marker="<", color=colour, markersize=7, clip_on=False)
            x += 0.04 * (data.focus.last - data.focus.first)
        lanes.plot([x], [y], marker="o", markersize=14, color=colour, markeredgecolor="white", clip_on=False)
        lanes.annotate(str(event.number), (x, y), annotation_clip=False, **NUMBER)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(tops)]
    lanes.set_yticks(middles, data.lanes)
    lanes.set_ylim(tops[-1], 0)
    lanes.grid(axis="y", visible=False)
    for axes in (top, lanes):
        axes.axvline(data.focus.broke_at, **style.DIED, zorder=0)
    lanes.set_title(f"Events in each layer; dotted: step {data.focus.broke_at:,}, where the run {data.died}")
    lanes.set_xlim(data.focus.first - 0.5, data.focus.last + 0.5)
    style.step_axis(lanes)


def _tops(data: ChainData) -> list[int]:
    """The top of each lane, and the end of the last: the height of a lane is its number of events."""
    tops = [0]
    for lane in range(len(data.lanes)):
        tops.append(tops[-1] + max(1, sum(1 for e in data.events if e.lane == lane)))
    return tops


@style.styled
def chain_figure(run: Run) -> Figure | None:
    """The chain of events around the onset, layer by layer; None for a run without one."""
    data = prepare(run)
    if data is None:
        return None
    lane_height, listing = 0.28 * _tops(data)[-1], 0.2 * len(data.events)
    figure = style.new_figure(2.3 + lane_height + listing)
    heights = [1.2, lane_height, listing]
    top, lanes, words = figure.subplots(3, 1, height_ratios=heights)
    top.sharex(lanes)
    top.tick_params(labelbottom=False)
    draw(data, top, lanes)
    words.axis("off")
    for i, event in enumerate(data.events):
        y = 1 - (i + 0.5) / len(data.events)
        where = data.lanes[event.lane]
        words.text(0.0, y, f"{event.number}", fontweight="bold", va="center", color=style.BLACK)
        words.text(0.03, y, where, va="center", color=style.BLACK)
        words.text(0.22, y, event.label, va="center", color=style.BLACK)
    words.set_xlim(0, 1)
    words.set_ylim(0, 1)
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none for a run without a chain."""
    figure = chain_figure(run)
    if figure is not None:
        chain = enumerate(run.diagnosis.chain, 1)
        told = "; ".join(f"{i}, {chain_event_in_layer(finding, WHOLE)}" for i, finding in chain)
        yield CaptionedFigure(
            "2-chain-of-events",
            "What happened first, and what followed",
            f"Time line, one lane a layer; events numbered in the order in which they began, the verdict last: {told}.",
            "A circle marks the step at which an event began, its bar how long it lasted; an arrow stands where it "
            "went on or its end is not known. Below: the measured number and the limit it crossed.",
            figure,
        )
