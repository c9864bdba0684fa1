"""Result pages: a finished (or half finished) preset study as Markdown, in words and tables.

Every number on a page is worked out from the run files of the study; the pages
are written by ``lenet-diag study --preset NAME --page FILE``.
"""

from __future__ import annotations

from pathlib import Path

from diagnostics.errors import StudyError
from diagnostics.files import write_text
from diagnostics.statistics.frames import runs_frame
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.results import groups_of
from reports.results import remedies, report_table, why
from reports.results.markdown import runs_file

PAGES = {"report-table": report_table.page, "remedies": remedies.page, "why": why.page}


def write_page(plan: StudyPlan, loaded: Loaded, folder: Path, page: Path) -> Path:
    """Write the page of a preset study, its figures, and beside them a CSV with one row a run; the page's path.

    Raises StudyError for a study without a page.
    """
    if plan.preset not in PAGES:
        raise StudyError(f"{folder}: has no page of its own; pages are made for {', '.join(PAGES)}")
    write_text(page, PAGES[plan.preset](plan, loaded, folder, page))
    every_run = runs_frame(groups_of(plan, loaded.runs)).drop(columns="path", errors="ignore")
    write_text(runs_file(page), every_run.to_csv(lineterminator="\n", float_format="%.6g"))
    return page


__all__ = ["PAGES", "write_page"]
