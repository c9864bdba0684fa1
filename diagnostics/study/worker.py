"""What a worker of a study does: one task, from settings to a finished log and its summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from diagnostics.errors import LogError, LogWriteError
from diagnostics.executors.executor import Work
from diagnostics.executors.sent_files import put_files
from diagnostics.record.options import RecordingOptions, while_training
from diagnostics.statistics import summary_cache
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.plan import PlannedRun, StudyPlan
from lenet.data import Dataset, load_dataset
from lenet.data.dataset import data_files


@dataclass(frozen=True)
class Worker(Work[PlannedRun, RunSummary]):
    """Trains tasks. It can be pickled, so that it can be given to another process.

    Args:
        folder: where the logs go.
        recording: how each run is recorded.
        data: the folders of data that the tasks name, each with the place where it lies; default where they say.
    """

    folder: Path
    recording: RecordingOptions
    data: Mapping[str, str] = field(default_factory=dict)

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
        folders = {str(arm.settings["data"]) for arm in plan.arms if arm.settings.get("data") is not None}
        return cls(folder, recording, {name: name for name in folders})

    def __call__(self, task: PlannedRun) -> RunSummary:
        """Train one run, replace the log of an earlier attempt, and summarise it.

        Raises LogWriteError where the log does not hold the whole run.
        """
        from diagnostics.record.training import run_training

        path = self.folder / task.file
        result = run_training(
            task.settings, path, self.recording, dataset=dataset(self._data_of(task), task.settings.limit)
        )
        if result.interruption is not None:
            raise result.interruption
        summary = finished(path, task)
        if summary is None:
            raise LogWriteError(f"{path}: the log does not hold the whole run: {result.log_failure or result.status}")
        return summary

    @property
    def reads(self) -> tuple[Path, ...]:
        """The files of the data."""
        return tuple(path for folder in self.data.values() for path in data_files(folder))

    @property
    def made_by(self) -> Mapping[str, Any]:
        """The machine of the finished runs in the folder, so that all runs of a study are comparable bit for bit."""
        from diagnostics.log.reader import open_run

        for path in sorted(self.folder.glob("*.h5")):
            with suppress(LogError, OSError):
                if (run := open_run(path)).status in ("completed", "stopped"):
                    return run.info.environment
        return {}

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> Worker:
        """The same in another folder, with the data where they lie there."""
        data = {name: str(there(Path(place).absolute())) for name, place in self.data.items()}
        return replace(self, folder=folder, data=data)

    def arrived(self, task: PlannedRun, result: RunSummary, files: Mapping[str, bytes]) -> RunSummary:
        """Put the log into the folder; the summary is kept beside it. Raises LogWriteError."""
        put_files(self.folder, files)
        path = self.folder / task.file
        summary = replace(result, path=str(path))
        summary_cache.keep(path, summary)
        return summary

    def _data_of(self, task: PlannedRun) -> str | None:
        name = task.settings.data
        return name if name is None else self.data.get(name, name)


@cache
def dataset(folder: str | None = None, limit: int | None = None) -> Dataset:
    """The data, decoded once in each worker."""
    return load_dataset(folder, limit)


def finished(path: Path, task: PlannedRun) -> RunSummary | None:
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
