"""The committed result pages are their templates, filled with numbers that follow from the committed runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from diagnostics.rescue.death_study import PLAN, SAME_RATE
from diagnostics.rescue.study_tables import StudyTables
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.results import groups_of
from docs import generate
from reports.results import remedies, render, report_table, rescue, why
from reports.results.study_numbers import study_numbers
from tests.helpers.committed_runs import DOCS, committed_plan, committed_runs

PAGES = {"report-table": "report-table", "remedies": "remedies", "why-it-breaks": "why"}


def numbers_of(page: str) -> dict[str, Any]:
    return json.loads((DOCS / f"{page}.json").read_text())


def differences(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """Where the numbers of a page are not ours; they may differ by rounding, and ours may have more counts."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [f"{place}: {sorted(missing)}"] if (missing := theirs.keys() - ours.keys()) else []
        return keys + [
            d for key in ours.keys() & theirs.keys() for d in differences(ours[key], theirs[key], f"{place}/{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{place}/{i}")]
    same = ours == pytest.approx(theirs, rel=1e-9) if isinstance(ours, float) else ours == theirs
    return [] if same else [f"{place}: {ours!r} is not {theirs!r}"]


@pytest.mark.parametrize("page", generate.RESULTS)
def test_the_template_with_the_numbers_of_the_page_is_the_page(page):
    assert generate.result_page(page) == (DOCS / f"{page}.md").read_text()


def test_every_result_page_is_tested_here():
    assert {*PAGES, "rescue"} == set(generate.RESULTS)


@pytest.mark.parametrize("page", PAGES)
def test_the_study_of_a_page_is_told_as_its_preset_and_its_runs_say(page):
    plan = committed_plan(PAGES[page])
    runs = committed_runs(page, plan)
    made = study_numbers(plan, Loaded(runs, (), ()), page)
    of_the_machine = ("commits", "judged_at", "last_start", "jobs", "copied")
    committed = numbers_of(page)["study"]

    assert {k: v for k, v in made.items() if k not in of_the_machine} == {
        k: v for k, v in committed.items() if k not in of_the_machine
    }


@pytest.mark.parametrize(
    ("page", "make"),
    [("report-table", report_table.numbers), ("remedies", remedies.numbers), ("why-it-breaks", why.from_summaries)],
)
def test_the_numbers_of_a_page_follow_from_the_runs_beside_it(page, make):
    plan = committed_plan(PAGES[page])
    made = make(plan, groups_of(plan, committed_runs(page, plan)))
    committed = numbers_of(page)

    assert differences(json.loads(json.dumps(made)), {name: committed[name] for name in made}) == []


def test_the_numbers_of_the_rescues_follow_from_the_tables_beside_the_page():
    made = rescue.numbers(StudyTables(DOCS / "rescue.md", PLAN), DOCS / "rescue.md")
    committed = numbers_of("rescue")

    assert differences(json.loads(json.dumps(made)), {name: committed[name] for name in made}) == []


def test_every_death_of_the_study_of_rescues_was_reproduced_and_no_arm_that_does_nothing_is_proven():
    for population in numbers_of("rescue")["populations"]:
        nothing = [arm for arm in population["treatments"] if arm["arm"] == SAME_RATE]

        assert population["reproduced"] == population["deaths"]
        assert [(arm["proven"], arm["worse"]) for arm in nothing] in ([], [(0, 0)])


def test_what_saves_runs_is_told_alike_by_both_pages():
    families = numbers_of("remedies")["families"]

    assert [why._brief(family) for family in families] == numbers_of("why-it-breaks")["remedies"]["families"]


@pytest.mark.parametrize("page", PAGES)
def test_a_number_that_is_missing_is_no_page(page):
    numbers = numbers_of(page)
    del numbers["study"]["done"]

    with pytest.raises(Exception, match="done"):
        render(numbers)
