"""`lenet-diag stats`: statistics of many runs, with and without the defect runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.commands.exit_codes import UNREADABLE, one_line_errors
from reports.commands.import_options import chosen, import_options
from reports.commands.values import FOLDER, LOG
from reports.terminal.output import is_terminal, say, screen_width, talk
from reports.terminal.progress_line import progress_line

if TYPE_CHECKING:
    from diagnostics.imports import ImportOptions
    from diagnostics.statistics.comparison import Comparison
    from diagnostics.statistics.group import Group
    from diagnostics.statistics.summary_cache import Loaded


CONTROL = "The arm that all others are compared with.  [default: that of the study, else the first]"


@click.command(name="stats")
@click.argument("paths", metavar="RUN.h5|FILE|FOLDER...", nargs=-1, required=True, type=LOG)
@click.option(
    "--include-defects/--exclude-defects",
    default=True,
    help="Which means come first: those over all runs, or those over survivors. Both are always printed, with k of n.",
)
@click.option("--exclude-defect-steps", is_flag=True, help="Leave defect iterations out of the step and epoch figures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row an arm.")
@click.option(
    "-o",
    "--out",
    "--save",
    "folder",
    metavar="FOLDER",
    type=FOLDER,
    help="Also write stats.txt, stats.json, stats.csv, and runs.csv with one row a run.",
)
@click.option("--control", metavar="NAME", help=CONTROL)
@import_options
def command(
    paths: tuple[Path, ...],
    include_defects: bool,
    exclude_defect_steps: bool,
    as_json: bool,
    as_csv: bool,
    folder: Path | None,
    control: str | None,
    **known: Any,
) -> None:
    """Statistics of runs: defect rates with 95 % intervals, means over all runs and over survivors.

    Runs that differ in nothing but the seed make one arm. Files that cannot be
    read are named and left out (exit code 3).
    """
    from diagnostics.errors import DiagnosticsError
    from diagnostics.statistics.summary_cache import Loaded

    if as_json and as_csv:
        raise click.UsageError("--json and --csv contradict each other; --save FOLDER writes both")
    survivors = not include_defects
    with one_line_errors():
        try:
            found = replace(collect(paths, exclude_defect_steps, chosen(**known), control), survivors=survivors)
        except DiagnosticsError as error:
            if as_json:
                say(RunStatistics(Loaded((), (), (str(error),)), [], [], survivors=survivors).json, is_data=True)
            raise
        if not found.groups:
            if as_json:
                say(found.json, is_data=True)
            talk("no finished run among these files")
            sys.exit(UNREADABLE)
        told = found.json if as_json else found.csv if as_csv else found.text_in(screen_width(sys.stdout))
        say(told, is_data=as_json or as_csv)
        if folder:
            found.save(folder)
            talk(f"written to {folder}")
    if found.loaded.problems:
        sys.exit(UNREADABLE)


def collect(
    paths: tuple[Path, ...],
    exclude_defect_steps: bool,
    options: ImportOptions | None = None,
    control: str | None = None,
) -> RunStatistics:
    """The runs in these files and folders, grouped and compared with ``control``, by default the first arm.

    A single study keeps its own arms, and its own control where no other is named. What was left out, and a folder of
    summaries that was made, are told on stderr. Raises StudyError.
    """
    from diagnostics.errors import LogError
    from diagnostics.imports import find_files
    from diagnostics.statistics import summary_cache
    from diagnostics.statistics.arms import group_runs
    from diagnostics.statistics.comparison import compare_all, control_among
    from diagnostics.study import results
    from diagnostics.study.plan import FILE

    there = _summary_folders(paths)
    if len(paths) == 1 and (paths[0] / FILE).exists():
        plan, loaded = results.load_study(paths[0])
        groups = results.groups_of(plan, loaded.runs, exclude_defect_steps)
        found = RunStatistics(loaded, groups, results.comparisons_of(plan, groups, control), plan.jobs)
    else:
        files, problems = find_files(paths)
        if not files:
            raise LogError("; ".join(problems))
        loaded = summary_cache.load_summaries(files, _show_progress if is_terminal(sys.stderr) else None, options)
        loaded = replace(loaded, problems=(*problems, *loaded.problems))
        groups = group_runs(loaded.runs, exclude_defect_steps=exclude_defect_steps)
        found = RunStatistics(loaded, groups, compare_all(groups, control_among(groups, control, "--control")))
    for line in [*_notes(loaded), *map(kept_words, sorted(_summary_folders(paths) - there))]:
        talk(line)
    return found


def _summary_folders(paths: Sequence[Path]) -> set[Path]:
    """The folders of summaries that are there for these files and folders."""
    from diagnostics.statistics.summary_cache import FOLDER

    return {place for path in paths if (place := (path if path.is_dir() else path.parent) / FOLDER).exists()}


def kept_words(folder: Path) -> str:
    """What a folder of summaries is, told where it has just been made."""
    return f"summaries: {folder}{os.sep} (read in place of the logs next time; it may be deleted)"


def _show_progress(done: int, total: int) -> None:
    """Tell how many runs were read; known runs take no time worth telling."""
    if done % 10 == 0 or done == total:
        progress_line(f"read {done} of {total} runs", done == total)


def _notes(loaded: Loaded) -> list[str]:
    """What was left out, for stderr."""
    lines = [f"error: {problem}" for problem in loaded.problems]
    if loaded.unfinished:
        names = ", ".join(path.name for path in loaded.unfinished[:3])
        more = f" and {len(loaded.unfinished) - 3} more" if len(loaded.unfinished) > 3 else ""
        lines.append(f"not counted, since they have not ended: {names}{more}")
    return lines


@dataclass(frozen=True)
class RunStatistics:
    """The statistics of some runs, as text, JSON and CSV.

    loaded: the runs, and what was left out.
    groups: their arms.
    comparisons: each arm against its control.
    jobs: how many runs of a study were trained at a time; none (default) where that is not known.
    survivors: whether the figures of survivors are the headline; default no.
    """

    loaded: Loaded
    groups: list[Group]
    comparisons: list[Comparison]
    jobs: Sequence[int] = ()
    survivors: bool = False

    def text_in(self, width: int) -> str:
        """For people: the headline, each arm, the comparisons; the tables fit ``width`` columns."""
        from reports.text import statistics as stats_text

        parts = [stats_text.headline(self.groups, self.survivors, width)]
        parts += [stats_text.group_text(group, self.survivors, width) for group in self.groups]
        if self.comparisons:
            parts.append(stats_text.comparison_text(self.comparisons))
        if self.jobs:
            parts.append(stats_text.jobs_text(self.jobs))
        return "\n\n".join(parts)

    @property
    def json(self) -> str:
        """Everything, with the names of the run files."""
        import json

        from diagnostics.statistics.group import JSON_VERSION

        value = {
            "format_version": JSON_VERSION,
            "headline": "survivors" if self.survivors else "all",
            "groups": [group.to_json() for group in self.groups],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "jobs": self.jobs,
            "unfinished": [str(path) for path in self.loaded.unfinished],
            "problems": list(self.loaded.problems),
        }
        return json.dumps(value, indent=2, allow_nan=False)

    @property
    def csv(self) -> str:
        """One row an arm."""
        from diagnostics.statistics.frames import groups_frame

        return groups_frame(self.groups).to_csv(lineterminator="\n").rstrip("\n")

    def save(self, folder: Path) -> None:
        """All forms, and one row a run. Raises LogWriteError."""
        from diagnostics.files import write_text
        from diagnostics.statistics.frames import runs_frame
        from reports.text.wrapping import WIDTH

        write_text(folder / "stats.txt", self.text_in(WIDTH) + "\n")
        write_text(folder / "stats.json", self.json + "\n")
        write_text(folder / "stats.csv", self.csv + "\n")
        write_text(folder / "runs.csv", runs_frame(self.groups).to_csv(lineterminator="\n"))
