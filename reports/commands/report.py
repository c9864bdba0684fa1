"""`lenet-diag report`: write a page with figures about a run or a folder of runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from reports.commands.exit_codes import FAULT, UNREADABLE, fail, one_line_errors, tell_damage
from reports.commands.import_options import chosen, import_options
from reports.commands.run_places import RunPlace, places_of
from reports.commands.stats import CONTROL
from reports.commands.values import FOLDER, FROM_1, LOG, PATH
from reports.terminal.output import say, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diagnostics.imports import ImportOptions
    from diagnostics.run.run import Run


@click.command(name="report")
@click.argument("path", metavar="RUN.h5|FILE|FOLDER", type=LOG)
@click.option(
    "-o",
    "--out",
    metavar="OUTDIR",
    type=FOLDER,
    help="Where to write.  [default: RUN.report beside the log, or FOLDER/report]",
)
@click.option(
    "--runs",
    "which",
    default="all",
    show_default=True,
    type=click.Choice(["all", "defect", "none"]),
    help="Of a folder: which runs get a report of their own, linked from the page.",
)
@click.option("--jobs", type=FROM_1, help="Of a folder: reports made at a time.  [default: the number of cores]")
@click.option(
    "--replay/--no-replay",
    "wants_replay",
    default=True,
    help="Of a run that died: train it again up to where it died, and show what happened there.  [default: replay]",
)
@click.option("--data", metavar="FOLDER", type=PATH, help="The data to replay a run with.")
@click.option("--control", metavar="NAME", help=f"Of a folder: {CONTROL[0].lower()}{CONTROL[1:]}")
@import_options
def command(
    path: Path,
    out: Path | None,
    which: str,
    jobs: int | None,
    wants_replay: bool,
    data: Path | None,
    control: str | None,
    **known: Any,
) -> None:
    """Write report.html, complete in itself, and its figures as PNG files.

    The page of a run says what became of it, the chain of events, in which layer, what happened
    at the step of the blow, and what to try. The page of a folder says how many runs died, in
    which arm, and when; each of its runs gets a report of its own.
    """
    with one_line_errors():
        from diagnostics.errors import LogError
        from diagnostics.files import check_replaceable
        from diagnostics.imports import find_files

        wanted = Wanted(wants_replay, data, chosen(**known))
        _, problems = find_files([path])  # what cannot be read is told before what cannot be written
        if problems:
            raise LogError(problems[0])
        out = out or (path / "report" if path.is_dir() else path.with_suffix(".report"))
        check_replaceable(out / "report.html")  # before the minutes that figures take
        if path.is_dir():
            code = _report_folder(path, out, which, jobs, wanted, control)
        else:
            pages, code = report_runs(path, out, wanted)
            for page in pages:
                say(page)
    sys.exit(code)


@dataclass(frozen=True)
class Wanted:
    """What a user wants of the reports of runs.

    has_replay: whether runs that died are replayed.
    data: with the data of which folder; None for those that the log names.
    options: what is known of runs in the logs of other tools.
    """

    has_replay: bool = True
    data: Path | None = None
    options: ImportOptions | None = None


def report_runs(path: Path, out: Path, wanted: Wanted) -> tuple[list[Path], int]:
    """Write the report of the run in a file, or of all; returns the pages, and 3 where a log is damaged.

    A file of another tool may hold several runs: each then has a folder of its own inside ``out``. Raises LogError.
    """
    from diagnostics.imports import open_runs

    runs = open_runs(path, wanted.options)
    pages = [_report_run(run, path, out / run.name if len(runs) > 1 else out, wanted) for run in runs]
    return pages, max(tell_damage(path, run) for run in runs)


def _report_run(run: Run, path: Path, out: Path, wanted: Wanted) -> Path:
    from diagnostics.errors import LogError
    from reports.pages.run_origin import origin_of
    from reports.pages.run_page import write_report

    if not len(run):
        raise LogError(f"{path}: holds no step yet; nothing to report")
    return write_report(run, out, origin_of(run, wanted.data) if wanted.has_replay else None)


def _report_folder(folder: Path, out: Path, which: str, jobs: int | None, wanted: Wanted, control: str | None) -> int:
    """The page of the folder and those of its runs; returns the exit code."""
    from reports.commands.stats import collect
    from reports.pages import html
    from reports.pages.study_data import StudyData
    from reports.pages.study_page import build

    found = collect((folder,), False, wanted.options, control)
    loaded, groups = found.loaded, found.groups
    if not groups:
        fail(f"{folder}: no finished run to report", UNREADABLE)
    summaries = [r for g in groups for r in g.runs if r.steps and (which == "all" or (which != "none" and r.is_defect))]
    places = places_of(loaded.runs)
    failures, faults = _run_reports([places[r.name] for r in summaries], out, jobs, wanted)
    links = {r.name: quote(f"{places[r.name].run_name}/report.html") for r in summaries if r.name not in failures}
    for name, problem in failures.items():
        talk(problem if name in faults else f"error: {problem}")
    problems = [*loaded.problems, *failures.values()]
    left_out = [*problems, *(f"{path.name}: has not ended" for path in loaded.unfinished)]
    name = folder.resolve().name
    data = StudyData(name, groups, found.comparisons, lambda r: places[r.name].open(wanted.options), links, left_out)
    say(html.write(build(data), out))
    return FAULT if faults else UNREADABLE if problems else 0


def _run_reports(
    runs: Sequence[RunPlace], out: Path, jobs: int | None, wanted: Wanted
) -> tuple[dict[str, str], set[str]]:
    """A report for each run, several at a time; returns what went wrong, by run, and where that is our fault.

    Raises LogWriteError or OSError where no report can be written.
    """
    from diagnostics.executors.executor import Failure
    from diagnostics.executors.worker_pool import WorkerPool
    from lenet.training.engine import cores
    from reports.commands.faults import line_of
    from reports.terminal.progress_line import progress_line

    failures: dict[str, str] = {}
    faults: set[str] = set()
    tasks = [(run, out / run.run_name, wanted) for run in runs]
    with WorkerPool(jobs or cores(), _one_report) as pool:
        for done, ((place, _, _), problem) in enumerate(pool.each(tasks), 1):
            if isinstance(problem, Exception):  # what is wrong with the place is wrong for all of them
                raise problem
            if isinstance(problem, Failure) and problem.details:
                faults.add(place.name)
                problem = line_of(f"{place.path}: no report: {problem.message}", problem.details)
            elif isinstance(problem, Failure):
                problem = f"{place.path}: no report: {problem.message}"
            if problem is not None:
                failures[place.name] = problem
            progress_line(f"reports of runs: {done} of {len(runs)}", done == len(runs))
    return {run.name: failures[run.name] for run in runs if run.name in failures}, faults


def _one_report(job: tuple[RunPlace, Path, Wanted]) -> str | Exception | None:
    """Make one report in a process of its own. Returns what was wrong: a line where the log is at fault."""
    from diagnostics.errors import DiagnosticsError, LogWriteError

    place, out, wanted = job
    try:
        run = place.open(wanted.options)
        _report_run(run, place.path, out, wanted)
        tell_damage(place.path, run)
    except (LogWriteError, OSError) as error:
        return error
    except DiagnosticsError as error:
        return str(error)
    return None
