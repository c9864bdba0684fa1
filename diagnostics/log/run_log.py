"""RunLog: the log of a run and its checkpoints, as the recorder writes them; both may fail while training goes on."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import CheckpointError, LogError, LogWriteError
from diagnostics.log.checkpoints import Checkpoint, CheckpointRing
from diagnostics.log.names import checkpoint_folder, name_before_resume
from diagnostics.log.resume import ResumePoint, listed_checkpoints
from diagnostics.log.writer import LogWriter
from diagnostics.run.run import Run
from diagnostics.run.timeline import Timeline
from diagnostics.schema.datasets import Table
from diagnostics.schema.header import Header
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.tables import CHECKPOINTS, DIGESTS, EPOCHS, VALIDATIONS
from diagnostics.signals import ended_by
from lenet.errors import reason_of
from lenet.hooks import EpochEnd, RunEnd, ValidationEnd

Policy = Literal["continue", "stop"]
"""What is done at a fault: training goes on, or it stops."""
log = logging.getLogger("lenet-diag")


class HasState(Protocol):
    """A model, as far as checkpoints need it."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that training depends on."""


class RunLog:
    """Writes the log and the checkpoints of a run, until one of them fails.

    ``path``: the log; None for none, and then nothing here does anything.
    ``header``: its attributes.
    ``overwrite``: whether a log of this name is replaced.
    ``resume``: where the run is continued; None for a new run.
    ``on_error``: with "continue" a failure is one warning, with "stop" it is raised.
    """

    def __init__(
        self, path: Path | None, header: Header, *, overwrite: bool, resume: ResumePoint | None, on_error: Policy
    ) -> None:
        self._on_error = on_error
        self._writer: LogWriter | None = None
        self._ring: CheckpointRing | None = None
        if path is None:
            return
        if resume is None:
            self._writer = LogWriter(path, header, overwrite=overwrite)
        else:
            header = header.continued(resume.run.header)
            old = name_before_resume(path)
            self._writer = LogWriter(path, header, keep_old_as=old, copy_of=resume.recorded, before=resume.step)
        self._ring = CheckpointRing(checkpoint_folder(path), header.run_id, header.info.steps_per_epoch)
        if resume is None:
            self._ring.clear()
        else:
            ended = f"{resume.run.status} after {resume.run.steps_made} steps, resumed before step {resume.step}"
            self.note(resume.step, "resume", f"{ended}; the log until then is {old.name}")

    @property
    def is_open(self) -> bool:
        """Whether what comes next will be written."""
        return self._writer is not None and self._writer.is_open

    @property
    def failure(self) -> str | None:
        """Why it does not hold the whole run, or will not be found; None while all is well."""
        return (self._writer.loss or self._writer.failure) if self._writer is not None else None

    @property
    def is_lost(self) -> bool:
        """Whether the file that is written does not stand at its path any more."""
        return self._writer is not None and self._writer.loss is not None

    def row(self, step: int, epoch: int, values: NDArray[np.float32]) -> None:
        """One row."""
        if self._writer is not None:
            try:
                self._writer.row(step, epoch, values)
            except LogWriteError as error:
                self._complain(error)

    def change(self, **attributes: Any) -> None:
        """Rewrite attributes that may change while the run goes on."""
        if self._writer is not None:
            self._attempt(self._writer.change, **attributes)

    def note(self, step: int, event: str, message: str, **fields: Any) -> None:
        """One event. All events but those of rules are written to the file at once."""
        if self._writer is not None:
            self._writer.event(step, event, message, **fields)
            if event != "rule":
                self._attempt(self._writer.flush)

    def snapshot(self, step: int, extra: bool, arrays: dict[str, NDArray[Any]]) -> None:
        """One snapshot."""
        if self._writer is not None:
            self._writer.snapshot(step, extra, arrays)

    def epoch(self, event: EpochEnd) -> None:
        """One epoch, put on disk."""
        if self._writer is not None:
            self._writer.add(EPOCHS, **_fields_of(EPOCHS, event))
            self._attempt(self._writer.flush, sync=True)

    def validation(self, event: ValidationEnd) -> None:
        """One validation; epoch -1 is one of the finished model."""
        if self._writer is not None:
            epoch = -1 if event.epoch is None else event.epoch
            self._writer.add(VALIDATIONS, **{**_fields_of(VALIDATIONS, event), "epoch": epoch})
            right = "" if math.isnan(event.accuracy) else f"accuracy {event.accuracy:.4f}, "
            message = f"validation {right}loss {event.loss:.4f}"
            self.note(event.step, "validation", message, value=event.accuracy)

    def checkpoint(self, step: int, model: HasState, recorder: Mapping[str, NDArray[Any]], healthy: bool) -> None:
        """The state before ``step``; the rows before it are put on disk first, so that it can be used."""
        if self._writer is None or self._ring is None:
            return
        self._attempt(self._writer.flush, sync=True)
        if self._writer.failure is not None:
            return
        state = model.state()
        try:
            file, content = self._ring.save(step, state, recorder)
        except OSError as error:
            ring, self._ring = self._ring, None
            self._complain(LogWriteError(f"{ring.folder}: no more checkpoints: {reason_of(error)}"))
            return
        self._writer.add(CHECKPOINTS, step=step, file=file.name, bytes=len(content), healthy=healthy)
        parameters = sha256(state["parameters"].tobytes()).hexdigest()
        self._writer.add(DIGESTS, step=step, file=sha256(content).hexdigest(), parameters=parameters)
        self.note(step, "checkpoint", file.name, severity="info")

    def keep_checkpoint_before(self, onset: int) -> None:
        """The last checkpoint before a defect is not removed any more."""
        if self._ring is not None:
            self._ring.pin_before(onset)

    def run_so_far(self) -> Run:
        """The run as far as it is in the log. Raises LogError where there is none."""
        if self._writer is not None:
            self._attempt(self._writer.flush)
        if self._writer is None or not self._writer.is_open:
            raise LogError("there is no log that says what became of its steps")
        return Run(Timeline(self._writer.source()), self._writer.path.stem, self._writer.path)

    def checkpoint_before(self, step: int, run: Run) -> Checkpoint:
        """The newest state at or before ``step`` that is part of the run. Raises CheckpointError."""
        if self._ring is None:
            raise CheckpointError("there are no checkpoints")
        return self._ring.newest(step, listed_checkpoints(run))

    def turn_back(self, rollback: Rollback, message: str) -> None:
        """Say that the run goes on from an earlier state; then remove the checkpoints of steps that are undone."""
        if self._writer is None or self._ring is None:
            return
        self._attempt(self._writer.turn_back, rollback)
        if self._writer.is_open:
            self._ring.forget_after(rollback.step)
            self.note(rollback.step, "rollback", message, rule=rollback.kind, severity="error", value=rollback.value)

    def close(self, end: RunEnd, cost: float) -> None:
        """The run is over; ``cost`` in microseconds."""
        if self._writer is None:
            return
        interrupted_by = ended_by(end.error)
        reason = f": {interrupted_by or end.reason}" if end.reason else ""
        event = "end" if end.status == "completed" else "interruption"
        self._writer.event(end.steps, event, f"{end.status} after {end.steps} steps{reason}", rule=interrupted_by)
        self._attempt(
            self._writer.close, end.status, digest_end=end.digest, seconds=end.seconds, cost_seconds=cost / 1e6
        )
        if self._ring is not None and end.status == "completed":
            with contextlib.suppress(OSError):
                self._ring.finish()

    def _attempt(self, action: Callable[..., None], *arguments: Any, **named: Any) -> None:
        try:
            action(*arguments, **named)
        except LogWriteError as error:
            self._complain(error)

    def _complain(self, error: LogWriteError) -> None:
        if self._on_error == "stop":
            raise error
        log.warning("%s; training goes on without", error)


def _fields_of(table: Table, event: EpochEnd | ValidationEnd) -> dict[str, Any]:
    """The fields of a table that an event says, by their names."""
    return {field.name: getattr(event, field.name) for field in table.fields if hasattr(event, field.name)}
