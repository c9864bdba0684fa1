"""Runs the branches of a plan, in parallel, and keeps each as soon as its fate is certain.

Every worker opens the log and replays it to the branch points once; a branch then starts
from the replayed state. What a branch does follows from the plan alone, so results do not
depend on the number of workers or on the order in which branches end.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Self

import numpy as np

from diagnostics.errors import ReplayError, RescueError
from diagnostics.executors.executor import Executor, Failure
from diagnostics.executors.sent_files import put_files
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.json_values import finite
from diagnostics.record.recorder import Recorder
from diagnostics.replay.branch import Branch
from diagnostics.replay.rows import RowComparison
from diagnostics.rescue.branch_points import FromLog
from diagnostics.rescue.fate import Fate, FateJudge, Horizon, fate_at_the_end
from diagnostics.rescue.patient import Patient
from diagnostics.rescue.plan import UNCHANGED, PlannedBranch, RescuePlan
from diagnostics.rescue.record import BranchResult, RescueFolder
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import Hook

LOSSES = 10
"""Every how many steps a branch keeps its loss."""


@dataclass(frozen=True)
class RescueProgress:
    """A rescue at one moment.

    results: the branches that are done, by key.
    total: how many branches there are.
    seconds: since this process began.
    seconds_left: an estimate; None before the first branch is done.
    """

    plan: RescuePlan
    results: dict[str, BranchResult]
    total: int
    seconds: float
    seconds_left: float | None


@dataclass(frozen=True)
class BranchWork(FromLog[BranchResult]):
    """What a worker does: one branch. Picklable, so that another process can be handed one.

    log: the log of the run that died.
    data: the folder of the data; None for what the log names.
    confirmed: the step at which the death was confirmed.
    horizon: how many steps a branch may make; None for patience plus grace.
    keep: the folder in which branches keep their rows as logs; None (default) to keep none.
    """

    confirmed: int
    horizon: int | None
    keep: Path | None = None

    def __call__(self, task: PlannedBranch) -> BranchResult:
        """Train one branch until its fate is certain. Raises ReplayError where its state cannot be had."""
        branch = Branch(self.moment(task.step), task.order_seed)
        task.intervention.begin(branch)
        info = branch.moment.run.info
        horizon = Horizon.of(branch.detector, task.step, self.confirmed, self.horizon)
        judge = FateJudge(horizon)
        branch.train(min(horizon.last_step + 1, info.total_steps), self._recorders(task, info), judge.decide)
        fate = judge.fate or fate_at_the_end(branch.detector)
        if task.arm == UNCHANGED:
            _expect_the_log(branch, fate)
        place = branch.detector.info.columns.scalar("data_loss")
        kept = [i for i, step in enumerate(branch.steps) if step % LOSSES == 0 or i == len(branch.steps) - 1]
        losses = tuple((branch.steps[i], finite(float(branch.rows[i][place]))) for i in kept)
        return BranchResult(
            task.key, fate, branch.steps[-1] if branch.steps else task.step, branch.model.digest(), losses
        )

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> Self:
        """The same with the log and the data where they lie there."""
        return replace(super().elsewhere(folder, there), keep=self.keep and folder)

    def arrived(self, task: PlannedBranch, result: BranchResult, files: Mapping[str, bytes]) -> BranchResult:
        """Put the log of the branch in its place, where it is kept."""
        if self.keep is not None:
            put_files(self.keep, files)
        return result

    def _recorders(self, task: PlannedBranch, info: RunInfo) -> list[Hook]:
        """What keeps the rows of a branch, where that is asked for; each log says which branch it is."""
        if self.keep is None:
            return []
        self.keep.mkdir(parents=True, exist_ok=True)
        about = {
            "branch": task.key,
            "branch_of": self.log.name,
            "order_seed": task.order_seed,
            "intervention": str(task.intervention),
        }
        path = self.keep / f"{_file_name(task.key)}.h5"
        return [Recorder(path, overwrite=True, settings=info.settings, environment=about, detector=False)]


class Rescue:
    """A plan in a folder.

    patient: the run that died.
    plan: the arms, fixed.
    folder: where the results lie.
    log: the log of the run.
    data: the folder of the data; None (default) for what the log names.
    jobs: how many branches are trained at a time; default 1.
    resume: whether to go on with the results in the folder; default False.
    keep_branches: whether the rows of all branches are kept as logs; default False.
    executor: where the branches are trained; None (default) for ``jobs`` processes of this machine.
    """

    def __init__(
        self,
        patient: Patient,
        plan: RescuePlan,
        folder: str | os.PathLike[str],
        log: str | os.PathLike[str],
        *,
        data: str | None = None,
        jobs: int = 1,
        resume: bool = False,
        keep_branches: bool = False,
        executor: Executor | None = None,
    ) -> None:
        self.plan = plan
        self.results: dict[str, BranchResult] = {}
        self.failures: dict[str, str] = {}
        self._folder = RescueFolder(Path(folder), plan, resume=resume)
        keep = Path(folder) / "branches" if keep_branches else None
        self._work = BranchWork(Path(log), data, patient.confirmed, plan.horizon, keep)
        self._executor = executor or LocalExecutor(jobs)
        self._started = perf_counter()

    def run(self, on_progress: Callable[[RescueProgress], None] = lambda progress: None) -> None:
        """Run what is missing. May be interrupted at any moment and called again with ``resume``.

        The unchanged branch comes first: where it does not reproduce the log, there is no rescue.
        Raises RescueError where that is so or a branch cannot be run, StudyError where the folder holds another plan.
        """
        self._started = perf_counter()
        with self._folder.open() as known:
            branches = {branch.key: branch for branch in self.plan.branches}
            self.results = {key: result for key, result in known.items() if key in branches}
            before = len(self.results)
            todo = [branch for key, branch in branches.items() if key not in self.results]
            unchanged = [branch for branch in todo if branch.arm == UNCHANGED]
            others = [branch for branch in todo if branch.arm != UNCHANGED]
            on_progress(self._progress(before))
            with self._executor.pool(self._work) as pool:
                for stage in (unchanged, others):
                    for done in pool.results(deque(stage)):
                        if done is not None:
                            self._note(*done)
                        on_progress(self._progress(before))
        if self.failures:
            key, reason = next(iter(self.failures.items()))
            raise RescueError(f"{self.plan.run}: {len(self.failures)} branches failed; {key}: {reason}")

    def _note(self, branch: PlannedBranch, result: BranchResult | Failure) -> None:
        if isinstance(result, Failure):
            if branch.arm != UNCHANGED:
                self.failures[branch.key] = result.message
            elif result.error in (RescueError.__name__, ReplayError.__name__):
                raise RescueError(f"{self.plan.run}: {result.reason}")
            else:
                raise RuntimeError(f"{result.message}\n{result.details}")
            return
        self._folder.add(result)
        self.results[branch.key] = result

    def _progress(self, before: int) -> RescueProgress:
        total, done = len(self.plan.branches), len(self.results)
        seconds = perf_counter() - self._started
        left = seconds / (done - before) * (total - done) if done > before else None
        return RescueProgress(self.plan, self.results, total, seconds, left)


def _expect_the_log(branch: Branch, fate: Fate) -> None:
    """Raise RescueError unless a branch in which nothing was changed has the rows of the log, and dies."""
    run = branch.moment.run
    logged = run.between(branch.steps[0], branch.steps[-1])
    then, now = logged.block(), np.array(branch.rows, np.float32)
    comparison = RowComparison(run, branch.detector.info.columns)
    if len(then) != len(now) or (different := comparison.differ(now, then).any(axis=1)).any():
        where = f"step {branch.steps[int(different.argmax())]:,}" if len(then) == len(now) else "the number of rows"
        raise RescueError(f"training it again without a change differs from the log at {where}; nothing can be claimed")
    if fate is not Fate.DEAD:
        raise RescueError(
            f"without a change it is {fate} at step {branch.steps[-1]:,}, where a branch is asked; "
            "give a longer horizon (--horizon)"
        )


def _file_name(key: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in key)
