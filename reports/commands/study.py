"""`lenet-diag study`: many runs of one or several settings, in parallel, and their statistics."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.commands.failures import DEFECTS, FAILED, INTERRUPTED, TERMINATED, UNREADABLE, USAGE
from reports.commands.options import STEPS, STEPS_OR_NEVER, grid_options

if TYPE_CHECKING:
    from diagnostics.study import Plan

DEFAULT_RUNS = 10


@click.command(name="study")
@click.option("--runs", type=click.IntRange(min=1), help=f"Seeds of each arm.  [default: {DEFAULT_RUNS}]")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs at a time.  [default: the number of cores]")
@click.option("--preset", metavar="NAME", help="report-table, remedies or why: studies that answer the report.")
@grid_options
@click.option("--on-defect", type=click.Choice(["continue", "stop", "restart"]), default="continue",
              show_default=True, help="What to do with a run once it is sure to be a defect run.")  # fmt: skip
@click.option(
    "--log-every", type=STEPS, default=1, show_default=True, help="Steps between log rows."
)
@click.option("--histograms-every", type=STEPS_OR_NEVER, default=25, show_default=True,
              help="Steps between histograms; 0 is never.")  # fmt: skip
@click.option("--out", "folder", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False),
              help="Where the runs go.  [default: studies/PRESET or studies/UTC-TIME]")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with the study in --out; what is complete is not repeated.")
@click.option("--reuse", metavar="FOLDER", multiple=True, type=click.Path(path_type=Path, file_okay=False),
              help="Copy runs from this study where settings, seed, code and machine are the same.")  # fmt: skip
@click.option("--page", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Where a preset's result page goes.  [default: FOLDER/PRESET.md]")  # fmt: skip
@click.option("--page-only", is_flag=True, help="Run nothing; write the page from what is in --out.")
def command(
    runs: int | None, jobs: int | None, preset: str | None, folder: Path | None, resume: bool, reuse: tuple[Path, ...],
    page: Path | None, page_only: bool, on_defect: str, log_every: int, histograms_every: int, **options: Any,
) -> None:  # fmt: skip
    """Run --runs seeds of every combination of the options given.

    Every option of a training may be given more than once, such as
    `--lr 0.1 --lr 0.5 --network lenet --network conv`. Each run has its log in
    --out; `lenet-diag stats` and `lenet-diag report` take the folder. A run
    with --threads left out uses one thread.
    """
    from diagnostics.errors import DiagnosticsError, LogWriteError
    from diagnostics.reuse import check_source
    from diagnostics.study import Plan, StudyError
    from lenet.errors import DataError, LenetError

    if page_only and folder is None:
        raise click.UsageError("--page-only needs --out FOLDER: the study to write the page of")
    given = {name: list(values) for name, values in options.items() if values}
    folder = folder or Path("studies") / (preset or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    try:
        if page_only or (resume and not given and not preset and not runs):
            refuse_existing(folder, resume=True)
            plan = Plan.load(folder)
        else:
            how = {"on_defect": on_defect, "log_every": log_every, "histograms_every": histograms_every}
            plan = make_plan(given, runs, preset, how)
            refuse_existing(folder, resume)
            check_data(plan)
        for source in reuse:
            check_source(plan, source)
        code = 0 if page_only else execute(plan, folder, jobs or _cores(), reuse)
        show_result(plan, folder, page)
    except StudyError as error:
        _end(error, USAGE)
    except LogWriteError as error:
        _end(error, FAILED)
    except DiagnosticsError as error:
        _end(error, UNREADABLE)
    except DataError as error:
        _end(error, UNREADABLE)
    except LenetError as error:
        _end(error, USAGE)
    sys.exit(code)


def make_plan(given: dict[str, list[Any]], runs: int | None, preset_name: str | None, how: dict[str, Any]) -> Plan:
    """The plan these options ask for. Raises StudyError or SettingsError."""
    from diagnostics.presets import preset
    from diagnostics.study import Plan, StudyError, grid

    seeds = given.pop("seed", [0])
    if len(seeds) > 1:
        raise StudyError("--seed: given more than once; a study takes --runs seeds from --seed on")
    if preset_name is None:
        return Plan(grid(given, runs or DEFAULT_RUNS), seeds[0], **how)
    several = [name for name, values in given.items() if len(values) > 1]
    if several:
        raise StudyError(f"--{several[0].replace('_', '-')}: given more than once, which --preset does not allow")
    arms = preset(preset_name).build({name: values[0] for name, values in given.items()}, runs)
    return Plan(arms, seeds[0], preset=preset_name, **how)


def refuse_existing(folder: Path, resume: bool) -> None:
    """Ask for --resume where there is a study, and for a study where there is --resume. Raises StudyError."""
    from diagnostics.study import FILE, StudyError

    exists = (folder / FILE).exists()
    if exists and not resume:
        raise StudyError(f"{folder}: holds a study already; add --resume to go on with it, or choose another --out")
    if resume and not exists:
        raise StudyError(f"{folder}: holds no study to resume (no {FILE}); leave out --resume to start one")


def check_data(plan: Plan) -> None:
    """Read the data once before all workers do, so that what is wrong is told once. Raises DataError."""
    from lenet.data import load_dataset

    for folder in {arm.settings["data"] for arm in plan.arms} - {None}:
        load_dataset(folder, None)


def execute(plan: Plan, folder: Path, jobs: int, reuse: tuple[Path, ...] = ()) -> int:
    """Run what is missing and show how it goes; the exit code."""
    from rich.console import Console

    from diagnostics.study_run import FAILURES, Study
    from reports.study_view import StudyView
    from reports.words import counted

    study = Study(plan, folder, jobs, reuse=reuse)
    _end_in_order_on_sigterm()
    try:
        with StudyView(Console(stderr=True)) as view:
            study.run(view)
    except KeyboardInterrupt as interruption:
        click.echo(f"interrupted; go on with: lenet-diag study --resume --out {shlex.quote(str(folder))}", err=True)
        sys.exit(TERMINATED if isinstance(interruption, _Terminated) else INTERRUPTED)
    crashed = sum(run.is_crashed for run in study.runs)
    if crashed:
        why = folder / FAILURES
        click.echo(f"{counted(crashed, 'run')} crashed; why is in {why}; --resume tries again", err=True)
        return FAILED
    return DEFECTS if plan.on_defect == "stop" and any(run.is_defect for run in study.runs) else 0


def show_result(plan: Plan, folder: Path, page: Path | None) -> None:
    """Print the statistics; write the page of a preset."""
    from diagnostics.study_run import comparisons_of, groups_of, load_study
    from reports.commands.stats import Forms

    plan, loaded = load_study(folder)
    groups = groups_of(plan, loaded.runs)
    if not groups:
        click.echo("no finished run in this study yet", err=True)
        return
    jobs = sorted({int(start["jobs"]) for start in plan.history})
    click.echo(Forms(loaded, groups, comparisons_of(plan, groups), survivors=False, jobs=jobs).text)
    if plan.preset:
        from reports.study_pages import write_page

        click.echo(f"page: {write_page(plan, loaded, folder, page or folder / f'{plan.preset}.md')}", err=True)
    click.echo(f"next: lenet-diag report {shlex.quote(str(folder))}", err=True)


class _Terminated(KeyboardInterrupt):
    """SIGTERM as an exception, so that the workers are ended too."""


def _end_in_order_on_sigterm() -> None:
    def end(*_: object) -> None:
        raise _Terminated

    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, end)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end(error: Exception, code: int) -> None:
    click.echo(f"error: {error}", err=True)
    sys.exit(code)
