"""Judge: feeds the rows of a recorder to a detector, and makes events of the log from its findings."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Diagnosis, Finding, Severity, Stretch, Verdict
from diagnostics.run.run import Run
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.run_info import RunInfo

Note = dict[str, Any]
AT_ONCE = 8
"""Rows that are judged together while a run learns. The caches then still hold the code of the row before."""


class TakesVerdict(Protocol):
    """A tracker that keeps verdicts, such as :class:`diagnostics.StatisticsTracker`."""

    def record_verdict(self, verdict: Verdict) -> None:
        """Keep the verdict of a run."""


class Judge:
    """Gives each row to a detector, and returns its findings as events of the log.

    While the run learns, rows wait until there are eight of them. The findings depend on the rows alone.

    ``info``: the run, with the thresholds to judge by.
    ``name``: the name of the run in its diagnosis.
    ``holds``: whether rows wait for :meth:`begin`, since the loss of guessing is still counted; default False.

    ``onset`` is the first step of the last stretch that was confirmed, None before. ``is_defect`` says whether the run
    is in a defect stretch now. ``rollbacks`` are those of the run so far.
    """

    def __init__(self, info: RunInfo, name: str, holds: bool = False) -> None:
        self.detector = Detector(info, name=name)
        self.holds = holds
        self.onset: int | None = None
        self.is_defect = False
        self._waiting: list[tuple[int, int, NDArray[np.float32]]] = []
        self.rollbacks: tuple[Rollback, ...] = ()

    def observe(self, step: int, epoch: int, row: NDArray[np.float32]) -> list[Note]:
        """Take one row, the one that is logged. Returns the events to log, mostly none."""
        self._waiting.append((step, epoch, row.copy()))
        if self.holds or (self.detector.symptoms.is_learned and len(self._waiting) < AT_ONCE):
            return []
        return self.judge_waiting()

    def begin(self, info: RunInfo) -> list[Note]:
        """Judge the rows that were held, now that ``info`` says all of the run. Returns the events to log."""
        self.detector, self.holds = Detector(info, name=self.detector.name), False
        return self.judge_waiting()

    def judge_waiting(self) -> list[Note]:
        """Judge the rows that wait. Returns the events to log."""
        waiting, self._waiting = self._waiting, []
        return [note for one in waiting for note in self._judge(*one)]

    def _judge(self, step: int, epoch: int, row: NDArray[np.float32]) -> list[Note]:
        found = self.detector.observe(step, epoch, row)
        notes = [self._of_finding(e) if isinstance(e, Finding) else self._of_stretch(step, e) for e in found]
        symptoms = self.detector.symptoms
        if symptoms.first_learned == step and not symptoms.stretches:  # a recovery has its own event
            notes.append(
                {"event": "verdict", "message": f"learned at step {step}", "rule": "healthy", "severity": "info"}
            )
        return [{"step": step, **note} for note in notes]

    def catch_up(self, run: Run, step: int) -> None:
        """Judge the rows that the log has of the steps before ``step``. Their events are in the log already."""
        self.rollbacks = run.rollbacks
        for earlier, epoch, row in run.between(last=step - 1).rows():
            self._judge(earlier, epoch, row)
        for at, number, loss, accuracy in run.validations[["step", "epoch", "loss", "accuracy"]].to_numpy().tolist():
            if at < step:
                self.detector.validation(int(number), loss, accuracy)

    def finish(self, status: str, steps: int) -> tuple[Diagnosis, Note]:
        """The diagnosis at the end of a run that made ``steps`` steps, and the event with its verdict."""
        diagnosis = self.detector.finish(status, steps).with_rollbacks(self.rollbacks)
        cause = diagnosis.cause
        note = {
            "event": "verdict",
            "message": cause.message if cause else f"verdict at the end: {diagnosis.verdict}",
            "rule": str(diagnosis.verdict),
            "layer": (cause.layer if cause else None) or "",
            "severity": str(Severity.ERROR if diagnosis.verdict.is_defect else Severity.INFO),
        }
        return diagnosis, note

    def _of_stretch(self, step: int, stretch: Stretch) -> Note:
        self.is_defect = stretch.recovery is None
        if self.is_defect:
            self.onset = stretch.onset
            message = f"{stretch.kind} since step {stretch.onset}, confirmed at step {step}"
        else:
            message = f"recovered at step {stretch.recovery}"
        return {
            "event": "verdict",
            "message": message,
            "rule": str(stretch.kind) if self.is_defect else "recovered",
            "severity": str(Severity.ERROR if self.is_defect else Severity.INFO),
            "value": float(stretch.onset),
        }

    @staticmethod
    def _of_finding(finding: Finding) -> Note:
        return {
            "event": "rule",
            "message": finding.message,
            "rule": finding.rule,
            "layer": finding.layer or "",
            "severity": str(finding.severity),
            "value": finding.value,
            "limit": finding.limit,
        }
