"""A run of classes whose log does not have their shares, with the shares that a user says.

The recorder counts the classes in the labels that it is given. A loop of one's own may give it none; then nobody can
say how far its losses are from guessing, until somebody says the shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from diagnostics.run.run import Run
from diagnostics.run.source import Source
from diagnostics.run.timeline import Timeline
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo


def lacks_shares(info: RunInfo) -> bool:
    """Whether a run has classes, and the shares of them are not known."""
    return info.task.has_classes and any(math.isnan(share) for share in info.prior)


def with_shares(run: Run, shares: Sequence[float]) -> Run:
    """The same run, judged with the shares of the classes that a user says.

    ``shares``: (classes,), the share of each class.
    """
    recorded = run.source.recorded if isinstance(run.source, Timeline) else run.source
    completed = Run(SaidShares(recorded, shares), run.name, run.path)
    completed.notes = run.notes
    return completed


class SaidShares(Timeline):
    """The rows of ``recorded`` that are part of the run; its header has the shares of the classes.

    ``recorded``: the rows and tables as they were written.
    ``shares``: (classes,), the share of each class.
    """

    def __init__(self, recorded: Source, shares: Sequence[float]) -> None:
        super().__init__(recorded)
        self._shares = tuple(shares)
        self._as_written: Header | None = None

    @property
    def header(self) -> Header:
        """The header with the shares; it is made anew only where the written one has changed."""
        written = super().header
        if written is not self._as_written:
            self._as_written = written
            self._completed = replace(written, info=replace(written.info, prior=self._shares))
        return self._completed
