"""What the file of a figure declares, and how reports find the figures: they read this folder.

A figure is one file here. It has

    PLACE              the place of the figure: its report, its section, and its order within it
    prepare(...)       the numbers that are drawn, from a run or from the runs of a study
    draw(...)          these numbers drawn into axes
    captioned(...)     the finished figures with their words, from a run, from its opened steps or from a study

A new figure needs no other declaration.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from matplotlib.figure import Figure

import reports.figures
from diagnostics.replay.opened import OpenedRun
from diagnostics.run.run import Run
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary

Report = Literal["run", "study", "origin"]


@dataclass(frozen=True)
class Place:
    """The place of a figure.

    report: the report of a run, that of a study, or the page of opened steps (which is also part of the first).
    section: the anchor of the section; ``opening`` is above the first one.
    position: figures of a section come in the order of their positions.
    needs_layers: whether it is left out of the report of a run whose layers are not recorded; default False.
    """

    report: Report
    section: str
    position: int
    needs_layers: bool = False


@dataclass(frozen=True)
class CaptionedFigure:
    """A drawn figure with its words.

    name: the name of its PNG file, without ending.
    title: the heading above it.
    alt: what it shows, for readers who do not see it.
    caption: how to read it.
    figure: the figure itself.
    """

    name: str
    title: str
    alt: str
    caption: str
    figure: Figure


class StudyRuns(Protocol):
    """The data for figures of a study: its arms, and a way to open one of their runs."""

    @property
    def groups(self) -> Sequence[Group]:
        """The arms with the summaries of their runs."""

    @property
    def open_run(self) -> Callable[[RunSummary], Run]:
        """Opens the run that a summary was made of."""


def figure_files(report: Report) -> list[Any]:
    """The modules of the figures of a report, in the order of their positions."""
    names = [found.name for found in pkgutil.iter_modules(reports.figures.__path__)]
    modules = [importlib.import_module(f"reports.figures.{name}") for name in names]
    placed = [one for one in modules if getattr(one, "PLACE", None) is not None and one.PLACE.report == report]
    return sorted(placed, key=lambda one: one.PLACE.position)


def figures_in(section: str, run: Run) -> Iterable[CaptionedFigure]:
    """The figures of one section of the report of a run."""
    return _captioned("run", section, run, has_layers=bool(run.columns.tensors))


def study_figures_in(section: str, study: StudyRuns) -> Iterable[CaptionedFigure]:
    """The figures of one section of the report of a study."""
    return _captioned("study", section, study)


def opened_figures_in(section: str, opened: OpenedRun) -> Iterable[CaptionedFigure]:
    """The figures of one section about steps that were opened side by side."""
    return _captioned("origin", section, opened)


def _captioned(report: Report, section: str, source: Any, has_layers: bool = True) -> Iterable[CaptionedFigure]:
    for module in figure_files(report):
        if module.PLACE.section == section and (has_layers or not module.PLACE.needs_layers):
            yield from module.captioned(source)
