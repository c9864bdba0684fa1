"""The data of a study's report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from diagnostics.run.run import Run
from diagnostics.statistics.comparison import Comparison
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary


@dataclass(frozen=True)
class StudyData:
    """A study, for its report.

    name: the name of its folder.
    groups: its arms with the summaries of their runs.
    comparisons: each arm against its control.
    open_run: opens the run of a summary.
    links: the addresses of the runs' own reports, by the names of their files.
    problems: a line for each file that was not counted.
    """

    name: str
    groups: Sequence[Group]
    comparisons: Sequence[Comparison]
    open_run: Callable[[RunSummary], Run]
    links: Mapping[str, str]
    problems: Sequence[str] = ()

    @property
    def runs(self) -> list[RunSummary]:
        """All runs of all arms."""
        return [run for group in self.groups for run in group.runs]
