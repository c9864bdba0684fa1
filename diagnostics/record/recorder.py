"""Recorder: the hook that measures every step, judges it, and keeps it in a log.

``Recorder("runs/x.h5")`` among the hooks of ``model.train`` is all it takes.
Without a path it only measures and judges. It changes nothing about training.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.detect.rollback_remedies import DEFAULT_REMEDY
from diagnostics.detect.thresholds import Thresholds
from diagnostics.errors import DiagnosticsError
from diagnostics.log.names import check_log_path
from diagnostics.log.plausible import plain_settings
from diagnostics.log.resume import ResumePoint, prepare_resume
from diagnostics.log.run_log import Policy
from diagnostics.measure.activation_layout import DESCRIPTION
from diagnostics.measure.compiler import measuring_code
from diagnostics.measure.meter import StepMeter
from diagnostics.provenance import data_digest
from diagnostics.provenance import environment as surroundings
from diagnostics.record.events import TakesVerdict
from diagnostics.record.options import DefectPolicy, RecordingOptions
from diagnostics.record.recording import MeterMaker, Recording
from diagnostics.record.timed_events import TimedEvents
from diagnostics.schema.columns import Columns
from diagnostics.schema.header import Header
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import DEFAULT_TASK, Task
from diagnostics.views import ShownInNotebooks
from lenet.errors import SettingsError
from lenet.hooks import RunStart
from lenet.model import Model

CHECKPOINT_EVERY = 100


class Recorder(TimedEvents, ShownInNotebooks):
    """The hook that measures, judges and logs one run. It may be used for one training after another.

    ``path``: the log, whose folder is made where it is missing; None (default) measures and judges without one.
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
    ``task``: what the network is trained for; None (default) for classes with cross-entropy. If neither the labels nor
    the task give the loss of guessing, it is counted from the :meth:`targets` of the first W steps.
    ``not_recorded``: what the training loop does not tell, so that it gets no columns: "accuracy", "gradients",
    "learning_rate" or "inputs"; default nothing.

    ``cost`` is the time that measuring, judging and writing took since training began, in microseconds.

    Raises SettingsError for options that cannot be. Raises LogWriteError, before training, where the log cannot
    be made.
    """

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
        # A model holds the recorder that is among its hooks: neither shall keep the other alive.
        self._model, self._tracker = weakref.ref(model) if model is not None else None, tracker
        self.task, self.not_recorded = task or DEFAULT_TASK, tuple(not_recorded)
        self._can_checkpoint = model is not None and path is not None
        if checkpoint_every and not self._can_checkpoint:
            raise ValueError("checkpoints need a model and a path")
        if on_defect == "rollback" and not self._can_checkpoint:
            raise SettingsError("Recorder: on_defect: received 'rollback' without a model and a path, which it needs")
        self._resume: ResumePoint | None = None

    def __repr__(self) -> str:
        what = f"into {self.path}" if self.path else "without a log"
        if self._recording is None:
            return f"<Recorder {what}: before training>"
        return f"<Recorder {what}: step {self.step}, {self.verdict or 'not judged'}>"

    @property
    def info(self) -> RunInfo | None:
        """What was known of the run before its first step; None before training."""
        return self._recording.info if self._recording else None

    @property
    def step(self) -> int:
        """The last step that was measured; -1 before the first."""
        return self._recording.step if self._recording else -1

    @property
    def latest(self) -> NDArray[np.float32] | None:
        """The row of the last step, overwritten by the next step; None before the first."""
        return self._recording.latest if self._recording else None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The detector's diagnosis of the whole run; None until the end, and where nothing is judged."""
        return self._recording.diagnosis if self._recording else None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the run, or on what it has done so far; None before training, and where nothing is judged."""
        if self.diagnosis is not None:
            return self.diagnosis.verdict
        return self.detector.verdict_so_far if self.detector else None

    @property
    def detector(self) -> Detector | None:
        """The detector, seven rows behind at most; None before training, and where none was wanted."""
        judge = self._recording.judge if self._recording else None
        return judge.detector if judge else None

    @property
    def rollbacks(self) -> tuple[Rollback, ...]:
        """Where the run was turned back, in order."""
        judge = self._recording.judge if self._recording else None
        return judge.rollbacks if judge else ()

    @property
    def log_failure(self) -> str | None:
        """Why the log stopped before the run ended, or will not be found; None where neither is so."""
        return self._recording.log.failure if self._recording else None

    @property
    def log_is_lost(self) -> bool:
        """Whether the log was removed or replaced while it was written."""
        return self._recording is not None and self._recording.log.is_lost

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
        self._model = weakref.ref(model)
        self._options = self._options.resumed(header)
        model.restore(resume.checkpoint.model)
        return resume.step

    def wants(self, step: int) -> bool:
        """Every ``log_every`` steps."""
        return step % self._options.log_every == 0

    def targets(self, targets: NDArray[Any]) -> None:
        """Take the targets of the current step, from which the loss of guessing is counted if nothing else gives it.

        ``targets``: (n,) classes, (n, k) one-hot, or numbers of a regression (n, ...). Only those of the first W
        steps count, and only where it is not known yet. Raises SettingsError for what are no targets of the task.
        """
        if self._recording is not None:
            self._recording.targets(targets)

    def on_run_start(self, event: RunStart) -> None:
        """Make the log; take in what came before, where the run is continued."""
        started, self._recording = perf_counter_ns(), None
        try:
            self._begin(event)
        finally:
            self.cost = (perf_counter_ns() - started) / 1000

    # ---- what a recorder of rows that are measured elsewhere does in another way

    def _columns(self, start: RunStart) -> Columns | None:
        """The columns of the rows; None for those that are declared."""
        lacks = start.description.get("not_recorded")
        return Columns.declare(start.tensors, start.layers, without=lacks) if lacks else None

    @property
    def _make_meter(self) -> MeterMaker:
        """Makes what measures the steps of a run. It does not hold the recorder, which is freed once it is left."""
        return StepMeter

    def _measuring(self) -> str:
        """The code that measures, as the log names it."""
        return measuring_code()

    # ---- inside

    def _begin(self, event: RunStart) -> None:
        resume, self._resume = self._resume, None
        if resume is not None and event.first_step != resume.step:
            raise DiagnosticsError(f"the model goes on from step {event.first_step}, its log from {resume.step}")
        self._check_path(resume)
        self._recording = recording = Recording(
            self._header(event, resume.run.info if resume else None),
            self.path,
            self._options,
            make_meter=self._make_meter,
            model=self._model() if self._model is not None else None,
            tracker=self._tracker,
            resume=resume,
        )
        if resume is not None:
            recording.go_on(resume)

    def _header(self, start: RunStart, before: RunInfo | None) -> Header:
        """What the log says of a run before its first step; ``before`` is that of the log of a resumed run."""
        environment = {**surroundings(start.threads), **self._environment}
        if start.inputs is not None and start.labels is not None and "data_checksum" not in environment:
            environment["data_digest"] = data_digest(start.inputs, start.labels)
        lacks = [*start.description.get("not_recorded", ()), *self.not_recorded]
        lacks += [] if self.task.has_classes else ["accuracy"]
        lacks += [] if start.layers else ["activations"]
        if lacks:
            start = replace(start, description={**start.description, "not_recorded": list(dict.fromkeys(lacks))})
        info = RunInfo.from_start(
            start,
            settings=self._settings,
            environment=environment,
            task=self.task,
            **self._options.judged_by(start.batch_size, before),
            recorded_columns=self._columns(start),
        )
        every = self._options.checkpoint_every if self._can_checkpoint else 0
        return Header(
            info,
            subsample=DESCRIPTION,
            measuring=self._measuring(),
            log_every=self._options.log_every,
            histograms_every=self._options.histograms_every,
            checkpoint_every=CHECKPOINT_EVERY if every is None else every,
            on_defect=self._options.on_defect_words,
            digest_start=start.digest,
        )

    def _check_path(self, resume: ResumePoint | None) -> None:
        if self.path is not None:
            check_log_path(self.path, overwrite=self._options.overwrite or resume is not None)
