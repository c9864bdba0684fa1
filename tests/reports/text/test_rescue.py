"""What a rescue has shown, in words: counts first, the word second, and no more than is proven."""

from __future__ import annotations

from dataclasses import replace

from diagnostics.detect.remedies import suggestion
from diagnostics.rescue.cost import RemedyCost
from diagnostics.rescue.plan import make_plan
from reports.text.rescue import (
    cost_intentions,
    cost_outlook,
    cost_sentence,
    fixed_words,
    headline,
    intentions,
    lines,
    no_return_sentence,
    progress_text,
    rescue_text,
    saved_sentence,
    to_try_words,
    tried_words,
)
from tests.helpers.rescue_results import PATIENT, made_up_plan, made_up_rescue, rescue_in_which


def test_the_counts_of_arm_and_control_stand_before_the_word() -> None:
    text = rescue_text(made_up_rescue())

    line = next(line for line in text.splitlines() if "clipping the gradient by its norm" in line)
    assert "20 of 20 lived" in line
    assert line.index("20 of 20") < line.index("control 8 of 20") < line.index("adjusted p") < line.index("proven")


def test_what_is_not_proven_is_not_claimed() -> None:
    line = next(line for line in rescue_text(made_up_rescue()).splitlines() if line.startswith("  warm-up"))

    assert line.endswith("not shown)")


def test_the_headline_names_the_best_proven_arm_and_what_luck_did() -> None:
    told = headline(made_up_rescue())

    assert "With clipping the gradient by its norm 20 of 20 branches lived: proven, and so " in told
    assert "Without any change 8 of 20 reshuffled orders lived." in told


def test_a_headline_without_proof_says_so() -> None:
    assert headline(made_up_rescue(done=1)) == "No branch of the control is done yet, so nothing can be said."
    assert headline(made_up_rescue(arms=["warm-up"])).endswith("Nothing that was tried is proven to save this run.")
    assert headline(made_up_rescue(arms=["no-return"])).endswith("No remedy was tried.")


def test_a_headline_says_where_luck_or_few_orders_leave_nothing_to_be_proven() -> None:
    unlucky = rescue_in_which({"clip": 8})
    lucky = replace(unlucky, control=replace(unlucky.control, lived=15))
    plan = make_plan(PATIENT, arms=["clip"], runs=5)

    assert headline(lucky).endswith("nothing can be: an arm can be proven if at most 14 of 20 of the control live.")
    assert fixed_words(plan).endswith("level 0.05; 5 orders cannot prove any arm")
    assert "nothing can be" not in headline(unlucky)


def test_the_counts_stand_before_the_word_in_the_headline_and_in_the_verdict_too() -> None:
    result = rescue_in_which({"clip": 17})

    for told in (headline(result), saved_sentence(result)):
        assert told.index("17 of 20") < told.index("proven")


def test_while_branches_are_missing_counts_are_told_and_nothing_is_called_proven() -> None:
    result = made_up_rescue(done=-1)
    told = "\n".join([headline(result), rescue_text(result), tried_words(result, "clip"), saved_sentence(result)])

    assert "20 of 20 lived  (control 8 of 20; not finished)" in told
    assert "6 of 20 live; not finished" in told
    assert "tried on this run: 20 of 20 lived (control 8 of 20; not finished)" in told
    assert "Nothing is called proven before all branches are done." in told
    assert "adjusted p 0" not in told
    assert {one.word for one in (*result.arms, *result.singles)} == {""}


def test_the_cause_is_told_with_the_counts_of_its_placebo() -> None:
    text = rescue_text(made_up_rescue())

    assert "with the update of step 34 left out the run still dies" in text
    assert "6 of 20 live" in text


def test_the_point_of_no_return_names_the_last_open_step_and_the_first_lost_one() -> None:
    told = no_return_sentence(made_up_rescue())

    assert "from step 54 on all died (20 of 20)" in told
    assert "is the last one tried from which fewer than half died" in told


def test_what_was_tried_of_a_remedy_stands_behind_its_reason() -> None:
    result = made_up_rescue()

    assert tried_words(result, "clip").startswith("tried on this run: 20 of 20 lived")
    assert tried_words(result, "adaptive") == ""
    assert tried_words(None, "clip") == ""


def test_the_terminal_lists_what_is_proven_first_and_what_was_tried_in_vain_last() -> None:
    suggestions = [suggestion(key) for key in ("clip", "lecun-init", "warm-up")]
    told = to_try_words(suggestions, rescue_in_which({"clip": 8, "warm-up": 20}))

    assert told[0].startswith("warm-up; tried on this run: 20 of 20 lived (control 8 of 20; ")
    assert told[0].endswith("proven)")
    assert told[1] == "LeCun initialisation"
    assert told[2].endswith("8 of 20 lived (control 8 of 20; adjusted p 1: not shown)")
    assert to_try_words(suggestions, None) == [one.title for one in suggestions]


def test_what_a_remedy_costs_is_told_with_the_number_of_pairs_and_the_interval() -> None:
    result = made_up_rescue()
    clip = next(arm.arm for arm in result.arms if arm.arm.name == "clip")
    cost = RemedyCost(clip, 5, 4, 0.9712, 3, -0.004, (-0.011, 0.003))
    title = "with clipping the gradient by its norm"

    assert lines(replace(result, costs=(cost,)))[-1] == (
        f"what it costs: {title} 4 of 5 are alive at the end of the run, validation accuracy 97.1 %; "
        "-0.4 points (-1.1 to +0.3) over the 3 orders that are alive there without it too"
    )
    assert cost_sentence(replace(cost, pairs=1, interval=None)).endswith(
        "-0.4 points over the 1 order that is alive there without it too"
    )
    assert "nothing tells what it costs" in cost_sentence(replace(cost, pairs=0, difference=None, interval=None))
    none = RemedyCost(clip, 5, 0, None, 0, None, None)
    assert cost_sentence(none) == f"{title} 0 of 5 are alive at the end of the run"


def test_what_was_fixed_before_the_first_branch_is_told_before_it_and_with_the_result() -> None:
    plan = made_up_plan()
    told = fixed_words(plan)

    assert "20 orders of the samples an arm (seeds 0 to 19)" in told
    assert "horizon: patience plus grace" in told
    assert "McNemar's exact test, Holm's adjustment for 11 arms" in told
    assert told in intentions(plan, 300, 2)
    assert told in rescue_text(made_up_rescue())
    assert "horizon: 30 steps" in fixed_words(replace(plan, horizon=30))
    assert "(seed 7)" in fixed_words(replace(plan, runs=1, seed=7))
    assert "test" not in fixed_words(make_plan(PATIENT, arms=["no-return"]))


def test_a_rescue_says_what_it_will_do_and_how_far_it_is() -> None:
    plan = made_up_plan()

    assert f"{len(plan.branches)} branches" in intentions(plan, 300, 2)
    assert "arms: unchanged, control, but-for, but-for placebo, " in intentions(plan, 300, 2)
    assert "done already" not in intentions(plan, 300, 2)
    assert "7 of them done already" in intentions(plan, 300, 2, 7)
    assert "about 5 minutes with 2 processes" in intentions(plan, 300, 2)
    assert "with 5 orders each, to the end of the run" in cost_outlook(5, 60)
    assert "10 branches of the control and of what is proven" in cost_intentions(10, 1400, 600)
    assert "control 8 of 20" in progress_text(made_up_rescue(), 61.0)
    assert "61 s left" in progress_text(made_up_rescue(), 61.0)
