"""The report of a folder of runs, and the numbers its figures draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.statistics.group import Group
from diagnostics.statistics.intervals import wilson
from reports.figures import arms, healthy_vs_defect, rates, survival
from reports.pages import html, study_facts
from reports.pages.document import Document, Facts, Hyperlink, TableBlock, VerdictBlock
from reports.pages.study_data import StudyData
from reports.pages.study_page import build
from reports.results import why
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.lenet_info import GUESSING
from tests.helpers.no_pictures import with_blank_pictures


@pytest.fixture(scope="module")
def study() -> StudyData:
    return synthetic.study()


@pytest.fixture(scope="module")
def page(study) -> Document:
    with with_blank_pictures():
        return build(study)


def died_at(group: Group, *steps: int) -> Group:
    """The same group, whose defect runs died at these steps."""
    left = iter(steps)
    return replace(group, runs=tuple(replace(r, broke_at=next(left)) if r.is_defect else r for r in group.runs))


def test_the_dots_are_k_of_n_with_wilsons_interval(study):
    first, second = rates.prepare(study.groups)

    assert (first.defects, first.judged, first.rate) == (3, 4, 0.75)
    assert (first.low, first.high) == wilson(3, 4)
    assert (second.defects, second.rate) == (0, 0.0)


def test_survival_falls_by_the_share_that_dies_at_each_step(study):
    curve = survival.prepare(died_at(study.groups[0], 10, 30, 50))

    assert curve is not None
    assert curve.deaths == 3
    np.testing.assert_allclose(curve.steps, [0, 10, 30, 50, 120, 120])
    np.testing.assert_allclose(curve.alive, [1, 0.75, 0.5, 0.25, 0.25, 0.25])
    assert np.all((curve.low <= curve.alive) & (curve.alive <= curve.high))


def test_a_run_that_ended_early_and_alive_leaves_the_runs_at_risk(study):
    group = died_at(study.groups[0], 10, 30, 50)
    early = replace(group, runs=tuple(replace(r, steps=20) if r.is_survivor else r for r in group.runs))
    curve = survival.prepare(early)

    assert curve is not None
    np.testing.assert_allclose(curve.alive[:5], [1, 0.75, 0.75, 0.375, 0.0])


def test_an_arm_in_which_nothing_died_stays_at_one(study):
    curve = survival.prepare(study.groups[1])

    assert curve is not None
    assert curve.alive.tolist() == [1, 1]


def test_each_arm_shows_its_runs_with_their_fates(study):
    first, second = arms.prepare(study.groups, study.open_run)

    assert [c.fate for c in first.curves] == ["survivor", "defect", "defect", "defect"]
    assert {c.fate for c in second.curves} == {"survivor"}
    assert first.guess_loss == pytest.approx(GUESSING)


def test_the_bands_part_where_the_defect_runs_went_down(study):
    runs = [study.open_run(summary) for summary in study.groups[0].runs]
    bands = {(b.fate, b.layer, b.panel.kind): b for b in healthy_vs_defect.prepare(runs, "onset")}
    defect, healthy = bands["defect", "conv2", "gradient"], bands["healthy", "conv2", "gradient"]

    assert defect.runs == 3
    after = defect.median[defect.steps > 0]  # at the step of the blow there still was one
    assert np.all((after == 0) | np.isnan(after))  # NaN: beyond the last step
    assert np.nanmin(healthy.median) > 0


def test_the_page_counts_before_it_averages_and_links_each_runs_own_report(page):
    verdict, facts = page.opening
    table = next(b for b in page.sections[0].blocks if isinstance(b, TableBlock))
    runs = next(b for b in page.sections[4].blocks if isinstance(b, TableBlock))

    assert isinstance(verdict, VerdictBlock)
    assert "3 of 8 judged runs died" in verdict.sentence
    assert isinstance(facts, Facts)
    assert facts.items[0].answer == "3 of 8"
    assert [row[1] for row in table.rows] == ["3 of 4", "0 of 4"]
    assert [row[2] for row in table.rows] == ["75 %", "0 %"]
    assert "beside" not in table.columns
    assert all("n = " in str(row[6]) and "n = " in str(row[7]) for row in table.rows)
    assert runs.rows[1][0] == Hyperlink("lenet-lr=0.5-seed1.h5", "lenet-lr=0.5-seed1/report.html")
    assert len(page.pictures()) == 5
    assert "x.h5: is empty" in html.render(page)


def test_arms_that_died_alike_are_not_set_against_one_another(study):
    first, second = study.groups
    alike = replace(study, groups=[first, Group("another", first.runs)])

    assert "Most in" in study_facts.study_verdict(study).sentence
    assert study_facts.study_verdict(alike).sentence.endswith("The same share in both arms.")
    assert f"fewest in {second.label}" in study_facts.study_verdict(study).sentence


@pytest.mark.slow  # its figures are painted twice
def test_the_same_study_gives_the_same_bytes(study):
    assert html.render(build(study)) == html.render(build(study))


@pytest.mark.parametrize(
    ("steps", "median"), [((10, 1400, 90), "90"), ((10, 20, 33, 1400), "26.5"), ((1200, 1300), "1,250")]
)
def test_the_median_step_of_death_is_that_of_the_textbook(study, steps, median):
    runs = tuple(replace(study.groups[0].runs[1], broke_at=step) for step in steps)
    facts = study_facts.study_facts(replace(study, groups=(replace(study.groups[0], runs=runs),)))

    assert next(fact.answer for fact in facts.items if fact.question == "When?") == f"step {median}"
    assert survival.median_death_words(why._deaths(replace(study.groups[0], runs=runs))["steps"]) == median


@pytest.mark.parametrize(
    ("dead", "alive", "chosen"), [(3, 100, (3, 77)), (100, 3, (77, 3)), (90, 90, (40, 40)), (5, 6, (5, 6))]
)
def test_runs_of_both_fates_are_compared_however_many_there_are_of_one(study, dead, alive, chosen):
    survivor, defect = study.groups[0].runs[:2]
    group = replace(study.groups[0], runs=(*[survivor] * alive, *[defect] * dead))
    runs = healthy_vs_defect.of_both_fates(group)

    assert (sum(r.is_defect for r in runs), sum(r.is_survivor for r in runs)) == chosen


def test_runs_without_a_cause_are_counted_when_the_commonest_cause_is_named(study):
    first, *others = study.groups
    unexplained = replace(first, runs=tuple(replace(r, cause=None) if r.is_defect else r for r in first.runs))
    facts = study_facts.study_facts(replace(study, groups=(unexplained, *others)))
    why = next(fact for fact in facts.items if fact.question == "Why, most often?")

    assert why.answer == "unexplained"
    assert why.note == "no first link was found in 3 of 3"


def test_no_box_counts_what_there_was_none_of(study):
    (group,) = [one for one in study.groups if one.defect_runs][:1]
    runs = tuple(replace(run, verdict=Verdict.COLLAPSED, status="completed") for run in group.runs)
    facts = study_facts.study_facts(replace(study, groups=(replace(group, runs=runs),)))

    assert [one.note for one in facts.items[:2]] == ["", ""]
