"""`lenet-diag rescue`: find out by experiment what would have saved a run."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.commands.exit_codes import INTERRUPTED, one_line_errors
from reports.commands.options import STEPS, scheduler_option
from reports.commands.values import FOLDER, FROM_0, FROM_1, LOG, KnownName
from reports.terminal.output import say, talk
from reports.text.command_line import path_word

if TYPE_CHECKING:
    from diagnostics.rescue.experiment import RescueProgress
    from diagnostics.rescue.plan import PlannedBranch, RescuePlan
    from diagnostics.rescue.to_the_end import EndingProgress, Endings


def arm_names() -> list[str]:
    """The names that --arm takes for some run: which of them apply to one run, the run decides."""
    from diagnostics.detect.remedies import REMEDIES
    from diagnostics.rescue import plan

    return [
        plan.BUT_FOR,
        plan.SCALED,
        plan.SWAPPED,
        *REMEDIES,
        f"{plan.RATE}-doses",
        f"{plan.CLIP}-doses",
        plan.NO_RETURN,
    ]


@click.command(name="rescue")
@click.argument("run", metavar="RUN.h5", type=LOG)
@click.option(
    "--runs", type=FROM_1, default=20, show_default=True, help="Orders of the samples that each arm is tried with."
)
@click.option(
    "--arm",
    "arms",
    metavar="NAME",
    type=KnownName(arm_names),
    multiple=True,
    help="An arm to run beside the control; may be given more than once.  [default: all]",
)
@click.option(
    "--from",
    "branch_step",
    metavar="STEP",
    type=FROM_0,
    help="The step from which remedies are switched on.  [default: ten before the first link]",
)
@click.option(
    "--horizon",
    type=STEPS,
    help="Steps that a branch may make.  [default: patience plus grace, and grace after the confirmation]",
)
@click.option("--seed", type=FROM_0, default=0, show_default=True, help="The first order seed.")
@click.option("--jobs", type=FROM_1, help="Branches at a time.  [default: the number of cores]")
@scheduler_option("Branches")
@click.option("--data", metavar="FOLDER", type=FOLDER, help="The data of the run.  [default: what the log names]")
@click.option(
    "-o",
    "--out",
    "folder",
    metavar="FOLDER",
    type=FOLDER,
    help="Where the branches are kept.  [default: RUN.rescue beside the log]",
)
@click.option(
    "--cost-runs",
    type=FROM_0,
    default=5,
    show_default=True,
    help="Orders with which what is proven is trained to the end of the run, to see its accuracy (0: none).",
)
@click.option("--resume", is_flag=True, help="Go on with the rescue in --out; branches that are done are kept.")
@click.option("--keep-branches", is_flag=True, help="Keep the rows of each branch as a log of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    run: Path,
    runs: int,
    arms: tuple[str, ...],
    branch_step: int | None,
    horizon: int | None,
    seed: int,
    jobs: int | None,
    scheduler: str | None,
    data: Path | None,
    folder: Path | None,
    cost_runs: int,
    resume: bool,
    keep_branches: bool,
    as_json: bool,
) -> None:
    """Replay a run that died, branch off before its death, and try what would have saved it.

    Every arm is one change, tried with the same orders of the samples as the control, in which nothing changes.
    Arms: but-for, scaled-update and swapped-batch alter the step of the first link, each with placebos; each remedy
    that the diagnosis names; rate-doses and clip-doses; no-return. An arm is proven by McNemar's exact test
    on the pairs, adjusted for all arms (Holm). Then some branches of what is proven are trained to the end of the run,
    and so are those of the control with the same orders that lived: the difference of their validation accuracies is
    what it costs.
    """
    with one_line_errors():
        from diagnostics.executors.opening import open_executor
        from diagnostics.log.reader import open_run
        from diagnostics.rescue.experiment import Rescue
        from diagnostics.rescue.patient import examine
        from diagnostics.rescue.plan import make_plan
        from diagnostics.rescue.record import BRANCHES, ENDINGS, load_branches, load_endings
        from diagnostics.rescue.results import read_results
        from diagnostics.rescue.to_the_end import Endings, cost_branches
        from reports.text.rescue import cost_intentions, cost_outlook, intentions, rescue_text

        died = open_run(run)
        patient = examine(died)
        plan = make_plan(patient, runs=runs, arms=arms, branch_step=branch_step, horizon=horizon, seed=seed)
        folder = folder or run.with_suffix(".rescue")
        where: dict[str, Any] = {"data": None if data is None else str(data)}
        with open_executor(scheduler, jobs, talk) as executor:
            where["executor"] = executor
            rescue = Rescue(patient, plan, folder, run.absolute(), resume=resume, keep_branches=keep_branches, **where)
            endings = Endings(plan, folder, run.absolute(), **where)
            step_seconds = float(died.steps["seconds"].median()) / executor.jobs
            to_the_end = died.info.total_steps - plan.branch_step
            done = load_branches(folder / BRANCHES, cut=False) if resume else {}
            seconds = plan.expected_steps(patient.confirmed, done) * step_seconds
            talk(intentions(plan, seconds, executor.jobs, len(done)))
            orders = min(cost_runs, runs)
            if orders and plan.compared and not (folder / ENDINGS).exists():
                talk(cost_outlook(orders, orders * to_the_end * step_seconds))
            try:
                rescue.run(_Shown(plan))
                if branches := cost_branches(read_results(plan, rescue.results), cost_runs):
                    ended = load_endings(folder / ENDINGS, cut=False)
                    if todo := sum(branch.key not in ended for branch in branches):
                        talk(cost_intentions(todo, to_the_end, todo * to_the_end * step_seconds))
                    _ask_for_costs(endings, branches)
            except KeyboardInterrupt:
                talk(f"interrupted; go on with: {_again(run, folder)}")
                sys.exit(INTERRUPTED)
        result = read_results(plan, rescue.results, endings.results)
        say(json.dumps(result.to_json(), indent=2) if as_json else rescue_text(result), is_data=as_json)
        if patient.left_out:
            talk(f"not tried, since they need a new run: {', '.join(patient.left_out)}")
        talk(f"branches: {folder}")
        talk(f"next: lenet-diag report {path_word(run)}")


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


def _again(run: Path, folder: Path) -> str:
    """The command that goes on: the one that was given, with --resume."""
    given = [word for word in sys.argv[1:] if word != "--resume"] or ["rescue", str(run), "--out", str(folder)]
    return shlex.join(["lenet-diag", *given, "--resume"])
