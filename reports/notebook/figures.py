"""The ready figures of a run by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from matplotlib.figure import Figure

from diagnostics.arguments import expect_name
from diagnostics.replay import replay
from diagnostics.replay.opened import OpenedRun, open_origin
from diagnostics.run.run import Run
from reports.figures.chain import chain_figure
from reports.figures.heatmap import heatmap_figure
from reports.figures.loss import loss_figure
from reports.figures.step_batch import step_batch_figure
from reports.figures.step_line import step_line_figure
from reports.figures.step_movement import step_movement_figure
from reports.figures.step_units import step_units_figure

ORIGIN: dict[str, Callable[[OpenedRun], Figure]] = {
    "line": step_line_figure,
    "batch": step_batch_figure,
    "units": step_units_figure,
    "movement": step_movement_figure,
}


def figure(run: Run, name: str, data: str | os.PathLike[str] | None = None) -> Figure:
    """One of the figures of :class:`diagnostics.run.plots.RunPlots`; ``data`` as in its ``origin``.

    Raises ValueError for a figure that this run does not have.
    """
    kind, _, show = name.partition(" ")
    if kind == "origin":
        expect_name("show", show, ORIGIN)
        return ORIGIN[show](_opened(run, None if data is None else Path(data)))
    return FIGURES[kind](run)


def overview(run: Run) -> Figure:
    """The chain of events where there is one, else loss and accuracy."""
    return chain_figure(run) or loss_figure(run)


def chain(run: Run) -> Figure:
    """The chain of events. Raises ValueError for a run that has none."""
    drawn = chain_figure(run)
    if drawn is None:
        raise ValueError(f"{run.name}: has no chain of events (verdict: {run.verdict}); run.plot.loss() shows the run")
    return drawn


def layers(run: Run) -> Figure:
    """All layers over all steps. Raises ValueError for a run whose layers are not recorded."""
    if not run.columns.tensors:
        raise ValueError(f"{run.name}: its layers are not recorded; run.plot.loss() shows the run")
    return heatmap_figure(run)


FIGURES: dict[str, Callable[[Run], Figure]] = {
    "overview": overview,
    "loss": loss_figure,
    "chain": chain,
    "layers": layers,
}


@lru_cache(maxsize=1)
def _opened(run: Run, data: Path | None) -> OpenedRun:
    """The steps of the origin; kept, since four figures show them and each would replay the run."""
    return open_origin(replay(run, data))
