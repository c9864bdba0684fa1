"""The plan: which branches there are, and that it is fixed by its options alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnostics.errors import StudyError
from diagnostics.rescue.interventions import Nothing, ScaleUpdate, SwapBatch
from diagnostics.rescue.patient import Patient
from diagnostics.rescue.plan import (
    BUT_FOR,
    CONTROL,
    NO_RETURN,
    PLACEBO,
    SCALED,
    SWAPPED,
    UNCHANGED,
    PlannedBranch,
    make_plan,
    points,
)
from tests.helpers.rescue_results import PATIENT


def branches(name: str, patient: Patient = PATIENT, runs: int = 20) -> list[PlannedBranch]:
    return [branch for branch in make_plan(patient, runs=runs).branches if branch.arm == name]


def test_remedies_and_control_begin_ten_steps_before_the_first_link_in_the_same_orders() -> None:
    control, clip = branches(CONTROL), branches("clip")

    assert {branch.step for branch in (*control, *clip)} == {24}
    assert [branch.order_seed for branch in control] == [branch.order_seed for branch in clip] == list(range(20))
    assert {branch.intervention for branch in control} == {Nothing()}


def test_an_early_death_branches_off_at_step_0() -> None:
    early = replace(PATIENT, first_link=4, blow=6)

    assert {branch.step for branch in branches(CONTROL, early)} == {0}
    assert [branch.intervention for branch in branches(BUT_FOR + PLACEBO, early)] == [ScaleUpdate(k) for k in range(4)]


def test_remedies_begin_no_earlier_than_the_step_to_which_a_run_was_turned_back() -> None:
    assert {branch.step for branch in branches("clip", replace(PATIENT, turned_back_to=30))} == {30}


def test_one_update_is_left_out_and_the_placebo_leaves_out_each_of_the_twenty_before() -> None:
    (tried,) = branches(BUT_FOR)
    placebos = branches(BUT_FOR + PLACEBO)

    assert tried.intervention == ScaleUpdate(34, 0.0)
    assert [branch.intervention for branch in placebos] == [ScaleUpdate(step, 0.0) for step in range(14, 34)]
    assert {branch.order_seed for branch in (tried, *placebos)} == {None}
    assert {branch.step for branch in (tried, *placebos)} == {14}


def test_the_same_update_is_made_as_large_as_usual() -> None:
    (tried,) = branches(SCALED)

    assert tried.intervention == ScaleUpdate(34, 0.2)


def test_an_update_that_was_no_larger_than_usual_is_not_made_as_large_as_usual() -> None:
    assert branches(SCALED, replace(PATIENT, usual_share_of_update=1.0)) == []
    assert branches(SCALED + PLACEBO, replace(PATIENT, usual_share_of_update=1.0)) == []


def test_swapped_batches_are_drawn_alike_at_the_step_and_at_its_placebos() -> None:
    tried, placebos = branches(SWAPPED), branches(SWAPPED + PLACEBO)

    assert [branch.intervention for branch in tried] == [SwapBatch(34, draw) for draw in range(20)]
    assert [branch.intervention.draw for branch in placebos] == list(range(20))  # type: ignore[attr-defined]
    assert {branch.intervention.step for branch in placebos} == set(range(14, 34))  # type: ignore[attr-defined]


def test_the_point_of_no_return_is_sought_from_well_before_the_chain_to_the_confirmation() -> None:
    found = points(PATIENT)

    assert len(found) == 8
    assert (found[0], found[-1]) == (0, 73)
    assert {34, 53, 54} <= set(found)
    assert points(replace(PATIENT, first_link=900, blow=950, confirmed=990))[0] == 700


def test_the_unchanged_branch_comes_first_and_begins_where_the_earliest_other_does() -> None:
    first = make_plan(PATIENT).branches[0]

    assert (first.arm, first.step, first.order_seed, first.intervention) == (UNCHANGED, 14, None, Nothing())


def test_every_branch_has_a_key_of_its_own() -> None:
    keys = [branch.key for branch in make_plan(PATIENT).branches]

    assert len(set(keys)) == len(keys)


def test_arms_can_be_chosen_and_the_control_is_always_there() -> None:
    names = [arm.name for arm in make_plan(PATIENT, arms=["clip"]).arms]

    assert names == [UNCHANGED, CONTROL, "clip"]


def test_a_plan_says_in_plain_types_what_was_fixed() -> None:
    plan = make_plan(PATIENT, runs=5, seed=7, arms=["clip", NO_RETURN])

    assert plan.to_json() == make_plan(PATIENT, runs=5, seed=7, arms=["clip", NO_RETURN]).to_json()
    assert plan.to_json() != make_plan(PATIENT, runs=5, seed=8, arms=["clip", NO_RETURN]).to_json()
    assert plan.to_json()["arms"][2]["changes"] == "SwitchOn(changes={'clip_norm': 1.0})"


def test_branches_are_expected_to_end_soon_after_the_logged_run_was_sure_to_be_dead() -> None:
    plan = make_plan(PATIENT, runs=2, arms=["clip"])

    assert plan.expected_steps(73) == (73 - 14 + 45) + 4 * (73 - 24 + 45)
    assert plan.expected_steps(73, ["unchanged#0", "clip#1"]) == 3 * (73 - 24 + 45)
    assert make_plan(PATIENT, runs=2, arms=["clip"], horizon=30).expected_steps(73) == 5 * 30


@pytest.mark.parametrize(
    "options",
    [
        {"arms": ["clap"]},
        {"branch_step": 74},
        {"branch_step": -1},
        {"branch_step": 1.5},
        {"runs": 10**30},
        {"runs": 0},
        {"runs": "3"},
        {"horizon": float("inf")},
        {"seed": 0.5},
        {"point_runs": 10**6},
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(options: dict[str, object]) -> None:
    with pytest.raises(StudyError) as error:
        make_plan(PATIENT, **options)  # type: ignore[arg-type]

    assert "\n" not in str(error.value)
    assert "expected" in str(error.value)
