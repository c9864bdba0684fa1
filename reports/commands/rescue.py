"""`lenet-diag rescue`: find out by experiment what would have saved runs."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.commands.exit_codes import INTERRUPTED, UNREADABLE, USAGE, fail, one_line_errors
from reports.commands.options import STEPS, scheduler_option
from reports.commands.shown_rescue import RescueOptions, show_rescue
from reports.commands.values import FOLDER, FROM_0, FROM_1, LOG, KnownName
from reports.terminal.output import say, talk
from reports.text.command_line import path_word

if TYPE_CHECKING:
    from diagnostics.executors.executor import Executor
    from diagnostics.rescue.patient import Patient
    from diagnostics.rescue.results import RescueResult


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
@click.argument("paths", metavar="RUN.h5|FOLDER...", nargs=-1, required=True, type=LOG)
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
    paths: tuple[Path, ...],
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

    A folder stands for the runs in it that died. They are rescued one after the other, and counted together at the
    end; an arm is tried on the runs that it applies to. A run that cannot be rescued is named and left out, and the
    exit code says so. With --json there is a list.
    """
    options = RescueOptions(runs, arms, branch_step, horizon, seed, data, cost_runs, resume, keep_branches)
    is_one = len(paths) == 1 and not paths[0].is_dir()
    with one_line_errors():
        from diagnostics.executors.opening import open_executor

        if not is_one and folder is not None:
            fail("--out: is for one run; the branches of several are kept beside their logs", USAGE)
        if not is_one and branch_step is not None:
            fail("--from: is for one run; steps of several runs have nothing in common", USAGE)
        try:
            with open_executor(scheduler, jobs, talk) as executor:
                if is_one:
                    _rescue_one(paths[0], folder or paths[0].with_suffix(".rescue"), options, executor, as_json)
                else:
                    _rescue_several(paths, options, executor, as_json)
        except KeyboardInterrupt:
            talk(f"interrupted; go on with: {_again(paths, folder)}")
            sys.exit(INTERRUPTED)


def _rescue_one(log: Path, folder: Path, options: RescueOptions, executor: Executor, as_json: bool) -> None:
    from diagnostics.log.reader import open_run
    from diagnostics.rescue.patient import examine
    from reports.text.rescue import rescue_text

    died = open_run(log)
    patient = examine(died)
    result = show_rescue(died, patient, log, folder, options, executor)
    say(json.dumps(result.to_json(), indent=2) if as_json else rescue_text(result), is_data=as_json)
    _tell_more(patient, log, folder)


def _rescue_several(paths: tuple[Path, ...], options: RescueOptions, executor: Executor, as_json: bool) -> None:
    """Rescue all runs that died, in turn. Exits with the highest code of what went wrong."""
    from diagnostics.errors import DiagnosticsError, RescueError
    from diagnostics.log.reader import open_run
    from diagnostics.log.run_files import find_readable
    from diagnostics.rescue.found import rescue_folder
    from diagnostics.rescue.patient import examine
    from diagnostics.rescue.plan import applying
    from reports.text.rescue import rescue_text
    from reports.text.rescues import rescues_text

    logs, problems = find_readable(paths)
    for problem in problems:
        talk(f"error: {problem}")
    code, lived = UNREADABLE if problems else 0, 0
    results: list[RescueResult] = []
    seen: dict[str, Path] = {}
    for log in logs:
        try:
            run = open_run(log)
            if (first := seen.setdefault(run.header.run_id, log)) != log:
                talk(f"{log}: is a copy of {first}, and is counted once")
                continue
            if not run.verdict.is_defect:
                lived += 1
                continue
            patient, folder = examine(run), rescue_folder(log)
            arms = applying(patient, options.arms)
            if options.arms and not arms:
                raise RescueError(f"{run.name}: {', '.join(options.arms)}: not among the arms that apply to this run")
            result = show_rescue(run, patient, log, folder, replace(options, arms=arms), executor)
        except DiagnosticsError as error:
            talk(f"error: {error}")
            code = max(code, error.exit_code)
            continue
        results.append(result)
        if not as_json:
            say(f"{result.plan.run}: {rescue_text(result)}\n")
        _tell_more(patient, log, folder)
    if as_json:
        say(json.dumps([one.to_json() for one in results], indent=2), is_data=True)
    elif results:
        say(rescues_text(results, lived))
    elif lived:
        talk(f"no run was rescued: {lived} of {len(logs)} did not die")
    sys.exit(code)


def _tell_more(patient: Patient, log: Path, folder: Path) -> None:
    """What was not tried, where the branches lie, and what to do next."""
    if patient.left_out:
        talk(f"not tried, since they need a new run: {', '.join(patient.left_out)}")
    talk(f"branches: {folder}")
    talk(f"next: lenet-diag report {path_word(log)}")


def _again(paths: tuple[Path, ...], folder: Path | None) -> str:
    """The command that goes on: the one that was given, with --resume."""
    out = [] if folder is None else ["--out", str(folder)]
    given = [word for word in sys.argv[1:] if word != "--resume"] or ["rescue", *map(str, paths), *out]
    return shlex.join(["lenet-diag", *given, "--resume"])
