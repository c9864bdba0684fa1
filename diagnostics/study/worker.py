"""What a worker of a study does: one task, from settings to a finished log and its summary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from diagnostics.errors import LogError, LogWriteError
from diagnostics.record.options import RecordingOptions, while_training
from diagnostics.statistics import summary_cache
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.plan import StudyPlan, Task
from lenet.data import Dataset, load_dataset


@dataclass(frozen=True)
class Worker:
    """Trains tasks. It can be pickled, so that it can be given to another process.

    Args:
        folder: where the logs go.
        recording: how each run is recorded.
    """

    folder: Path
    recording: RecordingOptions

    @classmethod
    def of(cls, plan: StudyPlan, folder: Path) -> Worker:
        """The worker of a plan."""
        recording = RecordingOptions(
            overwrite=True,
            log_every=plan.log_every,
            histograms_every=plan.histograms_every,
            checkpoint_every=None if plan.on_defect == "rollback" else 0,  # a run is repeated, not resumed
            on_defect=while_training(plan.on_defect),  # a restart is a new task, so that it can go to any worker
        )
        return cls(folder, recording)

    def __call__(self, task: Task) -> RunSummary:
        """Train one run, replace the log of an earlier attempt, and summarise it.

        Raises LogWriteError where the log does not hold the whole run.
        """
        from diagnostics.record.training import run_training

        path = self.folder / task.file
        result = run_training(
            task.settings,
            path,
            self.recording,
            dataset=dataset(task.settings.data, task.settings.limit),
        )
        if result.interruption is not None:
            raise result.interruption
        summary = finished(path, task)
        if summary is None:
            raise LogWriteError(f"{path}: the log does not hold the whole run: {result.log_failure or result.status}")
        return summary


@cache
def dataset(folder: str | None = None, limit: int | None = None) -> Dataset:
    """The data, decoded once in each worker."""
    return load_dataset(folder, limit)


def finished(path: Path, task: Task) -> RunSummary | None:
    """The summary of a task that is done; None if its log is missing, unreadable, not complete or of other settings."""
    if not path.exists():
        return None
    try:
        summary = summary_cache.summary_of(path)
    except LogError:
        return None
    as_asked = dict(summary.arm) == task.settings.to_dict() and summary.seed == task.settings.seed
    return summary if is_complete(summary) and as_asked else None


def is_complete(run: RunSummary) -> bool:
    """Whether a run came to its end: of its steps, or, stopped on purpose, of its learning."""
    return run.status == "completed" or (run.status == "stopped" and run.is_defect)
