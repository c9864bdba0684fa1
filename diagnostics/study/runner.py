"""Trains the runs of a plan that are missing, several at a time, and counts how they end."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from diagnostics.arguments import expect_several
from diagnostics.errors import StudyError
from diagnostics.executors.executor import Executor, Failure
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.file_locks import try_lock
from diagnostics.files import write_json
from diagnostics.provenance import code_version
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.plan import FILE, PlannedRun, StudyPlan
from diagnostics.study.results import FAILURES, FAILURES_FORMAT, crashed, groups_of
from diagnostics.study.reuse import copy_runs
from diagnostics.study.worker import Worker, finished
from diagnostics.views import ShownInNotebooks

TrainTask = Callable[[PlannedRun], RunSummary]


@dataclass(frozen=True)
class StudyProgress:
    """A study at one moment.

    Args:
        plan: what it asks for.
        groups: the runs that have ended, by arm.
        done: how many runs have ended, reused ones among them.
        reused: how many need not be trained, since they were complete at the start.
        total: how many are asked for by now, restarts among them.
        running: the tasks that are being trained.
        seconds: since the study was started or resumed.
        seconds_left: an estimate, None before the first run has ended.
        last: the run that has just ended, None in between.
        message: one line about it, or about what was copied; "" for nothing to say.
    """

    plan: StudyPlan
    groups: tuple[Group, ...]
    done: int
    reused: int
    total: int
    running: tuple[PlannedRun, ...]
    seconds: float
    seconds_left: float | None
    last: RunSummary | None = None
    message: str = ""


class Study(ShownInNotebooks):
    """A plan and the folder in which it is carried out.

    Args:
        plan: what is asked for.
        folder: where the logs go; made where missing.
        jobs: how many runs are trained at a time.
        work: what trains one task; None (default) for a :class:`Worker` of this plan and folder.
        reuse: folders of other studies, whose runs are copied where they are what is asked for; default none.
        executor: where the runs are trained; None (default) for ``jobs`` processes of this machine.
    """

    def __init__(
        self,
        plan: StudyPlan,
        folder: str | os.PathLike[str],
        jobs: int,
        work: TrainTask | None = None,
        reuse: Sequence[str | os.PathLike[str]] = (),
        executor: Executor | None = None,
    ) -> None:
        self.plan = plan
        self.folder = Path(folder)
        self.jobs = jobs
        self._executor = executor or LocalExecutor(jobs)
        self.runs: list[RunSummary] = []
        self._reuse = [Path(one) for one in expect_several("reuse", reuse, "folders")]
        self._work: TrainTask = work or Worker.of(plan, self.folder)
        self._queue: deque[PlannedRun] = deque()
        self._groups: tuple[Group, ...] = ()
        self._failures: dict[str, str] = {}
        self._done = self._reused = self._total = 0
        self._clock = _Clock(len(plan.arms))

    def __repr__(self) -> str:
        return f"<Study of {len(self.plan.arms)} arms in {self.folder}: {len(self.runs)} runs have ended>"

    def run(self, on_progress: Callable[[StudyProgress], None] = lambda progress: None) -> None:
        """Train every run that is not complete yet. May be interrupted at any moment and called again.

        Args:
            on_progress: called with the state of the study after every run, and twice a second in between.

        Raises:
            StudyError: the folder holds another study, or one that another process runs.
        """
        with open_folder(self.plan, self.folder, self.jobs):
            copied = self._copy()
            self._take_stock()
            on_progress(self._progress(message=copied))
            try:
                self._train(on_progress)
            finally:
                if self._executor.digest is not None:
                    note_start(self.folder, arithmetic=self._executor.digest)

    def _train(self, on_progress: Callable[[StudyProgress], None]) -> None:
        with self._executor.pool(self._work) as pool:
            for result in pool.results(self._queue):
                last, message = self._note(*result) if result else (None, "")
                on_progress(self._progress(pool.running, last, message))

    def _copy(self) -> str:
        """Copy what other studies have made, and write down what came from where; returns one line about it."""
        copied: dict[str, str] = {}
        for file, origin in copy_runs(self.plan, self.folder, self._reuse):
            copied[file] = str(origin)
            note_start(self.folder, copied=dict(copied))
        if not self._reuse:
            return ""
        names = ", ".join(map(str, self._reuse))
        if not copied:
            return f"nothing to copy from {names}: no complete run of this commit and machine is one that is missing"
        return f"{len(copied)} run{'s' * (len(copied) != 1)} copied from {names}"

    def _take_stock(self) -> None:
        """Count the runs that are complete, and queue the others; runs that failed are tried again."""
        (self.folder / FAILURES).unlink(missing_ok=True)
        self._total = len(self.plan.tasks())
        for task, summary in self.plan.asked(lambda task: finished(self.folder / task.file, task)):
            if summary is None:
                self._queue.append(task)
            else:
                self._reused += 1
                self._count(task, summary)

    def _note(self, task: PlannedRun, outcome: RunSummary | Failure) -> tuple[RunSummary, str]:
        """Note how a task ended; the summary of its run, and a line about it where it failed."""
        if isinstance(outcome, Failure):
            summary = crashed(task, self.folder)
            self._failures[task.file] = "\n".join(filter(None, (outcome.message, outcome.details)))
            write_json(self.folder / FAILURES, {"format": FAILURES_FORMAT, "failures": self._failures})
            self._count(task, summary)
            return summary, outcome.message
        if outcome.training_seconds is not None:
            self._clock.note(task.arm, outcome)
        following = self._count(task, outcome)
        if following:
            self._queue.append(following)
        return outcome, ""

    def _count(self, task: PlannedRun, summary: RunSummary) -> PlannedRun | None:
        """Add a run; returns the task that follows it, if it died and is to be restarted."""
        self.runs.append(summary)
        self._done += 1
        following = self.plan.restart_of(task) if summary.is_defect else None
        self._total += following is not None
        return following

    def _progress(
        self, running: tuple[PlannedRun, ...] = (), last: RunSummary | None = None, message: str = ""
    ) -> StudyProgress:
        left = self._clock.left([t.arm for t in self._queue], [t.arm for t in running], self._executor.jobs)
        if last is not None or not self._groups:  # while nothing ends, the groups stay what they are
            self._groups = tuple(groups_of(self.plan, self.runs))
        return StudyProgress(
            self.plan,
            self._groups,
            self._done,
            self._reused,
            self._total,
            running,
            self._clock.seconds,
            left,
            last,
            message,
        )


class _Clock:
    """How long the runs of each arm took, and an estimate of how long the others will take."""

    def __init__(self, arms: int) -> None:
        self._started = time.monotonic()
        self._taken: list[list[float]] = [[] for _ in range(arms)]

    @property
    def seconds(self) -> float:
        """Seconds since the study was started or resumed."""
        return time.monotonic() - self._started

    def note(self, arm: int, run: RunSummary) -> None:
        """Remember how long one run took; it validates once an epoch."""
        self._taken[arm].append((run.training_seconds or 0) + len(run.epochs) * (run.validation_seconds or 0))

    def left(self, waiting: Sequence[int], running: Sequence[int], jobs: int) -> float | None:
        """Seconds left with so many ``jobs`` at a time, half of the running tasks being left; None before any end."""
        every = [seconds for arm in self._taken for seconds in arm]
        if not every:
            return None
        mean = [(sum(t) / len(t)) if t else sum(every) / len(every) for t in self._taken]
        return (sum(mean[a] for a in waiting) + sum(mean[a] for a in running) / 2) / jobs


def open_folder(plan: StudyPlan, folder: Path, jobs: int) -> IO[bytes]:
    """Lock the folder and write the plan into it. Where it raises StudyError, the folder stays as it is."""
    lock = try_lock(folder / FILE)
    if lock is None:
        raise StudyError(f"{folder}: another process is running this study; wait for it or end it first")
    try:
        before = StudyPlan.load(folder) if (folder / FILE).exists() else replace(plan, history=())
        if not plan.extends(before):
            raise StudyError(f"{folder}: holds another study; choose another --out, or the options it was made with")
        replace(plan, history=(*before.history, {**code_version(), "jobs": jobs})).save(folder)
    except BaseException:
        lock.close()
        raise
    return lock


def note_start(folder: Path, **facts: Any) -> None:
    """Write into the study file what is known of its latest start.

    ``facts``: "copied", the runs with their origins; "arithmetic", the digest of the machines of a cluster.
    """
    plan = StudyPlan.load(folder)
    *before, last = plan.history
    replace(plan, history=(*before, {**last, **facts})).save(folder)
