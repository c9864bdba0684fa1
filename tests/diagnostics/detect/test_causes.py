"""From findings to a chain, a cause, and what to try."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect.causes import survey
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.findings import RuleOutcome, Severity, Verdict
from diagnostics.detect.rules import MECHANISMS
from tests.helpers.judged_rows import H, P, S, info, judge, piecewise, rows

DEAD = {
    "dense1/dead_fraction": (33, 15 / 16),
    **{f"{one}/{part}/gradient/norm": (36, 0.0) for one in ("conv1", "dense1") for part in ("weights", "biases")},
}


def story(**changes):
    """The early death of the report: gradient up at 31, update at 32, silence from 33, no gradient from 36."""
    t = np.arange(P + 40)
    norm = np.where(t == 31, 14.0, np.where(t < 36, 1.0, 0.0))
    told = {
        **DEAD,
        "dense1/weights/gradient/norm": norm,
        "dense1/weights/update/norm": np.where(t == 32, 6.0, 0.1),
        **changes,
    }
    return judge(rows(piecewise((33, H), (1, 4.3), (P + 6, H)), 0.1, changes=told)).diagnosis


def test_the_chain_tells_the_story_in_order_and_its_first_link_is_the_cause():
    diagnosis = story()

    assert [(f.rule, f.layer, f.first_step) for f in diagnosis.chain] == [
        ("exploding-gradient", "dense1", 31),
        ("oversized-update", "dense1", 32),
        ("dead-units", "dense1", 33),
        ("zero-gradient", "dense1", 36),
        ("never-learned", None, 0),
    ]
    assert (diagnosis.cause.rule, diagnosis.cause.layer, diagnosis.cause.step) == ("exploding-gradient", "dense1", 31)
    assert diagnosis.cause == diagnosis.first_link


def test_the_links_have_numbers_and_layers():
    words = " ".join(f.message for f in story().chain)

    assert "gradient of dense1 up 14x" in words
    assert "update of dense1 is" in words
    assert "15 of 16 neurons of dense1 silent for every input" in words
    assert "the gradient of dense1 and all layers below it is exactly zero" in words
    assert "2.303" in words


def test_lasting_states_reach_to_the_end_of_the_stretch():
    diagnosis = story()
    lasting = [f for f in diagnosis.chain if f.rule in ("dead-units", "zero-gradient")]

    assert {f.last_step for f in lasting} == {P + 39}


def test_updates_one_after_another_are_one_link_with_the_largest_of_them():
    t = np.arange(P + 40)
    norms = np.select([t == 31, t == 32, t == 34], [6.0, 60.0, 16.0], 0.1)
    (link,) = (f for f in story(**{"dense1/weights/update/norm": norms}).chain if f.rule == "oversized-update")

    assert (link.first_step, link.last_step, link.step) == (31, 32, 32)  # step 34 came after the layer was silent
    assert link.value == pytest.approx(60 / np.hypot(10, 10), rel=0.01)
    assert "updates of dense1 are up to 424% of its norm" in link.message


def test_remedies_fit_the_cause_first_and_none_is_given_twice():
    diagnosis = story()

    assert diagnosis.remedies[0] == "a smaller learning rate"
    assert len(set(diagnosis.remedies)) == len(diagnosis.remedies)


def test_what_no_rule_sees_is_unexplained():
    noisy = {"dense1/dead_fraction": 0.7}
    slowly = np.r_[piecewise((60, 0.3)), np.linspace(0.3, H, 60), piecewise((60, H))]
    diagnosis = judge(rows(slowly, changes=noisy)).diagnosis

    assert diagnosis.verdict is Verdict.COLLAPSED
    assert diagnosis.cause is None
    assert [f.rule for f in diagnosis.chain] == ["collapsed"]


def fading(last, begin, layers=("conv1", "dense1")):
    """Outputs that fade from ``begin`` on, each layer's more than those of the one before."""
    t = np.arange(last)
    return {f"{name}/std": 0.3 * np.exp(-np.maximum(0, t - begin) * (1 + i) / 80) for i, name in enumerate(layers)}


def test_a_collapse_after_outputs_faded_for_a_hundred_steps_is_explained_by_the_layer_that_faded_most():
    diagnosis = judge(rows(piecewise((300, 0.3), (60, H)), changes=fading(360, 220))).diagnosis

    assert (diagnosis.cause.rule, diagnosis.cause.layer) == ("fading-signal", "dense1")
    assert 220 <= diagnosis.cause.step <= 260
    assert "faded to" in diagnosis.cause.message


def test_a_fall_of_eighty_steps_is_explained_by_what_goes_on_fading_while_it_lasts():
    slowly = np.r_[piecewise((300, 0.3)), np.linspace(1.7, 2.2, 60), piecewise((40, H))]
    diagnosis = judge(rows(slowly, changes=fading(400, 275, ("conv1",)))).diagnosis

    assert diagnosis.confirmed - diagnosis.onset > 40
    assert (diagnosis.cause.rule, diagnosis.cause.layer) == ("fading-signal", "conv1")


