"""Recorder: the hook that measures every step, judges it, and keeps it in a log.

``Recorder("runs/x.h5")`` among the hooks of ``model.train`` is all it takes.
Without a path it only measures and judges. It changes nothing about training.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from time import perf_counter_ns
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.detect.rollback_remedies import DEFAULT_REMEDY
from diagnostics.detect.thresholds import Thresholds
from diagnostics.errors import CheckpointError, DiagnosticsError
from diagnostics.files import readable_name
from diagnostics.log.checkpoints import Checkpoint
from diagnostics.log.names import check_log_path
from diagnostics.log.plausible import plain_settings
from diagnostics.log.resume import ResumePoint, prepare_resume
from diagnostics.log.run_log import Policy, RunLog
from diagnostics.measure.activation_layout import DESCRIPTION
from diagnostics.measure.compiler import measuring_code
from diagnostics.measure.meter import Meter, StepMeter
from diagnostics.measure.snapshots import SnapshotPlan
from diagnostics.provenance import data_digest
from diagnostics.provenance import environment as surroundings
from diagnostics.record.events import Judge, Note, TakesVerdict
from diagnostics.record.options import DefectPolicy, RecordingOptions
from diagnostics.record.rollback import Turner, go_on_turned
from diagnostics.schema.columns import Columns
from diagnostics.schema.header import Header
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import DEFAULT_TASK, LOSS_ONLY, TargetCounter, Task
from diagnostics.views import ShownInNotebooks
from lenet.errors import SettingsError, reason_of
from lenet.hooks import (
    ActivationsReady,
    EpochEnd,
    GradientsReady,
    Hook,
    RunEnd,
    RunStart,
    StepEnd,
    StepStart,
    StopTraining,
    TurnedBack,
    UpdateDone,
    ValidationEnd,
)
from lenet.model import Model

log = logging.getLogger("lenet-diag")
CHECKPOINT_EVERY = 100
Handler = TypeVar("Handler", bound=Callable[..., None])


def _timed(handler: Handler) -> Handler:
    """Adds what the handler took to the recorder's cost."""

    @wraps(handler)
    def timed(self: Recorder, event: Any) -> None:
        started = perf_counter_ns()
        try:
            handler(self, event)
        finally:
            self.cost += (perf_counter_ns() - started) / 1000

    return cast("Handler", timed)


