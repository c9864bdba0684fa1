"""What to try has to fit what went wrong: faults first, and nothing that only fits their consequences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from diagnostics.detect.causes import Explanation, suggested
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding, RuleOutcome, Severity
from diagnostics.detect.link import Link, Origin
from diagnostics.detect.rules.saturated_units import SaturatedUnits
from diagnostics.detect.rules.zero_weights import ZeroWeights
from tests.helpers.judged_rows import judge, rows

WINDOW = example(DEFAULT_THRESHOLDS)


def seen(rule: str, step: int) -> Finding:
    return Finding(rule, "dense1", step, step, math.nan, math.nan, Severity.ERROR, math.nan, "")


def titles(*chain: Finding, origin: Origin = Origin.UNKNOWN, blow: int | None = None) -> list[str]:
    first = Link(chain[0].rule, chain[0].layer, chain[0].first_step, "", origin)
    struck = None if blow is None else Link("oversized-update", "dense1", blow, "")
    return [one.title for one in suggested(Explanation(chain, first, struck), WINDOW)]


def test_what_mends_a_fault_of_the_code_is_not_followed_by_what_treats_its_consequences():
    chain = [seen("foreign-change", 20), seen("oversized-update", 20), seen("dead-units", 21)]

    assert titles(*chain, origin=Origin.CODE, blow=20) == ["a look at what writes to the weights"]


def test_numbers_that_overflow_after_the_blow_of_a_wrong_sign_add_no_remedy():
    chain = [seen("wrong-sign", 0), seen("oversized-update", 7), seen("non-finite", 8)]

    assert titles(*chain, origin=Origin.CODE, blow=7) == titles(chain[0], origin=Origin.CODE)


def test_a_fault_that_is_the_blow_itself_keeps_its_remedy():
    jump = Link("non-finite", "input", 20, "", Origin.DATA)
    chain = (seen("non-finite", 20),)
    told = suggested(Explanation(chain, jump, jump), WINDOW)

    assert told
    assert [one.title for one in told] == titles(*chain, origin=Origin.DATA)


def test_a_fault_of_the_settings_leaves_the_other_settings_to_try():
    chain = [seen("learning-rate-jump", 20), seen("oversized-update", 21)]
    told = titles(*chain, origin=Origin.SETTINGS, blow=21)

    assert told[0] == "the learning rate as it was before the jump"
    assert "clipping the gradient by its norm" in told


def test_the_remedy_of_a_fault_comes_before_that_of_a_slow_change_that_began_earlier():
    assert titles(seen("fading-signal", 20), seen("growing-steps", 25))[0] == "the momentum as it was before"


def test_a_fault_that_follows_the_blow_does_not_come_first():
    told = titles(seen("oversized-update", 20), seen("non-finite", 22), blow=20)

    assert told[0] == "a smaller learning rate"


def test_a_run_that_learns_in_spite_of_a_fault_has_something_to_mend():
    t = np.arange(469)
    one_class = rows(np.where(t < 256, 0.3, 0.001), np.where(t < 256, 0.9, 1.0))

    assert judge(one_class).diagnosis.remedies == ("a look at how images and labels are paired",)
    assert judge(rows(np.full(469, 0.3), 0.9)).diagnosis.remedies == ()


def test_zeros_that_were_drawn_and_zeros_that_were_written_have_their_own_remedies():
    later = seen("zero-weights", 20)

    assert ZeroWeights().remedies_for(replace(later, first_step=0)) == ("random-weights",)
    assert ZeroWeights().remedies_for(later) == ("look-at-writers",)


def test_no_learning_rate_mends_units_that_were_saturated_before_the_first_update():
    later = seen("saturated-units", 20)

    assert "smaller-rate" not in SaturatedUnits().remedies_for(replace(later, first_step=0))
    assert "smaller-rate" in SaturatedUnits().remedies_for(later)


def test_inputs_whose_scale_is_right_are_not_to_be_scaled():
    chain = (seen("saturated-units", 0),)
    scale = replace(seen("input-scale", 0), outcome=RuleOutcome.PASSED)
    checked, unchecked = (suggested(Explanation(chain, checks=checks), WINDOW) for checks in ((scale,), ()))

    assert "scaled-inputs" not in [one.remedy.key for one in checked]
    assert "scaled-inputs" in [one.remedy.key for one in unchecked]
