"""Trains branches of a finished rescue to the end of the run and validates them there, several at a time.

:mod:`diagnostics.rescue.cost` says what comes of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from diagnostics.detect.detector import Detector
from diagnostics.errors import RescueError
from diagnostics.executors.executor import Executor, Failure
from diagnostics.replay.branch import Branch
from diagnostics.replay.library import LibraryRun
from diagnostics.rescue.branch_points import FromLog
from diagnostics.rescue.fate import Fate, fate_at_the_end
from diagnostics.rescue.plan import PlannedBranch, RescuePlan
from diagnostics.rescue.record import Ending, RescueFolder
from diagnostics.rescue.results import RescueResult

COST_RUNS = 5
"""Orders of the samples with which a proven remedy is trained to the end of the run."""


def cost_branches(result: RescueResult, runs: int = COST_RUNS) -> tuple[PlannedBranch, ...]:
    """The branches that are trained to the end of the run, those of the control first.

    They are those of each proven remedy; of its doses only where nothing else is proven, and then of the best one.
    Orders of the samples with which the control lived come first, since they make pairs.

    result: a finished rescue.
    runs: so many orders of the samples; default 5.
    """
    remedies = [arm.arm for arm in result.proven if arm.arm.dose is None] or [arm.arm for arm in result.proven[:1]]
    fates = {branch.order_seed: result.results[branch.key].fate for branch in result.control.arm.branches}
    chosen = sorted(fates, key=lambda seed: fates[seed] is not Fate.ALIVE)[:runs]
    control = [b for b in result.control.arm.branches if b.order_seed in chosen and fates[b.order_seed] is Fate.ALIVE]
    if not remedies:
        return ()
    return (*control, *(b for arm in remedies for b in arm.branches if b.order_seed in chosen))


@dataclass(frozen=True)
class EndingWork(FromLog[Ending]):
    """What a worker does: one branch, to the end of the run. Picklable, so that another process can be handed one.

    log: the log of the run that died.
    data: the folder of the data; None for what the log names.
    """

    def __call__(self, task: PlannedBranch) -> Ending:
        """Train one branch and validate it. Raises RescueError where no validation data are known."""
        moment = self.moment(task.step)
        branch = Branch(moment, task.order_seed)
        validation = moment.recipe.training_set.validation if isinstance(moment.recipe, LibraryRun) else None
        if validation is None:
            raise RescueError("the data of the run have no part to validate on")
        task.intervention.begin(branch)
        branch.train(decide=_lost)
        loss, accuracy = branch.model.validate(validation, print_every=0)  # in one batch, as a training does
        is_finite = loss == loss and abs(loss) != float("inf")
        return Ending(
            task.key,
            fate_at_the_end(branch.detector),
            branch.model.step - 1,
            branch.model.digest(),
            accuracy,
            loss if is_finite else None,
        )


@dataclass(frozen=True)
class EndingProgress:
    """How far the trainings to the end are.

    done: how many have ended.
    total: how many there are.
    seconds_left: an estimate.
    """

    done: int
    total: int
    seconds_left: float


class Endings:
    """The branches of a plan that were trained to the end of the run, kept in the folder of the rescue.

    plan: the plan of the rescue, whose branches are done.
    folder: where it lies.
    log: the log of the run.
    executor: where the branches are trained.
    data: the folder of the data; None (default) for what the log names.
    """

    def __init__(self, plan: RescuePlan, folder: Path, log: Path, executor: Executor, data: str | None = None) -> None:
        self._plan, self._executor = plan, executor
        self._folder = RescueFolder(folder, plan, resume=True)
        self._work = EndingWork(log, data)
        self.results: dict[str, Ending] = {}

    def run(
        self, branches: Sequence[PlannedBranch], on_progress: Callable[[EndingProgress], None] = lambda progress: None
    ) -> None:
        """Train those of ``branches`` that are missing. May be interrupted at any moment and called again.

        Raises RescueError where a branch cannot be trained or validated.
        """
        with self._folder.open():
            known = self._folder.endings(cut=True)
            self.results = {one.key: known[one.key] for one in branches if one.key in known}
            todo = deque(one for one in branches if one.key not in self.results)
            began, before = perf_counter(), len(self.results)
            with self._executor.pool(self._work) as pool:
                for branch, ending in filter(None, pool.results(todo)):
                    if isinstance(ending, Failure):
                        raise RescueError(f"{self._plan.run}: {branch.key} to the end of the run: {ending.reason}")
                    self._folder.add_ending(ending)
                    self.results[branch.key] = ending
                    done = len(self.results)
                    left = (perf_counter() - began) / (done - before) * (len(branches) - done)
                    on_progress(EndingProgress(done, len(branches), left))


def _lost(detector: Detector) -> str | None:
    """A reason to end a branch whose defect nothing can end any more."""
    return "dead" if detector.is_beyond_recovery else None
