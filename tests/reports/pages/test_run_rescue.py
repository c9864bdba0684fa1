"""A rescue in the report of its run: in the verdict, in the box of what to try, and as a section before the advice."""

from __future__ import annotations

import pytest

from diagnostics.rescue.results import RescueResult
from reports.pages import run_page
from reports.pages.document import Document, Facts, VerdictBlock
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.rescue_results import made_up_rescue, rescue_in_which

pytestmark = pytest.mark.usefixtures("no_pictures")


def page_with(result: RescueResult | None, monkeypatch: pytest.MonkeyPatch) -> Document:
    monkeypatch.setattr(run_page, "rescue_of", lambda run: result)
    return run_page.build(synthetic.dead())


def verdict_of(page: Document) -> str:
    block = page.opening[0]
    assert isinstance(block, VerdictBlock)
    return block.sentence


def what_to_try(page: Document) -> tuple[str, str]:
    block = page.opening[1]
    assert isinstance(block, Facts)
    return block.items[-1].answer, block.items[-1].note


def test_the_verdict_says_in_a_sentence_what_would_have_saved_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_with(made_up_rescue(), monkeypatch)

    assert verdict_of(page).endswith(
        "What would have saved it: with clipping the gradient by its norm 20 of 20 lived, control 8 of 20 (proven)."
    )


def test_the_box_names_what_is_proven_with_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, note = what_to_try(page_with(made_up_rescue(), monkeypatch))

    assert answer == "Clipping the gradient by its norm"
    assert note == "20 of 20 lived, control 8 of 20: proven"


def test_what_was_tried_stands_before_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    anchors = [section.anchor for section in page_with(made_up_rescue(), monkeypatch).sections]

    assert anchors.index("tried") + 1 == anchors.index("try")


@pytest.mark.parametrize("done", [None, 30])
def test_without_a_finished_rescue_nothing_is_called_proven(monkeypatch: pytest.MonkeyPatch, done: int | None) -> None:
    page = page_with(made_up_rescue(done) if done else None, monkeypatch)

    assert "proven:" not in str(page.sections)
    assert "shown" not in str([section for section in page.sections if section.anchor in ("why", "tried", "try")])
    assert "saved it" not in verdict_of(page)
    assert what_to_try(page)[1].endswith("below")


def test_a_rescue_that_proves_nothing_says_so_in_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_with(made_up_rescue(arms=["warm-up"]), monkeypatch)

    assert verdict_of(page).endswith("Nothing that was tried is proven to have saved it (control 8 of 20 lived).")


def test_the_section_says_what_was_fixed_before_the_first_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_with(made_up_rescue(), monkeypatch)
    section = str(next(section for section in page.sections if section.anchor == "tried"))

    assert "Fixed beforehand: 20 orders of the samples an arm (seeds 0 to 19); horizon: " in section


def test_the_first_link_carries_the_counts_of_its_placebo(monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_with(made_up_rescue(), monkeypatch)
    why = next(section for section in page.sections if section.anchor == "why")

    assert "with the update of step 34 left out the run still dies" in str(why)
    assert "6 of 20 live" in str(why)


def test_what_was_tried_in_vain_stands_last_with_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    suggested = [one.remedy.key for one in synthetic.dead().diagnosis.suggestions]
    page = page_with(rescue_in_which({"smaller-rate": 8}), monkeypatch)
    tried = str(next(section for section in page.sections if section.anchor == "try"))

    assert suggested == ["smaller-rate", "clip"]
    assert what_to_try(page)[0] == "Clipping the gradient by its norm"
    assert tried.index("Clipping the gradient") < tried.index("A smaller learning rate")
    assert tried.index("A smaller learning rate") < tried.index("Tried on this run: 8 of 20 lived")
