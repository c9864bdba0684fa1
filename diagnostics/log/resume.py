"""Going on with a run that was interrupted: what to trust of its log, and where to start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostics.errors import CheckpointError, LogBusyError, LogError
from diagnostics.log.checkpoints import Checkpoint, CheckpointRing
from diagnostics.log.locks import has_writer, real_path
from diagnostics.log.names import checkpoint_folder
from diagnostics.log.reader import open_run
from diagnostics.run.run import Run
from diagnostics.run.source import Source
from diagnostics.run.timeline import Timeline
from diagnostics.schema.tables import DIGESTS


@dataclass(frozen=True)
class ResumePoint:
    """Where an interrupted run can be continued.

    ``path``: its log.
    ``run``: the run until now.
    ``checkpoint``: the state to continue from.
    """

    path: Path
    run: Run
    checkpoint: Checkpoint

    @property
    def step(self) -> int:
        """The first step to do."""
        return self.checkpoint.step

    @property
    def recorded(self) -> Source:
        """All rows and tables of the log, undone ones included."""
        source = self.run.source
        return source.recorded if isinstance(source, Timeline) else source

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of ``lenet-diag train`` it was started with."""
        return self.run.info.settings


def prepare_resume(path: str | os.PathLike[str], *, extend: bool = False) -> ResumePoint:
    """Find the newest checkpoint up to which every row of the log can be trusted.

    path: the log, which is not changed.
    extend: whether a run that is complete can be continued too; default False.

    Raises LogError where the log cannot be read, is being written or is complete, and CheckpointError where there is
    nothing to go on from.
    """
    file = real_path(Path(path))
    if has_writer(file):
        raise LogBusyError(f"{file}: is being written by another process; wait for it, or stop it")
    run = open_run(file)
    if run.status == "unclear":
        raise LogBusyError(
            f"{file}: cannot tell whether a writer lives: its file system has no locks; see to it that none does, then "
            "lenet-diag repair --force, which makes it a log to go on with"
        )
    if run.status == "completed" and not extend:
        more = f"a larger --epochs, such as {run.info.epochs + 1}, extends it"
        raise LogError(f"{file}: the run is complete, there is nothing to resume; {more}")
    steps = run.index["step"]
    reached = int(steps[-1]) + run.header.log_every if len(steps) else 0
    ring = CheckpointRing(checkpoint_folder(file), run.header.run_id)
    if not run.rollbacks:
        return ResumePoint(file, run, ring.newest(reached))
    turned_back_to = run.rollbacks[-1].step
    checkpoint = ring.newest(max(reached, turned_back_to), listed_checkpoints(run))
    if checkpoint.step < turned_back_to:
        raise CheckpointError(
            f"{file}: was turned back to step {turned_back_to}, and no checkpoint since then is there; train anew"
        )
    return ResumePoint(file, run, checkpoint)


def listed_checkpoints(run: Run) -> dict[int, str]:
    """The SHA-256 of the files of all checkpoints that are part of a run, by step; those of undone steps are not."""
    return {int(row["step"]): row["file"].decode() for row in run.source.table(DIGESTS)}
