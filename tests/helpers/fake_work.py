"""Stands in for training in tests of studies: what becomes of a run depends on its seed alone."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diagnostics.detect.findings import Verdict
from diagnostics.executors.executor import Work, attempt
from diagnostics.executors.sent_files import put_files
from diagnostics.statistics import summary_cache
from diagnostics.statistics.run_summary import EpochSummary, RunSummary
from diagnostics.study.plan import PlannedRun


@dataclass(frozen=True)
class FakeWork(Work[PlannedRun, RunSummary]):
    """Every third seed never learns; seeds in ``dying`` end their process, those in ``failing`` raise.

    ``told`` is where it is noted which tasks began; None for the folder.
    """

    folder: Path
    dying: tuple[int, ...] = ()
    failing: tuple[int, ...] = ()
    seconds: float = 0.0
    told: Path | None = None

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> FakeWork:
        return replace(self, folder=folder, told=self.told or self.folder)

    def arrived(self, task: PlannedRun, result: RunSummary, files: Mapping[str, bytes]) -> RunSummary:
        put_files(self.folder, files)
        summary = replace(result, path=str(self.folder / task.file))
        summary_cache.keep(self.folder / task.file, summary)
        return summary

    def __call__(self, task: PlannedRun) -> RunSummary:
        seed = task.settings.seed
        with ((self.told or self.folder) / "calls.txt").open("a") as calls:
            calls.write(f"{task.file}\n")
        (self.folder / task.file).write_text("half a run")
        time.sleep(self.seconds)
        if seed in self.dying:
            os._exit(7)
        if seed in self.failing:
            raise MemoryError("no room for the batch")
        path = self.folder / task.file
        path.write_text(f"a run with seed {seed}")
        summary = fake_summary(task, path)
        summary_cache.keep(path, summary)
        return summary


class SameProcessExecutor:
    """Stands in for an executor where no test needs a process of its own."""

    digest: str | None = None

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = jobs

    def pool(self, work: Callable[[Any], Any]) -> SameProcessPool:
        return SameProcessPool(work)


class SameProcessPool:
    """Its pool: one task after the other."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.running: tuple[Any, ...] = ()
        self._work = work

    def __enter__(self) -> SameProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def results(self, tasks: deque[Any]) -> Iterator[tuple[Any, Any]]:
        while tasks:
            task = tasks.popleft()
            yield task, attempt(self._work, task)


def fake_summary(task: PlannedRun, path: Path) -> RunSummary:
    seed = task.settings.seed
    dead = seed % 3 == 0
    accuracy = 0.1 if dead else 0.9 + seed / 1000
    return RunSummary(
        path.name,
        Verdict.NEVER_LEARNED if dead else Verdict.HEALTHY,
        seed=seed,
        arm=task.settings.to_dict(),
        steps=10,
        planned_steps=10,
        epochs=(EpochSummary(1, accuracy, 1.0, 0, accuracy),),
        path=str(path),
        validation_accuracy=accuracy,
        training_seconds=1.0,
        validation_seconds=0.1,
    )


def calls(folder: Path) -> list[str]:
    """The files that were trained, in order."""
    place = folder / "calls.txt"
    return place.read_text().split() if place.exists() else []
