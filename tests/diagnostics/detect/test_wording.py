"""What findings say: sentences that can stand anywhere, readable numbers, and the numbers that were measured."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from diagnostics.detect import early_warnings
from diagnostics.detect.causes import extended_to
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.rules import ENDING, MECHANISMS

POWER_OF_TEN = re.compile(r"e\+0[2-5]")


@cache
def findings() -> list[Finding]:
    """What the rules say of their faulty examples."""
    cases = [(rule, case) for rule in (*MECHANISMS, *ENDING) for case in rule.cases(DEFAULT_THRESHOLDS)]
    return [finding for rule, case in cases if case.layers for finding in rule.check(case.window)]


def of(rule: str) -> list[Finding]:
    return [one for one in findings() if one.rule == rule]


def test_no_message_begins_with_the_name_of_a_layer_which_a_capital_would_change():
    told = [*(one.message for one in findings()), *(words.format("conv1", 0) for words in early_warnings.WORDS)]

    assert len(told) > 40
    assert not [words for words in told if words.startswith(("conv", "dense"))]


def test_numbers_below_a_million_are_written_out():
    name = "dense1/weights/gradient/norm"
    rule = next(rule for rule in MECHANISMS if rule.name == "exploding-gradient")
    (burst,) = rule.check(example(DEFAULT_THRESHOLDS, {name: (31, 1.56e4)}))
    told = [*findings(), burst]

    assert "up 15,279x, from 1 to 16,000" in burst.message
    assert not [one.message for one in told if POWER_OF_TEN.search(f"{one.message} {one.plain}")]


def test_a_drift_says_the_growth_that_was_measured():
    for one in of("parameter-drift"):
        assert f"grew {one.value:.1f}x within" in one.message


def test_a_stall_says_which_steps_it_compares():
    (stall,) = of("stall")

    assert stall.message == "mean loss 1.20 at the end, no better than the 1.20 of steps 400 to 499"


def test_the_first_loss_is_not_told_as_a_state_that_lasts_to_the_end():
    first = [one for one in of("telling-loss") if "the first loss" in one.message]

    assert first
    assert extended_to(first, 468) == first


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("changed-labels", "though updates and inputs were ordinary: the labels changed."),
        ("wrong-direction", "From step 30 on the updates of dense1 go along its gradient instead of against it."),
        ("fading-signal", " on the outputs of dense1 faded to "),
        (
            "uninformative-labels",
            "The loss stays at the entropy of the class prior (2.303) though every layer is alive",
        ),
        ("saturated-units", "97% of the outputs of dense1 then lie where its tanh is flat"),
        ("accumulated-gradient", "Gradients that are not set to zero between the steps add up so."),
        ("zero-weights", "From step 40 on all weights of dense1 are exactly zero: its outputs are the same for every"),
        ("one-class-labels", "From step 110 on every batch is right to the last sample: labels of one class."),
    ],
)
def test_the_headline_of_a_rule_says_what_happened_and_since_when(rule, words):
    assert any(words in one.plain for one in of(rule))


def test_units_that_were_saturated_before_the_first_update_did_not_become_so():
    rule = next(rule for rule in MECHANISMS if rule.name == "saturated-units")
    window = example(DEFAULT_THRESHOLDS, {"dense1/saturated_fraction": np.full(60, 1.0)}, function="sigmoid", start=0)
    (found,) = rule.check(window)

    assert found.plain.startswith("Since before the first update 100% of the outputs of dense1 lie where its sigmoid")


@pytest.mark.parametrize(
    ("silent", "words"),
    [
        ((0, 16, 16), "All 16 neurons of dense1 then output 0 for every input, and a ReLU at 0 "),
        ((0, 14, 16), "14 of 16 neurons of dense1 then output 0 for every input, in the end all 16, and a ReLU at 0 "),
        ((0, 14, 15), "14 of 16 neurons of dense1 then output 0 for every input, in the end 15, and a ReLU at 0 "),
        ((14, 14, 14), "14 of 16 neurons of dense1 output 0 for every input since before the first update, and a "),
    ],
)
def test_units_that_died_later_are_not_said_to_be_silent_from_the_blow_on(silent, words):
    rule = next(rule for rule in MECHANISMS if rule.name == "dead-units")
    shares = np.repeat(np.array(silent) / 16, 20)
    (found,) = rule.check(example(DEFAULT_THRESHOLDS, {"dense1/dead_fraction": shares}, start=0))

    assert found.plain.startswith(words)
    assert ("can never recover" in found.plain) is (silent[-1] == 16)
