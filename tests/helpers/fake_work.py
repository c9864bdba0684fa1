"""Stands in for training in tests of studies: what becomes of a run depends on its seed alone."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostics.detect.findings import Verdict
from diagnostics.statistics import summary_cache
from diagnostics.statistics.run_summary import EpochSummary, RunSummary
from diagnostics.study.plan import Task
from diagnostics.study.worker_pool import attempt


@dataclass(frozen=True)
class FakeWork:
    """Every third seed never learns; seeds in ``dying`` end their process, those in ``failing`` raise."""

    folder: Path
    dying: tuple[int, ...] = ()
    failing: tuple[int, ...] = ()
    seconds: float = 0.0

    def __call__(self, task: Task) -> RunSummary:
        seed = task.settings.seed
        with (self.folder / "calls.txt").open("a") as calls:
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


class SameProcessPool:
    """Stands in for a pool of one worker where no test needs a process of its own."""

    def __init__(self, jobs: int, work: Callable[[Any], Any]) -> None:
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


def fake_summary(task: Task, path: Path) -> RunSummary:
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
