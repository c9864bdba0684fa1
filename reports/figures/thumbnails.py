"""Small pictures for notebooks: the loss of a run, its defect stretches, and the defect rates of arms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from diagnostics.detect.findings import Diagnosis
from diagnostics.run.run import Run
from diagnostics.statistics.group import Group
from reports.figures import loss, rates, style
from reports.figures.curves import mark_stretches

WIDTH = 3.6
MARK = {**style.DIED_MARK, "markersize": 6}


@style.styled
def loss_thumbnail(run: Run) -> Figure | None:
    """The loss with defect stretches, a mark where the run died, and the level of guessing; None without steps."""
    if not len(run):
        return None
    data = loss.prepare(run)
    figure = style.new_figure(1.25, WIDTH)
    axes = figure.subplots()
    mark_stretches(axes, data.stretches, data.last_step)
    axes.plot(*data.loss, color=style.SKY, linewidth=0.6, marker=style.marker(data.loss[1]))
    axes.plot(*data.mean_loss, color=style.BLUE, linewidth=1.3)
    if np.isfinite(data.guess_loss):
        axes.axhline(data.guess_loss, **style.GUESSING, linewidth=0.9)
    if data.broke_at is not None:
        axes.plot([data.broke_at], [1.0], transform=axes.get_xaxis_transform(), clip_on=False, **MARK)
    style.log_axis(axes)
    axes.set_ylabel("loss", fontsize=8)
    style.step_axis(axes, label=False)
    axes.tick_params(labelsize=7)
    axes.set_xlim(*(0, data.last_step) if data.last_step else (-0.5, 0.5))
    return figure


@style.styled
def stretches_thumbnail(diagnosis: Diagnosis) -> Figure | None:
    """The steps as a bar, the defect stretches shaded, and a mark where the run died; None without steps."""
    if not diagnosis.steps:
        return None
    figure = style.new_figure(0.62, WIDTH)
    axes = figure.subplots()
    mark_stretches(axes, diagnosis.stretches, diagnosis.steps)
    if diagnosis.broke_at is not None:
        axes.plot([diagnosis.broke_at], [1.0], transform=axes.get_xaxis_transform(), clip_on=False, **MARK)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.set_xlim(0, diagnosis.steps)
    style.step_axis(axes, label=False)
    axes.tick_params(labelsize=7)
    return figure


@style.styled
def rates_thumbnail(groups: Sequence[Group]) -> Figure | None:
    """The defect rates of the arms with their intervals; None where no run was judged."""
    found = rates.prepare(groups)
    if not found:
        return None
    figure = style.new_figure(0.55 + 0.24 * len(found), WIDTH + 1.0)
    axes = figure.subplots()
    rates.draw(found, axes)
    axes.set_xlabel("runs that died, with 95 % interval", fontsize=8)
    axes.tick_params(labelsize=8)
    return figure