def test_a_run_that_began_to_learn_and_gave_up_is_explained_by_what_came_before():
    began = np.r_[piecewise((60, H)), np.linspace(H, 1.8, 100), np.linspace(1.8, H, 60), piecewise((60, H))]
    accuracy = np.where(began < 0.97 * H, 0.3, 0.1)
    told = judge(rows(began, accuracy, changes=fading(280, 140, ("dense1",)))).diagnosis
    never = judge(rows(piecewise((280, H)), 0.1, changes=fading(280, 140, ("dense1",)))).diagnosis

    assert told.verdict is never.verdict is Verdict.NEVER_LEARNED
    assert (told.cause.rule, told.cause.layer) == ("fading-signal", "dense1")
    assert never.cause.rule == "uninformative-labels"


def test_what_the_run_has_already_is_no_remedy():
    values, about = rows(piecewise((300, 0.3), (60, H)), changes=fading(360, 220)), info()
    kinds = {"conv1": "ReportConvolutionLayer"}
    wrong = replace(about, layers=tuple(replace(x, kind=kinds.get(x.name, x.kind)) for x in about.layers))
    exact, reports = judge(values, about).diagnosis, judge(values, wrong).diagnosis

    assert exact.cause.rule == reports.cause.rule == "fading-signal"
    assert exact.remedies[0] == "a smaller learning rate"
    assert reports.remedies[:2] == ("the exact convolution", "a smaller learning rate")


def test_a_remedy_in_use_or_too_late_to_help_is_not_proposed():
    def remedies(first: int, **description: object) -> tuple[str, ...]:
        large = np.where(np.arange(first + P + 40) == first - 1, 6.0, 0.1)
        burst = {"dense1/weights/gradient/norm": (first, 50.0), "dense1/dead_fraction": (first + 2, 1.0)}
        burst["dense1/weights/update/norm"] = large
        about = replace(info(), description={**info().description, **description})
        return judge(rows(piecewise((first, 0.3), (P + 40, H)), 0.1, changes=burst), about).diagnosis.remedies

    early, late = remedies(100), remedies(400)
    assert "warm-up" in early
    assert "warm-up" not in late
    assert set(early) - set(late) == {"warm-up"}
    assert "warm-up" not in remedies(100, schedule="Warmup(steps=50, then=Constant())")
    clipped = remedies(100, clip_norm=1.0)
    assert any("clipping" in remedy for remedy in early)
    assert not any("clipping" in remedy for remedy in clipped)


def test_a_state_from_long_before_a_collapse_is_not_blamed_for_it():
    dead = {"conv1/dead_fraction": (0, 0.95)}
    diagnosis = judge(rows(piecewise((200, 0.3), (60, H)), changes=dead)).diagnosis

    assert all(f.rule != "dead-units" for f in diagnosis.chain)


def test_zeroed_weights_are_the_cause_and_not_the_update_that_zeroed_them():
    t = np.arange(160)
    changes = {
        "dense1/weights/update/norm": np.where(t == 99, 10.0, 0.1),
        "dense1/weights/update/ratio": np.where(t == 99, 1.0, 0.01),
        "dense1/weights/value/zero_fraction": (100, 1.0),
    }
    cause = judge(rows(piecewise((100, 0.3), (60, H)), changes=changes)).diagnosis.cause

    assert (cause.rule, cause.layer, cause.step) == ("zero-weights", "dense1", 100)


def test_of_layers_that_die_one_after_another_the_first_is_to_blame():
    dying = {"conv1/dead_fraction": (30, 5 / 6), "dense1/dead_fraction": (75, 0.95)}
    diagnosis = judge(rows(piecewise((P + 40, H)), 0.1, changes=dying)).diagnosis

    assert (diagnosis.cause.rule, diagnosis.cause.layer, diagnosis.cause.step) == ("dead-units", "conv1", 30)


def test_a_recovery_disproves_that_the_labels_carry_no_information():
    late = judge(rows(piecewise((S + 40, H), (100, 0.3)))).diagnosis

    assert late.verdict is Verdict.RECOVERED
    assert late.cause is None
    assert "uninformative-labels" not in {f.rule for f in late.findings}


def test_a_layer_that_dies_after_the_verdict_is_not_its_cause():
    uneven = np.where(np.arange(S + 150) < 30, 1.9, 2.29)
    diagnosis = judge(rows(uneven, 0.1, changes={"dense1/dead_fraction": (S + 100, 1.0)})).diagnosis

    assert diagnosis.verdict is Verdict.NEVER_LEARNED
    assert "dead-units" not in [f.rule for f in diagnosis.chain]
    assert diagnosis.cause is None or diagnosis.cause.step <= diagnosis.confirmed


