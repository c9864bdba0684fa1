"""Runs a plan: what is missing, in parallel, and keeps count."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from diagnostics.detect.findings import Verdict
from diagnostics.errors import DamagedFileError, StudyError
from diagnostics.files import read_json, try_lock, write_json
from diagnostics.provenance import code_version
from diagnostics.statistics import summary_cache
from diagnostics.statistics.arms import arm_key, group_runs
from diagnostics.statistics.comparison import Comparison, compare_all
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.plan import FILE, Plan, Task
from diagnostics.study.reuse import copy_runs
from diagnostics.study.worker import Worker, finished, is_complete
from diagnostics.study.worker_pool import Failure, Pool

FAILURES = "failures.json"
FAILURES_FORMAT = "lenet-diag failures 1"
Work = Callable[[Task], RunSummary]


@dataclass(frozen=True)
class Progress:
    """A study at one moment. ``last`` is the run that has just ended, None in between."""

    plan: Plan
    groups: tuple[Group, ...]
    done: int
    reused: int
    total: int
    running: tuple[Task, ...]
    seconds: float
    seconds_left: float | None
    last: RunSummary | None = None
    message: str = ""


class Study:
    """A plan in a folder. ``work`` trains one task; ``jobs`` of them are done at a time.

    ``reuse`` names folders of other studies, whose runs are copied where they are what is asked for.
    """

    def __init__(
        self, plan: Plan, folder: Path, jobs: int, work: Work | None = None, reuse: Sequence[Path] = ()
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.jobs = jobs
        self.runs: list[RunSummary] = []
        self._reuse = reuse
        self._work: Work = work or Worker.of(plan, folder)
        self._queue: deque[Task] = deque()
        self._groups: tuple[Group, ...] = ()
        self._failures: dict[str, str] = {}
        self._done = self._reused = self._total = 0
        self._clock = _Clock(len(plan.arms), jobs)

    def run(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        """Do everything that is not done yet. May be interrupted at any moment and called again.

        Raises StudyError where the folder holds another study, or one that is being run.
        """
        with open_folder(self.plan, self.folder, self.jobs):
            copied = self._copy()
            self._take_stock()
            on_progress(self._progress(message=copied))
            with Pool(self.jobs, self._work) as pool:
                for result in pool.results(self._queue):
                    last, message = self._note(*result) if result else (None, "")
                    on_progress(self._progress(pool.running, last, message))

    def _copy(self) -> str:
        """Copy what other studies have made, and write down what came from where; the line that tells it."""
        copied: dict[str, str] = {}
        for file, origin in copy_runs(self.plan, self.folder, self._reuse):
            copied[file] = str(origin)
            note_copied(self.folder, copied)
        if not self._reuse:
            return ""
        names = ", ".join(map(str, self._reuse))
        if not copied:
            return f"nothing to copy from {names}: no complete run of this commit and machine is one that is missing"
        return f"{len(copied)} run{'s' * (len(copied) != 1)} copied from {names}"

    def _take_stock(self) -> None:
        """Find out what is complete, and queue the rest; what failed is tried again."""
        (self.folder / FAILURES).unlink(missing_ok=True)
        self._total = len(self.plan.tasks())
        for task, summary in self.plan.asked(lambda task: finished(self.folder / task.file, task)):
            if summary is None:
                self._queue.append(task)
            else:
                self._reused += 1
                self._count(task, summary)

    def _note(self, task: Task, outcome: RunSummary | Failure) -> tuple[RunSummary, str]:
        """Take down how a task ended."""
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

    def _count(self, task: Task, summary: RunSummary) -> Task | None:
        """Add a run; the task that follows it where a dead run is to be started again."""
        self.runs.append(summary)
        self._done += 1
        following = self.plan.restart_of(task) if summary.is_defect else None
        self._total += following is not None
        return following

    def _progress(self, running: tuple[Task, ...] = (), last: RunSummary | None = None, message: str = "") -> Progress:
        left = self._clock.left([t.arm for t in self._queue], [t.arm for t in running])
        if last is not None or not self._groups:  # not twice a second, while nothing happens
            self._groups = tuple(groups_of(self.plan, self.runs))
        return Progress(self.plan, self._groups, self._done, self._reused, self._total, running,
                        self._clock.seconds, left, last, message)  # fmt: skip


class _Clock:
    """How long runs of each arm took, and so how long the rest will."""

    def __init__(self, arms: int, jobs: int) -> None:
        self._started = time.monotonic()
        self._jobs = jobs
        self._taken: list[list[float]] = [[] for _ in range(arms)]

    @property
    def seconds(self) -> float:
        """Since the study was started or resumed."""
        return time.monotonic() - self._started

    def note(self, arm: int, run: RunSummary) -> None:
        """Remember one run; validations count as often as there were epochs."""
        self._taken[arm].append((run.training_seconds or 0) + len(run.epochs) * (run.validation_seconds or 0))

    def left(self, waiting: Sequence[int], running: Sequence[int]) -> float | None:
        """Seconds left; running tasks count half. None before the first run has ended."""
        every = [seconds for arm in self._taken for seconds in arm]
        if not every:
            return None
        mean = [(sum(t) / len(t)) if t else sum(every) / len(every) for t in self._taken]
        return (sum(mean[a] for a in waiting) + sum(mean[a] for a in running) / 2) / self._jobs


def open_folder(plan: Plan, folder: Path, jobs: int) -> IO[bytes]:
    """Lock the folder and write the plan into it. Raises StudyError, leaving the folder as it is."""
    lock = try_lock(folder / FILE)
    if lock is None:
        raise StudyError(f"{folder}: another process is running this study; wait for it or end it first")
    try:
        before = Plan.load(folder) if (folder / FILE).exists() else replace(plan, history=())
        if not plan.extends(before):
            raise StudyError(f"{folder}: holds another study; choose another --out, or the options it was made with")
        replace(plan, history=(*before.history, {**code_version(), "jobs": jobs})).save(folder)
    except BaseException:
        lock.close()
        raise
    return lock


def note_copied(folder: Path, copied: Mapping[str, str]) -> None:
    """Write into the study file which runs were copied, each with its origin."""
    plan = Plan.load(folder)
    *before, last = plan.history
    replace(plan, history=(*before, {**last, "copied": dict(copied)})).save(folder)


def load_study(folder: Path) -> tuple[Plan, summary_cache.Loaded]:
    """The plan in a folder and what has come of it.

    A run that failed is a crashed run, with or without a log, and so is one whose
    log is damaged; one that was interrupted together with the study is no result,
    and will be run again.
    Raises DamagedFileError for a damaged plan; a damaged list of failures is one
    of the problems.
    """
    plan, problems = Plan.load(folder), []
    try:
        listed = _failures(folder)
    except DamagedFileError as error:
        listed, problems = {}, [f"{error}; which runs failed is not known"]
    failed = [crashed(task, folder) for task in plan.possible_tasks() if task.file in listed]
    failed_names = {run.name for run in failed}
    loaded = summary_cache.load([path for path in sorted(folder.glob("*.h5")) if path.name not in failed_names])
    results = [r for r in loaded.runs if is_complete(r) or r.status == "damaged"]
    known = {run.name for run in results}
    open_ends = (*loaded.unfinished, *(Path(r.path) for r in loaded.runs if r.name not in known))
    return plan, summary_cache.Loaded((*results, *failed), open_ends, (*problems, *loaded.problems))


def groups_of(plan: Plan, runs: Iterable[RunSummary], exclude_defect_steps: bool = False) -> list[Group]:
    """The arms of the plan, in its order and with its labels; arms without a run yet are left out."""
    labels = {arm_key(arm.settings): arm.label for arm in plan.arms}
    return group_runs(list(runs), labels, exclude_defect_steps)


def comparisons_of(plan: Plan, groups: Sequence[Group]) -> list[Comparison]:
    """Every arm against its control; p-values are adjusted within the arms of one control."""
    by_label = {group.label: group for group in groups}
    made: list[Comparison] = []
    for control in dict.fromkeys(arm.control for arm in plan.arms if arm.control in by_label):
        arms = [by_label[a.label] for a in plan.arms if a.control == control and a.label in by_label]
        made += compare_all(arms, by_label[str(control)])
    return made


def crashed(task: Task, folder: Path) -> RunSummary:
    """The summary of a run that did not come to an end."""
    return RunSummary(
        name=task.file, path=str(folder / task.file), verdict=Verdict.UNDECIDED, status="failed",
        seed=task.settings.seed, arm=task.settings.to_dict(), threads=task.settings.threads,
    )  # fmt: skip


def _failures(folder: Path) -> dict[str, str]:
    """Why tasks failed, by file; nothing where none has. Raises DamagedFileError."""
    path = folder / FAILURES
    if not path.exists():
        return {}
    found = read_json(path, FAILURES_FORMAT).get("failures")
    if not isinstance(found, dict):
        raise DamagedFileError(f"{path}: found failures {found!r}, expected a reason for each run file")
    return found
