"""StatisticsTracker: the paper's own tracker, with each run's verdict and averages with and without defect runs.

A tracker gets times and accuracies and nothing else, so it cannot judge a run as the
detector does. ``Recorder(path, tracker=tracker)`` gives it the detector's verdict with
:meth:`record_verdict`. Otherwise the verdict is that of the author's rule of thumb, and
the files say so.
"""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diagnostics.detect.findings import Verdict
from diagnostics.file_locks import locked
from diagnostics.json_values import finite
from diagnostics.statistics import tracker_file
from diagnostics.statistics.tracker_file import PHASES, TrackedRun

NOT_LEARNING = 0.2
"""The author's limit: below this accuracy of an epoch his program said "restart this run"."""
RULE_OF_THUMB = f"rule of thumb: an epoch's accuracy below {NOT_LEARNING}"


def rule_of_thumb(accuracies: Sequence[float | None]) -> Verdict:
    """The verdict of the author's own rule on the accuracies of the epochs.

    A run below 0.2 at the end has never learned, or has collapsed where an earlier epoch
    was better. A run that was below 0.2 before and is not at the end has recovered. The
    rule misses a run that dies late in its last epoch. (The author's second rule, an
    accuracy of 0.1 or less after step 64, needs the accuracies of steps, which a tracker
    does not get.)
    """
    if not accuracies:
        return Verdict.UNDECIDED
    # Not "accuracy < limit", since NaN is no sign of learning.
    bad = [accuracy is None or not accuracy >= NOT_LEARNING for accuracy in accuracies]
    if bad[-1]:
        return Verdict.NEVER_LEARNED if all(bad) else Verdict.COLLAPSED
    return Verdict.RECOVERED if any(bad) else Verdict.HEALTHY


class StatisticsTracker:
    """Collects one run at a time and appends it to a JSON file and a text file beside it.

    The model calls :meth:`add_time` and the record methods. The run is saved after
    "training", and again, completed, after "combined". A step that comes after either of
    them begins the next run.

    Args:
        model_name: the name of the model; averages are over the runs of one model.
        stats_file: the JSON file; the text file has the same name with ``.txt``.
        folder: the folder of both files, made where missing; default "data".

    Raises:
        DamagedFileError: the file is no tracker file; raised before any training.
        LogWriteError: the file cannot be written.
        ValueError: ``stats_file`` ends in ``.txt``.
    """

    def __init__(self, model_name: str, stats_file: str | Path, folder: str | Path = "data") -> None:
        self.model_name = model_name
        self.path = Path(folder) / stats_file
        if self.path.suffix == ".txt":
            raise ValueError(f"stats_file {str(stats_file)!r} is the name of the text file: end it in .json")
        self._begin()
        with locked(self.path):  # a folder that cannot be written is refused now, not after an hour of training
            tracker_file.read_runs(self.path)

    def _begin(self) -> None:
        """Begin a run under a name that no other run has: the time, the process, and eight random digits."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._run = TrackedRun(f"{now}-{os.getpid()}-{secrets.token_hex(4)}", self.model_name)
        self._is_trained = self._is_judged = self._has_changed = False

    def add_time(self, phase: str, seconds: float) -> None:
        """Add the seconds of a phase: step, epoch, training, validation or combined."""
        if phase not in PHASES:
            raise ValueError(f"phase {phase!r} is unknown; expected one of {', '.join(PHASES)}")
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"{phase} took {seconds!r} seconds; expected a finite number, not negative")
        if self._is_trained and phase == "step":
            self.save_statistics()
            self._begin()
        times = self._run.times[phase]
        times["n"] += 1
        times["total"] += float(seconds)
        self._has_changed = True
        if phase in ("training", "combined"):
            self._is_trained = True
            self.save_statistics()

    def record_epoch_accuracy(self, epoch: int, accuracy: float) -> None:
        """Record the training accuracy of an epoch, counted from 1, as a share from 0 to 1."""
        self._run.epoch_accuracy[str(int(epoch))] = _share(accuracy)
        self._has_changed = True

    def record_validation_accuracy(self, accuracy: float) -> None:
        """Record the validation accuracy, a share from 0 to 1; the last one counts."""
        self._run.validation_accuracy = _share(accuracy)
        self._has_changed = True

    def record_verdict(self, verdict: Verdict | str, by: str = "detector") -> None:
        """Record the verdict and who gave it, in place of the rule of thumb."""
        self._run.verdict, self._run.verdict_by = str(Verdict(verdict)), by
        self._is_judged = self._has_changed = True
        if self._is_trained:
            self.save_statistics()

    def calculate_averages(self) -> dict[str, Any]:
        """Averages over the saved runs of this model and the present one, with and without defect runs.

        The keys are those of one group of ``lenet-diag stats --json``.
        """
        runs = {run.id: run for run in tracker_file.read_runs(self.path) if run.model == self.model_name}
        if self._has_changed:
            runs[self._run.id] = self._judged_run()
        return tracker_file.averages(self.model_name, list(runs.values()))

    def save_statistics(self) -> None:
        """Write the run, which replaces an earlier version of it. Where nothing was recorded, nothing is written."""
        if self._has_changed:
            tracker_file.save(self.path, self._judged_run())
            self._has_changed = False

    def _judged_run(self) -> TrackedRun:
        """The run, judged by the rule of thumb where no verdict was recorded."""
        run = self._run
        run.epoch_accuracy = {
            str(epoch): run.epoch_accuracy[str(epoch)] for epoch in sorted(map(int, run.epoch_accuracy))
        }
        if not self._is_judged:
            run.verdict, run.verdict_by = str(rule_of_thumb(list(run.epoch_accuracy.values()))), RULE_OF_THUMB
        return run


def _share(accuracy: float) -> float | None:
    """An accuracy; None where it is not finite. Raises ValueError for one that is no share."""
    if math.isfinite(accuracy) and not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy: received {accuracy!r}, expected a share from 0 to 1, such as 0.975 for 97.5 %")
    return finite(accuracy)
