"""Where the run of each summary of a folder is: its file, its number in the file, and its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diagnostics.imports import ImportOptions
    from diagnostics.run.run import Run
    from diagnostics.statistics.run_summary import RunSummary


@dataclass(frozen=True)
class RunPlace:
    """Where the run of a summary is.

    name: the name in the summary.
    path: its file.
    number: which of the runs in the file it is, from 0.
    """

    name: str
    path: Path
    number: int

    @property
    def run_name(self) -> str:
        """The name of the run, and of the folder of its page."""
        return self.name.removesuffix(".h5")

    def open(self, options: ImportOptions | None) -> Run:
        """The run, which has its name among all runs of the folder. Raises LogError."""
        from diagnostics.imports import open_runs

        run = open_runs(self.path, options)[self.number]
        run.name = self.run_name
        return run


def places_of(summaries: Sequence[RunSummary]) -> dict[str, RunPlace]:
    """Where the run of each summary is, by the names of the summaries; those of one file are in its order."""
    before = Counter[str]()
    places = {}
    for one in summaries:
        places[one.name] = RunPlace(one.name, Path(one.path), before[one.path])
        before[one.path] += 1
    return places
