"""Where a run died, opened by a replay for its report."""

from __future__ import annotations

from pathlib import Path

from diagnostics.replay import ReplayError, replay
from diagnostics.replay.opened import open_origin, seconds_to_origin
from diagnostics.run.run import Run
from reports.pages.run_page import Origin
from reports.text.numbers import seconds

LONGEST_REPLAY = 10.0
"""Seconds, going by the log, that a report spends on training a run again."""


def origin_of(run: Run, data: Path | None = None) -> Origin:
    """The steps at which the run died, opened; why they cannot be, in one line; None where nothing died.

    ``data``: the folder of the data to replay with; None (default) for those that the log names.
    """
    if run.info.is_imported or not run.diagnosis.chain:
        return None
    try:
        replayed = replay(run, data)
        needed = seconds_to_origin(replayed)
        if needed > LONGEST_REPLAY:
            return f"A replay would take about {seconds(needed)}: lenet-diag replay {run.path} makes it."
        return open_origin(replayed)
    except ReplayError as error:
        return f"The run cannot be replayed: {error}."
