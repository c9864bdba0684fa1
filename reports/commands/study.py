"""`lenet-diag study`: train many seeds of one or several settings."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenet.setting_values import option_name
from reports.commands import rescue_study
from reports.commands.exit_codes import DEFECTS, FAILED, one_line_errors
from reports.commands.grouped_help import GroupedCommand
from reports.commands.interruptions import ending_in_order
from reports.commands.options import ON_DEFECT, grid_options, grouped, log_options, scheduler_option
from reports.commands.study_plan import DEFAULT_RUNS, check_agreement, check_data, check_folder, make_plan
from reports.commands.values import FOLDER, FROM_1, KnownName, file_ending_in
from reports.terminal.output import say, screen_width, talk
from reports.text.command_line import path_word
from reports.text.stopping import stopping_price

if TYPE_CHECKING:
    from diagnostics.executors.executor import Executor
    from diagnostics.study.plan import StudyPlan


def preset_names() -> list[str]:
    """The names that --preset takes."""
    from diagnostics.study.presets import PRESETS, RESCUE

    return [*PRESETS, RESCUE]


@click.command(name="study", cls=GroupedCommand)
@grouped("study", "--runs", type=FROM_1, help=f"Seeds of each arm.  [default: {DEFAULT_RUNS}]")
@grouped("study", "--jobs", type=FROM_1, help="Runs at a time.  [default: the number of cores]")
@scheduler_option("Runs")
@grouped(
    "study",
    "--preset",
    metavar="NAME",
    type=KnownName(preset_names),
    help="report-table, remedies, why or rescue: studies of the paper's questions.",
)
@grouped(
    "study",
    "--arm",
    "written",
    metavar='"NAME: OPTIONS"',
    multiple=True,
    help='An arm with options of a training, such as "clip: --clip-norm 1" or "plain:"; may be given more than once. '
    "Options beside it hold for all arms.",
)
@grouped("study", "--control", metavar="NAME", help="The arm that all others are compared with.  [default: the first]")
@grouped(
    "study",
    "-o",
    "--out",
    "folder",
    metavar="FOLDER",
    type=FOLDER,
    help="Where the runs go.  [default: studies/PRESET or studies/UTC-TIME]",
)
@grouped("study", "--resume", is_flag=True, help="Go on with the study in --out; what is complete is not repeated.")
@grouped(
    "study",
    "--reuse",
    metavar="FOLDER",
    multiple=True,
    type=FOLDER,
    help="Copy runs from this study where settings, seed, code and machine are the same.",
)
@grouped(
    "study",
    "--page",
    metavar="FILE.md",
    type=file_ending_in(".md"),
    help="Where a preset's result page goes.  [default: FOLDER/PRESET.md]",
)
@grouped("study", "--page-only", is_flag=True, help="Run nothing; write the page from what is in --out.")
@grid_options
@grouped(
    "remedies",
    "--on-defect",
    type=ON_DEFECT,
    help="What to do with a run once it is sure to be a defect run. The price of stop: "
    f"{stopping_price()}.  [default: continue]",
)
@log_options(have_defaults=False)
def command(
    runs: int | None,
    jobs: int | None,
    scheduler: str | None,
    preset: str | None,
    written: tuple[str, ...],
    control: str | None,
    folder: Path | None,
    resume: bool,
    reuse: tuple[Path, ...],
    page: Path | None,
    page_only: bool,
    on_defect: str | None,
    log_every: int | None,
    histograms_every: int | None,
    **options: Any,
) -> None:
    """Run --runs seeds of every combination of the options given, or of arms that are written out.

    Every option of a training may be given more than once, such as
    `--lr 0.1 --lr 0.5 --network lenet --network conv`. --arm writes arms out. Each run has its log in
    --out; `lenet-diag stats` and `lenet-diag report` take the folder. A run
    with --threads left out uses one thread. --preset rescue goes on with the
    tables beside --page, with or without --resume.
    """
    given = {name: list(values) for name, values in options.items() if values}
    asked = {"on_defect": on_defect, "log_every": log_every, "histograms_every": histograms_every}
    how = {name: value for name, value in asked.items() if value is not None}
    for flag, is_given in (("--page-only", page_only), ("--resume", resume)):
        if is_given and not folder and not preset:
            raise click.UsageError(f"{flag} needs --out FOLDER: the folder of the study")
    folder = folder or Path("studies") / (preset or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    with one_line_errors():
        from diagnostics.errors import StudyError
        from diagnostics.executors.opening import open_executor
        from diagnostics.files import check_replaceable
        from diagnostics.study.plan import StudyPlan
        from diagnostics.study.presets import RESCUE
        from diagnostics.study.reuse import check_source

        if page is not None:
            check_replaceable(page)
        if preset == RESCUE:
            for name in (*given, *how, *(["runs"] if runs else []), *(["reuse"] if reuse else [])):
                raise click.UsageError(
                    f"{option_name(name)}: --preset {preset} is one fixed study and does not take it"
                )
            where = page or folder / f"{preset}.md"
            with open_executor(None if page_only else scheduler, jobs, talk) as executor:
                rescue_study.run_rescue_study(folder, where, executor, page_only=page_only)
            sys.exit(0)
        if preset and (written or control):
            raise click.UsageError(f"--{'arm' if written else 'control'}: --preset has arms and controls of its own")
        if page_only or (resume and not given and not preset and not runs and not written and not control):
            flag = "--page-only" if page_only else "--resume"
            check_folder(folder, flag)
            plan = StudyPlan.load(folder)
            check_agreement(plan, folder, flag, {**given, **how, "preset": preset, "runs": runs})
        else:
            plan = make_plan(given, runs, preset, how, written, control)
            check_folder(folder, "--resume" if resume else None)
            plan = plan.labelled_as(StudyPlan.load(folder)) if resume else plan
            check_data(plan)
        if page is not None and not plan.preset:
            raise StudyError("--page: only the studies of --preset have a result page; leave it out")
        for source in reuse:
            check_source(plan, source)
        code = 0
        if not page_only:
            with open_executor(scheduler, jobs, talk) as executor:
                code = execute(plan, folder, executor, reuse, scheduler)
        show_result(plan, folder, page)
    sys.exit(code)


def execute(
    plan: StudyPlan, folder: Path, executor: Executor, reuse: tuple[Path, ...] = (), scheduler: str | None = None
) -> int:
    """Run what is missing and show how it goes; the exit code. ``scheduler`` is what was asked for."""
    from diagnostics.errors import SchedulerError
    from diagnostics.study.results import FAILURES
    from diagnostics.study.runner import Study
    from reports.terminal.console import TerminalConsole
    from reports.terminal.study_view import StudyView
    from reports.text.numbers import counted

    where = f" --scheduler {path_word(scheduler)}" if scheduler else ""
    again = f"go on with: lenet-diag study --resume --out {path_word(folder)}{where}"
    study = Study(plan, folder, executor.jobs, reuse=reuse, executor=executor)
    tell_duration(plan, folder, executor.jobs)
    try:
        with ending_in_order(again), StudyView(TerminalConsole(stderr=True)) as view:
            study.run(view)
    except SchedulerError:
        talk(f"what is done is kept; {again}")
        raise
    crashed = sum(run.is_crashed for run in study.runs)
    if crashed:
        why = folder / FAILURES
        talk(f"{counted(crashed, 'run')} crashed; why is in {why}; --resume tries again")
        return FAILED
    return DEFECTS if plan.on_defect == "stop" and any(run.is_defect for run in study.runs) else 0


def tell_duration(plan: StudyPlan, folder: Path, jobs: int) -> None:
    """Say how many runs are to be trained, and about how long that takes."""
    from diagnostics.study.duration import expected_seconds
    from diagnostics.study.worker import finished
    from reports.text.numbers import counted, seconds

    missing = [task for task in plan.tasks() if finished(folder / task.file, task) is None]
    if missing:
        time_needed = seconds(expected_seconds(missing, jobs), digits=2)
        talk(f"{counted(len(missing), 'run')} to train, about {time_needed} with {jobs} at a time")


def show_result(plan: StudyPlan, folder: Path, page: Path | None) -> None:
    """Print the statistics; write the page of a preset."""
    from diagnostics.statistics.summary_cache import FOLDER
    from diagnostics.study.results import comparisons_of, groups_of, load_study
    from reports.commands.stats import RunStatistics, kept_words

    plan, loaded = load_study(folder)
    groups = groups_of(plan, loaded.runs)
    if not groups:
        talk("no finished run in this study yet")
        return
    say(RunStatistics(loaded, groups, comparisons_of(plan, groups), plan.jobs).text_in(screen_width(sys.stdout)))
    if plan.preset:
        from reports.results import write_page

        talk(f"page: {write_page(plan, loaded, folder, page or folder / f'{plan.preset}.md')}")
    talk(kept_words(folder / FOLDER))
    talk(f"next: lenet-diag report {path_word(folder)}")
