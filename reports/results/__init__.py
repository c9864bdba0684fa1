"""Result pages: what a preset study found, as Markdown with tables, figures and all its runs.

In: a study that is finished or half finished.
Out: a page, its numbers as JSON, its figures as PNG, and a CSV file with one row a run.

``lenet-diag study --preset NAME --page FILE`` writes them. A page is a template filled with what ``prepare`` makes of
its numbers, so that its words can be changed without the runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

from diagnostics.errors import StudyError
from diagnostics.files import write_text
from diagnostics.rescue.study_tables import StudyTables
from diagnostics.statistics.frames import runs_frame
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.results import groups_of
from reports.results import remedies, report_table, rescue, why
from reports.results.pictures import write_pictures
from reports.results.study_numbers import Numbers, study_numbers

PAGES: dict[str, ModuleType] = {"report-table": report_table, "remedies": remedies, "why": why}
"""The modules of the pages about trained arms. Each has ``numbers``, ``figures`` and ``prepare``, and a template."""


def write_page(plan: StudyPlan, loaded: Loaded, folder: Path, page: Path) -> Path:
    """Write the page of a preset study with its numbers, figures and runs; returns the page's path.

    Raises StudyError for a study without a page.
    """
    if plan.preset not in PAGES:
        raise StudyError(f"{folder}: has no page of its own; pages are made for {', '.join(PAGES)}")
    module, groups = PAGES[plan.preset], groups_of(plan, loaded.runs)
    numbers = {
        "preset": plan.preset,
        "study": study_numbers(plan, loaded, page.stem),
        **module.numbers(plan, groups, folder),
        "pictures": write_pictures(page, module.figures(groups, folder)),
    }
    write_text(page.with_suffix(".json"), json.dumps(numbers, indent=1, ensure_ascii=False) + "\n")
    write_text(page, render(numbers))
    every_run = runs_frame(groups).drop(columns="path", errors="ignore")
    write_text(page.with_name(f"{page.stem}-runs.csv"), every_run.to_csv(lineterminator="\n", float_format="%.6g"))
    return page


def write_rescue_page(tables: StudyTables, page: Path) -> Path:
    """Write the page of the study of rescues from the tables beside it; returns the page's path."""
    numbers = {**rescue.numbers(tables, page), "pictures": write_pictures(page, rescue.figures(tables))}
    write_text(page.with_suffix(".json"), json.dumps(numbers, indent=1, ensure_ascii=False) + "\n")
    write_text(page, render(numbers))
    return page


def render(numbers: Numbers) -> str:
    """The text of a page from its numbers, which the JSON file beside it has."""
    from reports.pages.markdown import fill

    name = numbers["preset"]
    module = {**PAGES, "rescue": rescue}[name]
    return fill(__name__, f"{name}.md.j2", module.prepare(numbers))


__all__ = ["PAGES", "render", "write_page", "write_rescue_page"]
