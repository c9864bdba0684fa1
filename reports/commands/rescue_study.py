"""`lenet-diag study --preset rescue`: what would have saved natural deaths, and the page about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.commands.interruptions import ending_in_order
from reports.terminal.output import talk

if TYPE_CHECKING:
    from diagnostics.executors.executor import Executor
    from diagnostics.rescue.death_study import DeathStudyProgress


def run_rescue_study(folder: Path, page: Path, executor: Executor, *, page_only: bool) -> None:
    """Go on with what the tables beside the page say is done, and write the page.

    folder: where logs and unfinished rescues lie.
    page: the page; its tables lie beside it.
    executor: where seeds and branches are trained.
    page_only: whether nothing is run.
    Raises StudyError, DamagedFileError or RescueError with one line.
    """
    from diagnostics.rescue.death_study import PLAN, DeathStudy
    from diagnostics.rescue.study_tables import StudyTables

    tables = StudyTables(page, PLAN)
    study = DeathStudy(folder, tables, executor)
    if not page_only:
        page.parent.mkdir(parents=True, exist_ok=True)
        with ending_in_order(f"{tables.runs_file} has what is done, and the same command goes on"):
            study.run(_show)
    from reports.results import write_rescue_page

    talk(f"page: {write_rescue_page(tables, page)}")


def _show(progress: DeathStudyProgress) -> None:
    """Show the seed at work, the deaths so far, and how far the rescue at work is."""
    from reports.terminal.progress_line import progress_line

    counts = ", ".join(f"{name} {deaths}" for name, deaths in progress.deaths.items())
    rescue = progress.rescue
    doing = "training" if rescue is None else f"rescue, {len(rescue.results)} of {rescue.total} branches"
    progress_line(f"deaths: {counts}; {progress.population.name} seed {progress.seed}: {doing}", is_last=False)
