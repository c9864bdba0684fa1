"""Judges recorded runs: feeds the rows of a log to the detector that judges trainings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Diagnosis
from diagnostics.detect.thresholds import Thresholds
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.run_info import RunInfo


class Diagnosable(Protocol):
    """What :func:`diagnose` needs of a run."""

    name: str

    @property
    def info(self) -> RunInfo: ...
    @property
    def status(self) -> str: ...
    @property
    def steps_made(self) -> int: ...
    @property
    def validations(self) -> Any: ...
    @property
    def rollbacks(self) -> tuple[Rollback, ...]: ...
    def rows(self) -> Iterator[tuple[int, int, NDArray[np.float32]]]: ...


def diagnose(run: Diagnosable, limits: Thresholds | None = None) -> Diagnosis:
    """The diagnosis of a recorded run.

    ``run``: the run; :func:`diagnostics.open_run` reads one from its log.
    ``limits``: the thresholds it is judged by; None (default) for those that its log keeps.

    Raises TypeError for what is no run, such as the path of a log.
    """
    if not hasattr(run, "rows"):
        raise TypeError(f"received {run!r}, expected a run; diagnostics.open_run(path) reads one from its log")
    detector = Detector(run.info, limits=limits, name=run.name)
    for step, epoch, row in run.rows():
        detector.observe(step, epoch, row)
    for validation in run.validations.itertuples():
        detector.validation(int(validation.epoch), float(validation.loss), float(validation.accuracy))
    return detector.finish(run.status, run.steps_made).with_rollbacks(run.rollbacks)