class Recorder(Hook, ShownInNotebooks):
    """The hook that measures, judges and logs one run. It may be used for one training after another.

    ``path``: the log; None (default) measures and judges without one.
    ``overwrite``: whether a log of the same name is replaced; False (default) makes it an error.
    ``log_every``: steps from one row of the log to the next, at least 1; default 1.
    ``histograms_every``: steps from one snapshot of histograms, silent units and first kernels to the next; 0 takes
    none; default 25.
    ``settings``: what the log says the run was trained with, plain types; None (default) for nothing.
    ``environment``: what the log says of data and surroundings beside what is found out here; None (default) for
    nothing.
    ``on_error``: "continue" (default) or "stop": what training does when the log cannot be written any more.
    ``on_defect``: "continue", "stop" or "rollback": what training does when a defect is confirmed. None (default) is
    "continue", or what the log of a resumed run says. A rollback needs a model and a path.
    ``rollback_with``: the remedy that a run goes on with when it is turned back; default "quarter-rate".
    ``rollback_reshuffle``: whether the samples that are left then get a new order; default False.
    ``detector``: True (default) judges by the default thresholds (a resumed run by those of its log), Thresholds by
    these; False does not judge.
    ``model``: the model that is trained, which checkpoints need; None (default) saves none.
    ``checkpoint_every``: steps from one checkpoint of the exact state to the next; 0 saves none. None (default) is
    100 steps where there are a model and a path, or as often as the log of a resumed run says.
    ``tracker``: it is told the verdict when the run ends; None (default) for no tracker.
    ``task``: what the network is trained for; None (default) for classes with cross-entropy. Where neither the labels
    nor the task say what guessing has, that is counted from the :meth:`targets` of the first W steps.
    ``not_recorded``: what the training loop does not tell, so that it gets no columns: "accuracy", "gradients",
    "learning_rate" or "inputs"; default nothing.

    During and after training:

    ``info``: what was known of the run before its first step; None before training.
    ``step``: the last step that was measured; -1 before the first.
    ``latest``: its row, overwritten by the next step; None before the first.
    ``cost``: the time spent here, in microseconds.
    ``diagnosis``: the detector's diagnosis of the whole run; None until the end.

    Raises SettingsError for options that cannot be. Raises LogWriteError, before training, where the log cannot
    be made.
    """

    info: RunInfo | None = None
    latest: NDArray[np.float32] | None
    diagnosis: Diagnosis | None
    _judge: Judge | None
    _checkpointed: int
    _turner: Turner | None
    _meter: Meter
    _counter: TargetCounter | None

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        overwrite: bool = False,
        log_every: int = 1,
        histograms_every: int = 25,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        on_error: Policy = "continue",
        on_defect: DefectPolicy | None = None,
        detector: bool | Thresholds = True,
        model: Model | None = None,
        checkpoint_every: int | None = None,
        tracker: TakesVerdict | None = None,
        rollback_with: str = DEFAULT_REMEDY,
        rollback_reshuffle: bool = False,
        task: Task | None = None,
        not_recorded: Collection[str] = (),
    ) -> None:
        self._options = RecordingOptions(
            overwrite,
            log_every,
            histograms_every,
            checkpoint_every,
            on_error,
            on_defect,
            detector,
            rollback_with,
            rollback_reshuffle,
        )
        self.path = Path(path) if path is not None else None
        self._settings, self._environment = plain_settings(settings or {}), dict(environment or {})
        self._model, self._tracker = model, tracker
        self.task, self.not_recorded = task or DEFAULT_TASK, tuple(not_recorded)
        can_checkpoint = model is not None and path is not None
        if checkpoint_every and not can_checkpoint:
            raise ValueError("checkpoints need a model and a path")
        if on_defect == "rollback" and not can_checkpoint:
            raise SettingsError("Recorder: on_defect: received 'rollback' without a model and a path, which it needs")
        usual = CHECKPOINT_EVERY if can_checkpoint else 0
        self._checkpoint_every = usual if checkpoint_every is None else checkpoint_every
        self._log_every = log_every
        self._plan = SnapshotPlan(histograms_every)
        self._resume: ResumePoint | None = None
        self._begin()

    def __repr__(self) -> str:
        what = f"into {self.path}" if self.path else "without a log"
        if self.info is None:
            return f"<Recorder {what}: before training>"
        return f"<Recorder {what}: step {self.step}, {self.verdict or 'not judged'}>"

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the run, or on what it has done so far; None before training, and where nothing is judged."""
        if self.diagnosis is not None:
            return self.diagnosis.verdict
        return None if self._judge is None else self._judge.detector.verdict_so_far

    @property
    def detector(self) -> Detector | None:
        """The detector, seven rows behind at most; None before training, and where none was wanted."""
        return self._judge.detector if self._judge else None

    @property
    def rollbacks(self) -> tuple[Rollback, ...]:
        """Where the run was turned back, in order."""
        return self._judge.rollbacks if self._judge else ()

    @property
    def log_failure(self) -> str | None:
        """Why the log stopped before the run ended, or will not be found; None where neither is so."""
        return self._log.failure if hasattr(self, "_log") else None

    @property
    def log_is_lost(self) -> bool:
        """Whether the log was removed or replaced while it was written."""
        return hasattr(self, "_log") and self._log.is_lost

    def check(self) -> None:
        """Raise LogWriteError now if the log could not be made."""
        self._check_path(self._resume)

    def resume(self, model: Model, *, extend: bool = False) -> int:
        """Restore ``model`` from the last checkpoint of the log; returns the step it goes on from.

        ``extend``: whether a run that has ended may go on too, with more epochs or steps than before; default False.

        Rows and snapshots come as often as before, whatever this recorder was made with. So do checkpoints and
        thresholds, unless this recorder was made with others. Raises LogError or CheckpointError where the run
        cannot be continued, and DiagnosticsError where the data are known to be others.
        """
        if self.path is None:
            raise DiagnosticsError("nothing to resume: the recorder has no path")
        resume = prepare_resume(self.path, extend=extend)
        self.path = resume.path  # the log itself, where this was a link to it
        header = resume.run.header
        then, now = (known.get("data_checksum") for known in (header.info.environment, self._environment))
        if then and now and then != now:
            raise DiagnosticsError(
                f"{self.path}: was trained on other data than those here now (checksum {then[:8]}, here {now[:8]}); "
                "give the same data, or start a new run"
            )
        self._resume = resume
        self._model = model
        self._options = self._options.resumed(header.on_defect)
        self._log_every, self._plan = header.log_every, SnapshotPlan(header.histograms_every)
        if self._options.checkpoint_every is None and self._checkpoint_every and header.checkpoint_every:
            self._checkpoint_every = header.checkpoint_every
        model.restore(resume.checkpoint.model)
        return resume.step

    def wants(self, step: int) -> bool:
        """Every ``log_every`` steps."""
        return step % self._log_every == 0

    @_timed
    def on_run_start(self, event: RunStart) -> None:
        """Make the log; take in what came before, where the run is continued."""
        resume, self._resume = self._resume, None
        self._begin()
        if resume is not None and event.first_step != resume.step:
            raise DiagnosticsError(f"the model goes on from step {event.first_step}, its log from {resume.step}")
        self._check_path(resume)
        environment = {**surroundings(event.threads), **self._environment}
        if event.inputs is not None and event.labels is not None and "data_checksum" not in environment:
            environment["data_digest"] = data_digest(event.inputs, event.labels)
        if lacks := list(
            dict.fromkeys([*event.description.get("not_recorded", ()), *self.not_recorded, *self._untold(event)])
        ):
            event = replace(event, description={**event.description, "not_recorded": lacks})
        self.info = info = RunInfo.from_start(
            event,
            settings=self._settings,
            environment=environment,
            task=self.task,
            **self._options.judged_by(event.batch_size, resume.run.info if resume else None),
            recorded_columns=self._columns(event),
        )
        header = Header(
            info,
            subsample=DESCRIPTION,
            measuring=self._measuring(),
            log_every=self._log_every,
            histograms_every=self._plan.every,
            checkpoint_every=self._checkpoint_every,
            on_defect=self._options.on_defect_words,
            digest_start=event.digest,
        )
        if math.isnan(info.guessing[0]) and info.task.kind != LOSS_ONLY:
            self._counter = TargetCounter(info.task)
        self._meter = self._make_meter(info)
        if resume is not None:
            self._restore(resume.checkpoint)  # before there is a log: a checkpoint may be refused
        self._log = RunLog(
            self.path, header, overwrite=self._options.overwrite, resume=resume, on_error=self._options.on_error
        )
        self._is_recording = True
        if self._options.detector is not False:
            waits = self._counter is not None
            self._judge = Judge(info, readable_name(self.path.stem) if self.path else "run", holds=waits)
        if self._options.on_defect == "rollback" and self._model is not None:
            self._turner = Turner(self._options, self._model, info, self._log)
        if resume is not None:
            self._go_on(resume)

    def targets(self, targets: NDArray[Any]) -> None:
        """The targets of the step under way, which tell what guessing has where nothing else does.

        ``targets``: (n,) classes, (n, k) one-hot, or numbers of a regression (n, ...). Only those of the first W
        steps count, and only where it is not known yet. Raises SettingsError for what are no targets of the task.
        """
        if self._counter is not None:
            self._counter.add(targets)

    @_timed
    def on_step_start(self, event: StepStart) -> None:
        """Between two steps, when all is told of the one before: the moment for a checkpoint."""
        every = self._checkpoint_every
        if every and self._model is not None and event.step // every > self._checkpointed:
            self._checkpointed = event.step // every
            if self._judge is not None:
                self._tell(self._judge, self._judge.judge_waiting())
            state = {**self._meter.state(), **self._plan.state()}
            healthy = self._judge is None or not self._judge.is_defect
            self._log.checkpoint(event.step, self._model, state, healthy)

    @_timed
    def on_activations_ready(self, event: ActivationsReady) -> None:
        """Measure."""
        self._meter.activations(event)

    @_timed
    def on_gradients_ready(self, event: GradientsReady) -> None:
        """Measure."""
        self._meter.gradients(event, keep=self._plan.wants(event.step))

    @_timed
    def on_update_done(self, event: UpdateDone) -> None:
        """Measure."""
        self._meter.update(event)

    @_timed
    def on_step_end(self, event: StepEnd) -> None:
        """Log the row, and judge the very same row. May raise StopTraining."""
        step = event.step
        row = self._meter.finish(event)
        self.step, self.latest = step, row
        self._log.row(step, event.epoch, row)
        if self._counter is not None and (self._counter.is_empty or self._sees_window(step)):
            self._settle()
        if self._judge is not None:
            self._tell(self._judge, self._judge.observe(step, event.epoch, row))
        if self._plan.wants(step) and self._log.is_open:
            self._log.snapshot(step, self._plan.is_extra(step), self._meter.snapshot())
        if self._judge is not None and self._judge.is_defect:
            if self._options.on_defect == "stop":
                raise StopTraining(f"a defect was confirmed at step {step}")
            if self._turner is not None:
                self._turner.ask(step, self._judge)

    @_timed
    def on_epoch_end(self, event: EpochEnd) -> None:
        """Log the epoch."""
        self._log.epoch(event)

    @_timed
    def on_validation_end(self, event: ValidationEnd) -> None:
        """Log the validation, and tell the detector. After the run its log is closed, and nothing is added to it."""
        if not self._is_recording:
            return
        self._log.validation(event)
        if self._judge is not None:
            self._judge.detector.validation(event.epoch, event.loss, event.accuracy)

    @_timed
    def on_turned_back(self, event: TurnedBack) -> None:
        """Undo what is known of the steps that are undone, and switch on the remedy."""
        if event.after < event.step:  # a resumed run has got back the order of its samples
            return
        turn = self._turner.take() if self._turner is not None else None
        if turn is None or self._judge is None or self.info is None:
            raise DiagnosticsError("the run was turned back by another hook than its recorder, whose log cannot follow")
        self._log.turn_back(turn.rollback, event.reason)
        self._meter, self._plan = self._make_meter(self.info), SnapshotPlan(self._plan.every)
        self._restore(turn.checkpoint)
        self._checkpointed = event.step // max(1, self._checkpoint_every)
        self._judge = Judge(self.info, self._judge.detector.name)
        self._judge.catch_up(turn.run, event.step)
        self._judge.rollbacks += (turn.rollback,)
        self.step = event.step - 1

    @_timed
    def on_run_end(self, event: RunEnd) -> None:
        """Take the detector's diagnosis of the whole run, and close the log."""
        if not self._is_recording:  # the run failed before it began
            return
        self._is_recording = False
        if self._counter is not None:
            self._settle()
        if self._judge is not None:
            self._tell(self._judge, self._judge.judge_waiting())
            self.diagnosis, note = self._judge.finish(event.status, event.steps)
            self._log.note(event.steps, **note)
            self._tell_tracker(self.diagnosis)
        self._log.close(event, self.cost)

    # ---- what a recorder of rows that are measured elsewhere does in another way

    def _columns(self, start: RunStart) -> Columns | None:
        """The columns of the rows; None for those that are declared."""
        lacks = start.description.get("not_recorded")
        return Columns.declare(start.tensors, start.layers, without=lacks) if lacks else None

    def _make_meter(self, info: RunInfo) -> Meter:
        """What measures the steps of the run."""
        return StepMeter(info)

    def _measuring(self) -> str:
        """The code that measures, as the log names it."""
        return measuring_code()

    # ---- inside

    def _untold(self, event: RunStart) -> list[str]:
        """What the training loop does not tell, by the task and by the layers."""
        accuracy = [] if self.task.has_classes else ["accuracy"]
        return accuracy if event.layers else [*accuracy, "activations"]

    def _sees_window(self, step: int) -> bool:
        """Whether W steps were made with this one."""
        return self.info is not None and step + 1 >= self.info.window

    def _settle(self) -> None:
        """Take what the targets so far say of guessing, and judge the rows that waited for it."""
        counter, self._counter = self._counter, None
        if counter is None or self.info is None:
            return
        self.info = replace(self.info, task=counter.counted())
        self._log.change(task=self.info.task)
        if self._judge is not None:
            self._tell(self._judge, self._judge.begin(self.info))

    def _tell(self, judge: Judge, notes: Sequence[Note]) -> None:
        """Log what was found, and keep what it shows."""
        if any(note["severity"] != "info" for note in notes):
            self._plan.fired(self.step)
        for note in notes:
            self._log.note(**note)
        if notes and judge.onset is not None:
            self._log.keep_checkpoint_before(judge.onset)

    def _tell_tracker(self, diagnosis: Diagnosis) -> None:
        """Tell the tracker the verdict; a tracker that cannot take it costs neither the log nor the run."""
        if self._tracker is not None:
            try:
                self._tracker.record_verdict(diagnosis.verdict)
            except Exception as error:
                log.warning("the tracker was not told the verdict: %s", reason_of(error))

    def _check_path(self, resume: ResumePoint | None) -> None:
        if self.path is not None:
            check_log_path(self.path, overwrite=self._options.overwrite or resume is not None)

    def _begin(self) -> None:
        """As before any training."""
        self.cost = 0.0
        self.step = -1
        self.latest = self.diagnosis = self._judge = None
        self._is_recording = False
        self._plan = SnapshotPlan(self._plan.every)
        self._checkpointed = -1
        self._turner = None
        self._counter = None

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

    def _go_on(self, resume: ResumePoint) -> None:
        """Bring the detector to where it was before the step that comes next, and all else that a rollback changed."""
        self._checkpointed = resume.step // max(1, self._checkpoint_every)
        if self._judge is not None and (resume.step > 0 or resume.run.rollbacks):
            self._judge.catch_up(resume.run, resume.step)
            if self._judge.onset is not None:
                self._log.keep_checkpoint_before(self._judge.onset)
        if self._model is not None and self.info is not None:
            go_on_turned(self._model, self.info, resume)
