"""The rescue of one run on the command line: what is said before it, how far it is, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports.terminal.output import talk

if TYPE_CHECKING:
    from diagnostics.executors.executor import Executor
    from diagnostics.rescue.experiment import RescueProgress
    from diagnostics.rescue.patient import Patient
    from diagnostics.rescue.plan import PlannedBranch, RescuePlan
    from diagnostics.rescue.results import RescueResult
    from diagnostics.rescue.to_the_end import EndingProgress, Endings
    from diagnostics.run.run import Run


@dataclass(frozen=True)
class RescueOptions:
    """What was asked for on the command line, by the names of :func:`diagnostics.rescue.run_rescue.rescue`."""

    runs: int
    arms: tuple[str, ...]
    branch_step: int | None
    horizon: int | None
    seed: int
    data: Path | None
    cost_runs: int
    resume: bool
    keep_branches: bool


def show_rescue(
    died: Run, patient: Patient, log: Path, folder: Path, options: RescueOptions, executor: Executor
) -> RescueResult:
    """Make the rescue of one run, and tell on stderr what it does, how long it takes, and how far it is.

    died: the run.
    patient: what is known of it.
    log: its log.
    folder: where the branches are kept.
    options: what was asked for.
    executor: where the branches are trained.
    Raises RescueError, ReplayError, LogError or StudyError, one line each.
    """
    from diagnostics.rescue.experiment import Rescue
    from diagnostics.rescue.plan import make_plan
    from diagnostics.rescue.record import ENDINGS, RescueFolder
    from diagnostics.rescue.results import read_results
    from diagnostics.rescue.to_the_end import Endings, cost_branches
    from reports.text.rescue import cost_intentions, cost_outlook, intentions

    plan = make_plan(
        patient,
        runs=options.runs,
        arms=options.arms,
        branch_step=options.branch_step,
        horizon=options.horizon,
        seed=options.seed,
    )
    data = None if options.data is None else str(options.data)
    rescue = Rescue(
        patient,
        plan,
        folder,
        log.absolute(),
        data=data,
        resume=options.resume,
        keep_branches=options.keep_branches,
        executor=executor,
    )
    endings = Endings(plan, folder, log.absolute(), executor, data)
    step_seconds = float(died.steps["seconds"].median()) / executor.jobs
    to_the_end = died.info.total_steps - plan.branch_step
    kept = RescueFolder(folder, plan, resume=options.resume)
    kept.check_plan()
    done = kept.branches()
    talk(intentions(plan, plan.expected_steps(patient.confirmed, done) * step_seconds, executor.jobs, len(done)))
    orders = min(options.cost_runs, options.runs)
    if orders and plan.compared and not (folder / ENDINGS).exists():
        talk(cost_outlook(orders, orders * to_the_end * step_seconds))
    rescue.run(_Shown(plan))
    if branches := cost_branches(read_results(plan, rescue.results), options.cost_runs):
        ended = kept.endings()
        if todo := sum(branch.key not in ended for branch in branches):
            talk(cost_intentions(todo, to_the_end, todo * to_the_end * step_seconds))
        _ask_for_costs(endings, branches)
    return read_results(plan, rescue.results, endings.results)


def _ask_for_costs(endings: Endings, branches: Sequence[PlannedBranch]) -> None:
    """Train to the end of the run; where that cannot be, a line says so, and the rescue is told without."""
    from diagnostics.errors import RescueError
    from reports.terminal.progress_line import progress_line
    from reports.text.rescue import minutes

    def show(progress: EndingProgress) -> None:
        is_last = progress.done == progress.total
        left = "" if is_last else f", {minutes(progress.seconds_left)} left"
        progress_line(f"{progress.done} of {progress.total} at the end of the run{left}", is_last)

    try:
        endings.run(branches, show)
    except RescueError as error:
        talk(f"what it costs is not told: {error}")


class _Shown:
    """Shows how far a rescue is, with the time left and counts that grow."""

    def __init__(self, plan: RescuePlan) -> None:
        self._plan = plan
        self._shown = -1

    def __call__(self, progress: RescueProgress) -> None:
        from diagnostics.rescue.results import read_results
        from reports.terminal.progress_line import progress_line
        from reports.text.rescue import progress_text

        done = len(progress.results)
        if done == self._shown:
            return
        self._shown = done
        text = progress_text(read_results(self._plan, progress.results), progress.seconds_left)
        progress_line(text, done == progress.total)