def test_the_weakest_explanation_stands_only_where_no_other_does():
    alone = judge(rows(piecewise((P + 40, H)), 0.1)).diagnosis
    beside = story()

    assert alone.cause.rule == "uninformative-labels"
    assert "uninformative-labels" not in [f.rule for f in beside.chain]


def test_a_healthy_run_is_told_every_rule_once_and_nothing_alarming():
    window = example(DEFAULT_THRESHOLDS, steps=200)
    answers = survey(window)

    assert {a.rule for a in answers} == {rule.name for rule in MECHANISMS}
    assert all(a.outcome in (RuleOutcome.PASSED, RuleOutcome.NOT_RUN) for a in answers)


def test_what_a_survey_notices_is_worth_knowing_and_no_error():
    window = example(DEFAULT_THRESHOLDS, {"dense1/dead_fraction": (50, 0.9)}, steps=200)
    fired = [a for a in survey(window) if a.outcome is RuleOutcome.FIRED]

    assert [(a.rule, a.severity) for a in fired] == [("dead-units", Severity.INFO)]


def test_an_undecided_run_with_a_fault_in_sight_is_told_its_cause():
    climbing = {f"dense1/{tensor}/update/mean": (150, 0.001) for tensor in ("weights", "biases")}
    diagnosis = judge(rows(piecewise((150, 0.3), (150, 1.9)), 0.5, changes=climbing)).diagnosis

    assert diagnosis.verdict is Verdict.UNDECIDED
    assert (diagnosis.cause.rule, diagnosis.cause.layer) == ("wrong-direction", "dense1")
    assert "a gradient check" in diagnosis.remedies


@pytest.mark.parametrize("verdict_run", [piecewise((100, 0.3)), piecewise((40, H))])
def test_runs_without_a_defect_have_no_chain_and_no_remedies(verdict_run):
    diagnosis = judge(rows(verdict_run)).diagnosis

    assert diagnosis.chain == ()
    assert diagnosis.remedies == ()


def test_every_mechanism_has_something_to_try():
    assert all(rule.remedies for rule in MECHANISMS)


def test_what_fired_outside_the_chain_is_told_as_worth_knowing():
    dead = {"conv1/dead_fraction": (0, 0.95)}
    diagnosis = judge(rows(piecewise((200, 0.3), (60, H)), changes=dead)).diagnosis
    told = [f for f in diagnosis.findings if f.rule == "dead-units"]

    assert [(f.layer, f.severity) for f in told] == [("conv1", Severity.INFO)]
    assert told[0] in diagnosis.checks
    assert len({(f.rule, f.layer, f.first_step, f.message) for f in diagnosis.findings}) == len(diagnosis.findings)


def test_a_rule_that_has_too_few_rows_is_not_said_to_have_found_nothing():
    checks = {c.rule: c for c in judge(rows(piecewise((1, H)))).diagnosis.checks}

    for rule in ("stall", "oscillation", "vanishing-gradient", "dead-units", "zero-gradient", "overfitting"):
        assert checks[rule].outcome is RuleOutcome.NOT_RUN
        assert "too few rows" in checks[rule].message


def test_a_stretch_is_told_with_the_loss_that_confirmed_it_and_its_limit():
    symptom = judge(rows(piecewise((P + 40, H)), 0.1)).diagnosis.chain[-1]

    assert symptom.rule == "never-learned"
    assert (symptom.value, symptom.limit) == pytest.approx((H, 0.95 * H), rel=1e-3)


def test_for_steps_that_are_too_small_the_factor_is_what_the_measured_ratio_asks_for():
    still = {f"{layer}/weights/update/ratio": 5e-7 for layer in ("conv1", "dense1", "dense2")}
    diagnosis = judge(rows(piecewise((P + 40, H)), 0.1, changes=still)).diagnosis

    assert diagnosis.first_link.rule == "tiny-steps"
    assert diagnosis.remedies[0] == "a learning rate 10,000 times larger"


def test_a_nan_that_comes_from_the_optimiser_is_not_blamed_on_the_input():
    t = np.arange(120)
    changes = {
        "dense2/weights/update/nonfinite": np.where(t == 80, 3.0, 0.0),
        "dense2/weights/value/nonfinite": (81, 3.0),
        "input/mean": 0.1,
    }
    diagnosis = judge(rows(piecewise((120, 0.3)), changes=changes)).diagnosis

    assert (diagnosis.first_link.rule, diagnosis.first_link.layer) == ("non-finite", "dense2")
    assert "come from the optimiser" in diagnosis.first_link.message
    assert diagnosis.first_link.origin == "code"
    assert "inputs checked for NaN and infinity" not in diagnosis.remedies
