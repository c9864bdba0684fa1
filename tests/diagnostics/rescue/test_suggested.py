"""What to try once a rescue has tried some of it: what is proven, then what nobody tried, then what did not help."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from diagnostics.detect.remedies import suggestion
from diagnostics.rescue.results import RescueResult
from diagnostics.rescue.suggested import by_evidence
from tests.helpers.rescue_results import LIVED, rescue_in_which

KEYS = ("clip", "lecun-init", "warm-up", "smaller-rate", "adaptive")


def order(result: RescueResult | None, keys: Sequence[str] = KEYS) -> list[str]:
    return [one.remedy.key for one in by_evidence([suggestion(key) for key in keys], result)]


def test_without_a_rescue_the_order_is_that_of_the_diagnosis() -> None:
    assert order(None) == list(KEYS)


def test_no_untried_remedy_stands_between_two_proven_ones() -> None:
    result = rescue_in_which({"clip": 20, "warm-up": 20, "adaptive": 20})

    assert order(result) == ["clip", "warm-up", "adaptive", "lecun-init", "smaller-rate"]


def test_what_was_tried_in_vain_stands_last() -> None:
    result = rescue_in_which({"clip": 8, "warm-up": 20, "adaptive": 0})

    assert [arm.word for arm in result.arms] == ["not shown", "proven", "worse"]
    assert order(result) == ["warm-up", "lecun-init", "smaller-rate", "clip", "adaptive"]


def test_of_two_proven_remedies_the_one_that_saved_more_stands_first_as_in_the_headline() -> None:
    result = rescue_in_which({"clip": 17, "warm-up": 20})

    assert order(result)[:2] == ["warm-up", "clip"] == [arm.arm.name for arm in result.proven]


def test_a_remedy_of_which_branches_are_missing_counts_as_untried() -> None:
    half_tried = rescue_in_which({"clip": 0}, done=25)

    assert 0 < half_tried.arms[0].runs < 20
    assert order(half_tried) == list(KEYS)


def test_a_remedy_whose_branches_all_lived_keeps_its_place_where_most_of_the_control_lived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LIVED, "control", 18)
    result = rescue_in_which({"clip": 20, "warm-up": 19})

    assert [arm.word for arm in result.arms] == ["not shown", "not shown"]
    assert order(result) == ["clip", "lecun-init", "smaller-rate", "adaptive", "warm-up"]
