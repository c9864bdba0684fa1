"""The report of a run that learned in spite of a fault does not call it sound."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from diagnostics.detect.findings import Finding, Severity, Verdict
from diagnostics.detect.remedies import suggestion
from diagnostics.run.run import Run
from reports.pages.document import Document, Facts, Folded, Listing, Section, VerdictBlock
from reports.pages.run_page import build
from reports.text.diagnosis import verdict_sentence
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.no_pictures import without_pictures

PLAIN = "From step 40 on every batch is right to the last sample: labels of one class."
FAULT = Finding(
    "one-class-labels", None, 40, 59, 20.0, 40.0, Severity.INFO, math.nan, "labels of one class", plain=PLAIN
)


def with_changes(**changes) -> Run:
    run = synthetic.healthy(60)
    run._kept["diagnosis"] = replace(run.diagnosis, **changes)
    return run


def section(document: Document, anchor: str) -> Section:
    return next(one for one in document.sections if one.anchor == anchor)


@pytest.fixture(scope="module")
def document() -> Document:
    checks = (*synthetic.healthy(60).diagnosis.checks, FAULT)
    with without_pictures():
        return build(with_changes(checks=checks, suggestions=(suggestion("look-at-pairs"),)))


def test_the_verdict_names_the_fault_and_is_no_good_news(document):
    verdict, facts = document.opening[:2]

    assert isinstance(verdict, VerdictBlock)
    assert (verdict.label, verdict.tone) == ("healthy, with a fault", "warn")
    assert verdict.sentence.endswith(f"Yet the rules found a fault. {PLAIN}")
    assert isinstance(facts, Facts)
    assert (facts.items[1].answer, facts.items[1].note) == (
        "1 fault",
        "labels of one class from step 40; no defect stretch in 60 steps",
    )


def test_the_fault_comes_before_the_rules_that_found_nothing(document):
    blocks = section(document, "why").blocks
    (noticed,) = [block for block in blocks if isinstance(block, Listing)]
    (silent,) = [block for block in blocks if isinstance(block, Folded)]

    assert "Steps 40 to 59, whole network: " in str(noticed.items[0])
    assert "Labels of one class." in str(noticed.items[0])
    assert blocks.index(noticed) < blocks.index(silent)
    assert silent.title == "1 rule found nothing"
    assert "dead units" in str(silent.blocks)


@pytest.mark.parametrize(("accuracy", "is_told"), [(0.1, True), (0.9, False), (math.nan, False)])
def test_a_validation_no_better_than_guessing_is_told(accuracy, is_told, monkeypatch):
    run = synthetic.healthy(60)
    monkeypatch.setattr(Run, "validations", run.validations.assign(accuracy=accuracy))

    assert ("Its last validation is no better than guessing" in verdict_sentence(run)) is is_told


def test_there_is_something_to_try(document):
    told = str(section(document, "try").blocks)

    assert "A look at how images and labels are paired." in told
    assert "Nothing needs a remedy" not in told


@pytest.mark.usefixtures("no_pictures")
def test_of_an_undecided_run_is_not_said_that_nothing_needs_a_remedy():
    told = str(section(build(with_changes(verdict=Verdict.UNDECIDED)), "try").blocks)

    assert "The rules found nothing to change." in told
