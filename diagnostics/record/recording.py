"""Recording: one training that is measured, judged and logged, from its first step to its last."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Diagnosis
from diagnostics.errors import CheckpointError, DiagnosticsError
from diagnostics.files import readable_name
from diagnostics.log.checkpoints import Checkpoint
from diagnostics.log.resume import ResumePoint
from diagnostics.log.run_log import RunLog
from diagnostics.measure.meter import Meter
from diagnostics.measure.snapshots import SnapshotPlan
from diagnostics.record.events import Judge, Note, TakesVerdict
from diagnostics.record.options import RecordingOptions
from diagnostics.record.rollback import RollbackRequests, go_on_after_rollbacks
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.target_counter import TargetCounter
from diagnostics.schema.task import LOSS_ONLY
from lenet.errors import reason_of
from lenet.hooks import (
    ActivationsReady,
    EpochEnd,
    GradientsReady,
    Hook,
    RunEnd,
    StepEnd,
    StepStart,
    StopTraining,
    TurnedBack,
    UpdateDone,
    ValidationEnd,
)
from lenet.model import Model

log = logging.getLogger("lenet-diag")
MeterMaker = Callable[[RunInfo], Meter]


class Recording(Hook):
    """Takes the events of one training after its start, and keeps what is known of it.

    header: what is known of the run before its first step, and how it is recorded.
    path: its log; None measures and judges without one.
    options: what is done at a defect and at a failing log, and whether the run is judged.
    make_meter: makes what measures the steps.
    model: the model that is trained, for checkpoints and rollbacks; None without them.
    tracker: it is told the verdict at the end; None for no tracker.
    resume: where the run is continued; None for a new run.

    ``info`` is what is known of the run, ``step`` the last step that was measured (-1 before the first), ``latest`` its
    row, ``log`` its log, ``judge`` what judges it (None where nothing is judged), ``diagnosis`` that of the whole run
    (None until its end).

    Raises LogWriteError where the log cannot be made, and CheckpointError where the state to continue from is not one
    of a recorder.
    """

    def __init__(
        self,
        header: Header,
        path: Path | None,
        options: RecordingOptions,
        *,
        make_meter: MeterMaker,
        model: Model | None,
        tracker: TakesVerdict | None,
        resume: ResumePoint | None,
    ) -> None:
        self.info = info = header.info
        self.step = -1
        self.latest: NDArray[np.float32] | None = None
        self.diagnosis: Diagnosis | None = None
        self._options, self._model, self._tracker, self._make_meter = options, model, tracker, make_meter
        self._checkpoint_every, self._checkpointed = header.checkpoint_every or 0, -1
        is_unknown = math.isnan(info.guessing[0]) and info.task.kind != LOSS_ONLY
        self._counter = TargetCounter(info.task) if is_unknown else None
        self._meter, self._plan = make_meter(info), SnapshotPlan(header.histograms_every)
        if resume is not None:
            self._restore(resume.checkpoint)  # before there is a log: a checkpoint may be refused
        name = readable_name(path.stem) if path else "run"
        self.judge = Judge(info, name, holds=is_unknown) if options.detector is not False else None
        self.log = RunLog(path, header, overwrite=options.overwrite, resume=resume, on_error=options.on_error)
        self._rollbacks: RollbackRequests | None = None
        if options.on_defect == "rollback" and model is not None:
            self._rollbacks = RollbackRequests(options, model, info, self.log)
        self._has_ended = False

    @property
    def counts_targets(self) -> bool:
        """Whether :meth:`targets` are still counted, since the loss of guessing is not known yet."""
        return self._counter is not None

    def go_on(self, resume: ResumePoint) -> None:
        """Bring the detector to where it was before the step that comes next, and all else that a rollback changed.

        Raises ContinueFrom where a rollback gave the samples another order.
        """
        self._checkpointed = resume.step // max(1, self._checkpoint_every)
        if self.judge is not None and (resume.step > 0 or resume.run.rollbacks):
            self.judge.catch_up(resume.run, resume.step)
            if self.judge.onset is not None:
                self.log.keep_checkpoint_before(self.judge.onset)
        if self._model is not None:
            go_on_after_rollbacks(self._model, self.info, resume)

    def targets(self, targets: NDArray[Any]) -> None:
        """The targets of the step under way, see :meth:`Recorder.targets`."""
        if self._counter is not None:
            self._counter.add(targets)

    def on_step_start(self, event: StepStart) -> None:
        """Between two steps, when all is told of the one before: the moment for a checkpoint."""
        every = self._checkpoint_every
        if every and self._model is not None and event.step // every > self._checkpointed:
            self._checkpointed = event.step // every
            if self.judge is not None:
                self._tell(self.judge, self.judge.judge_waiting())
            state = {**self._meter.state(), **self._plan.state()}
            healthy = self.judge is None or not self.judge.is_defect
            self.log.checkpoint(event.step, self._model, state, healthy)

    def on_activations_ready(self, event: ActivationsReady) -> None:
        """Measure the outputs of the layers."""
        self._meter.activations(event)

    def on_gradients_ready(self, event: GradientsReady) -> None:
        """Measure the gradients."""
        self._meter.gradients(event, keep=self._plan.wants(event.step))

    def on_update_done(self, event: UpdateDone) -> None:
        """Measure the update."""
        self._meter.update(event)

    def on_step_end(self, event: StepEnd) -> None:
        """Log the row, and judge the very same row. May raise StopTraining."""
        step = event.step
        row = self._meter.finish(event)
        self.step, self.latest = step, row
        self.log.row(step, event.epoch, row)
        if self._counter is not None and (self._counter.is_empty or step + 1 >= self.info.window):
            self._settle()
        if self.judge is not None:
            self._tell(self.judge, self.judge.observe(step, event.epoch, row))
        if self._plan.wants(step) and self.log.is_open:
            self.log.snapshot(step, self._plan.is_extra(step), self._meter.snapshot())
        if self.judge is not None and self.judge.is_defect:
            if self._options.on_defect == "stop":
                raise StopTraining(f"a defect was confirmed at step {step}")
            if self._rollbacks is not None:
                self._rollbacks.ask(step, self.judge)

    def on_epoch_end(self, event: EpochEnd) -> None:
        """Log the epoch."""
        self.log.epoch(event)

    def on_validation_end(self, event: ValidationEnd) -> None:
        """Log the validation, and tell the detector. After the run its log is closed, and nothing is added to it."""
        if self._has_ended:
            return
        self.log.validation(event)
        if self.judge is not None:
            self.judge.detector.validation(event.epoch, event.loss, event.accuracy)

    def on_turned_back(self, event: TurnedBack) -> None:
        """Undo what is known of the steps that are undone, and switch on the remedy."""
        if event.after < event.step:  # a resumed run has got back the order of its samples
            return
        prepared = self._rollbacks.take() if self._rollbacks is not None else None
        if prepared is None or self.judge is None:
            raise DiagnosticsError("the run was turned back by another hook than its recorder, whose log cannot follow")
        self.log.turn_back(prepared.rollback, event.reason)
        self._meter, self._plan = self._make_meter(self.info), SnapshotPlan(self._plan.every)
        self._restore(prepared.checkpoint)
        self._checkpointed = event.step // max(1, self._checkpoint_every)
        self.judge = Judge(self.info, self.judge.detector.name)
        self.judge.catch_up(prepared.run, event.step)
        self.judge.rollbacks += (prepared.rollback,)
        self.step = event.step - 1

    def finish(self, event: RunEnd, cost: float) -> None:
        """Take the detector's diagnosis of the whole run, and close the log; ``cost`` in microseconds."""
        if self._has_ended:
            return
        self._has_ended = True
        self._settle()
        if self.judge is not None:
            self._tell(self.judge, self.judge.judge_waiting())
            self.diagnosis, note = self.judge.finish(event.status, event.steps)
            self.log.note(event.steps, **note)
            self._tell_tracker(self.diagnosis)
        self.log.close(event, cost)
        self._model = self._rollbacks = None

    # ---- inside

    def _settle(self) -> None:
        """Take what the targets so far say of guessing, and judge the rows that waited for it."""
        counter, self._counter = self._counter, None
        if counter is None:
            return
        self.info = replace(self.info, task=counter.counted())
        self.log.change(task=self.info.task)
        if self.judge is not None:
            self._tell(self.judge, self.judge.begin(self.info))

    def _tell(self, judge: Judge, notes: Sequence[Note]) -> None:
        """Log what was found, and keep what it shows."""
        if any(note["severity"] != "info" for note in notes):
            self._plan.fired(self.step)
        for note in notes:
            self.log.note(**note)
        if notes and judge.onset is not None:
            self.log.keep_checkpoint_before(judge.onset)

    def _tell_tracker(self, diagnosis: Diagnosis) -> None:
        """Tell the tracker the verdict; a tracker that cannot take it costs neither the log nor the run."""
        if self._tracker is not None:
            try:
                self._tracker.record_verdict(diagnosis.verdict)
            except Exception as error:
                log.warning("the tracker was not told the verdict: %s", reason_of(error))

    def _restore(self, checkpoint: Checkpoint) -> None:
        """Bring meter and snapshots to where they were. Raises CheckpointError where the checkpoint does not say it."""
        try:
            self._meter.restore(checkpoint.recorder)
            self._plan.restore(checkpoint.recorder)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise CheckpointError(
                f"the checkpoint before step {checkpoint.step} lacks what the recorder keeps in it ({error}); "
                "remove it to go on from the one before"
            ) from None
