"""Counts, intervals and means across runs, against numbers worked out by hand or by a second source."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.findings import Verdict
from diagnostics.errors import StudyError
from diagnostics.statistics.arms import group_runs
from diagnostics.statistics.comparison import compare, compare_all
from diagnostics.statistics.frames import runs_frame
from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import fisher
from diagnostics.statistics.means import Mean
from diagnostics.statistics.run_summary import EpochSummary, RunSummary


def run(verdict: str = "healthy", seed: int = 0, accuracy: float | None = 0.95, **more) -> RunSummary:
    return RunSummary(f"r{seed}.h5", Verdict(verdict), seed=seed, validation_accuracy=accuracy, **more)


def arm(label: str, dead: set[int], n: int = 40) -> Group:
    """An arm in which the seeds in ``dead`` never learn."""
    return Group(
        label, tuple(run("never-learned" if s in dead else "healthy", s, 0.11 if s in dead else 0.95) for s in range(n))
    )


def test_counts_are_by_verdict_and_crashed_and_undecided_are_not_in_n():
    verdicts = ["healthy"] * 4 + ["recovered", "collapsed", "never-learned", "diverged", "undecided"]
    group = Group("g", (*(run(v, i) for i, v in enumerate(verdicts)), run("collapsed", 99, status="crashed")))

    assert (group.judged, group.defect_runs, group.recovered) == (8, 3, 1)
    assert (group.undecided, group.crashed) == (1, 1)
    assert group.by_kind == {"never-learned": 1, "collapsed": 1, "diverged": 1}
    assert group.all.validation_accuracy.n == 9
    assert group.survivors.validation_accuracy.n == 5
    rows = runs_frame([group])
    assert (rows["judged"].sum(), rows["defect_run"].sum(), rows["survivor"].sum()) == (8, 3, 5)
    assert (~rows["defect_run"]).sum() == 7, "undecided and crashed runs are no survivors"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_means_agree_with_the_standard_library(values):
    import statistics

    mean = Mean.of([*values, None, math.nan])

    assert mean.n == len(values)
    assert mean.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert mean.std == pytest.approx(statistics.stdev(values), abs=1e-3, rel=1e-6)


def test_the_standard_deviation_of_one_run_is_null():
    assert Mean.of([0.5]).to_json() == {"mean": 0.5, "std": None, "n": 1}


def test_the_sensitivity_line_says_what_leaving_out_does():
    group = Group(
        "g",
        (*(run(seed=i, accuracy=0.951) for i in range(30)), *(run("never-learned", 30 + i, 0.111) for i in range(10))),
    )

    assert sensitivity(group) == "leaving out 10 of 40 moves the mean from 0.741 to 0.951"
    assert sensitivity(Group("g", (run(),))) == "nothing to leave out: the one run survives"
    assert sensitivity(Group("g", (run("diverged", accuracy=None),))) is None


def test_the_sensitivity_line_says_where_no_run_is_left():
    epochs = (EpochSummary(1, 0.11, 4.0, 0, 0.11),)
    group = Group("g", (run("diverged", accuracy=0.1, epochs=epochs), run("undecided", 1, 0.3)))

    assert sensitivity(group) == (
        "leaving out 2 of 2 (1 of them undecided) leaves none, and the mean 0.200 is of no survivor"
    )
    assert str(sensitivity(group, "epoch_accuracy")).startswith("leaving out 1 of 1 leaves none, and the mean 0.110")


def test_the_sensitivity_line_says_where_stopped_runs_have_no_figure():
    stopped = run("never-learned", 1, None, status="stopped")

    assert sensitivity(Group("g", (run(accuracy=0.9), stopped))) == (
        "1 of 2 runs have none, since they ended early, so the mean 0.900 is of survivors alone (defect runs 1 of 2)"
    )
    assert "moves the mean from 0.500 to 0.900; 1 of 3" in str(
        sensitivity(Group("g", (run(accuracy=0.9), stopped, run("collapsed", 2, 0.1))))
    )


def test_the_sensitivity_line_does_not_say_of_whole_runs_that_they_ended_early():
    group = Group("g", (run(accuracy=0.9), run(seed=1, accuracy=None), run("undecided", 2, None, status="stopped")))

    line = str(sensitivity(group))

    assert "1 of 3 runs have none, since they ended early and 1 of 3 runs have none, since none was recorded" in line


def test_the_sensitivity_line_tells_defect_steps_left_out_from_runs_that_ended_early():
    epochs = {"whole": (EpochSummary(1, 0.9, 4.0, 0, 0.9),), "dead": (EpochSummary(1, 0.1, 4.0, 50, None),)}
    runs = (
        run(epochs=epochs["whole"]),
        run("never-learned", 1, epochs=epochs["dead"]),
        run("undecided", 2, None, status="stopped"),
    )

    line = str(sensitivity(Group("g", runs, exclude_defect_steps=True), "epoch_accuracy"))

    assert "1 of 3 runs have none, since they ended early and 1 of 3 runs have none, since all their steps" in line
    assert "ended early" not in str(sensitivity(Group("g", runs[:2], exclude_defect_steps=True), "epoch_accuracy"))


def test_the_sensitivity_line_says_how_many_of_those_left_out_are_undecided():
    group = Group("g", (run(accuracy=0.9), run("collapsed", 1, 0.1), run("undecided", 2, 0.5)))

    assert sensitivity(group) == "leaving out 2 of 3 (1 of them undecided) moves the mean from 0.500 to 0.900"


def test_defect_steps_can_leave_the_step_and_epoch_statistics():
    epochs = (EpochSummary(1, 0.8, 4.0, 0, 0.8), EpochSummary(2, 0.4, 4.2, 50, 0.9))
    times = {"step_seconds": 0.04, "clean_step_seconds": 0.03}
    dead = run("collapsed", epochs=epochs, steps=200, defect_steps=50, **times)
    with_steps, without = (Group("g", (dead,), flag) for flag in (False, True))

    assert [m.mean for m in with_steps.all.epoch_accuracy] == [0.8, 0.4]
    assert [m.mean for m in without.all.epoch_accuracy] == [0.8, 0.9]
    assert (with_steps.all.step_seconds.mean, without.all.step_seconds.mean) == (0.04, 0.03)
    assert (with_steps.all.epoch_seconds.mean, without.all.epoch_seconds.mean) == (pytest.approx(4.1), 4.0)
    assert (without.steps, without.defect_steps) == (200, 50)


def test_the_json_has_the_promised_keys_and_no_nan():
    group = Group("g", (run(step_seconds=math.nan), run("collapsed", 1)))
    text = json.dumps(group.to_json(), allow_nan=False)
    promised = {
        "label",
        "runs",
        "defect_runs",
        "defect_rate",
        "defect_rate_interval",
        "by_kind",
        "recovered",
        "undecided",
        "crashed",
        "all",
        "survivors",
    }
    metrics = {
        "epoch_accuracy",
        "validation_accuracy",
        "step_seconds",
        "epoch_seconds",
        "training_seconds",
        "validation_seconds",
        "total_seconds",
    }

    assert promised <= json.loads(text).keys()
    assert json.loads(text)["all"].keys() == json.loads(text)["survivors"].keys() == metrics


def test_a_summary_survives_json():
    epochs = (EpochSummary(1, 0.8, 4.0),)
    before = run(epochs=epochs, arm={"lr": 0.5}, cause="dead-units", cause_layer="conv2")

    assert RunSummary.from_json(json.loads(json.dumps(before.to_json()))) == before


def test_runs_that_differ_in_seed_threads_and_how_they_were_recorded_alone_are_one_arm():
    derived = [{}, {"derived_gradients": ["dense1/weights"]}]
    runs = [
        run(seed=s, arm={"network": "lenet", "lr": lr, "seed": s, "threads": s % 2 + 1, **derived[s]})
        for s in (1, 0)
        for lr in (0.5, 0.1)
    ]
    groups = group_runs(runs)

    assert [g.label for g in groups] == ["lenet lr=0.5", "lenet lr=0.1"]
    assert [r.seed for r in groups[0].runs] == [0, 1]


def test_a_rate_that_was_computed_has_a_label_that_can_be_read():
    groups = group_runs([run(arm={"lr": 0.02 * 1.0000000000000002}), run(arm={"lr": 1e-6}), run(arm={"lr": 5.0})])

    assert [group.label for group in groups] == ["lr=0.02", "lr=1e-06", "lr=5.0"]


def test_models_from_python_are_told_apart_by_short_labels():
    layers = [["conv", "dense"], ["dense"]]
    groups = group_runs([run(arm={"layers": each, "learning_rate": 0.5}) for each in layers])

    assert len({g.label for g in groups}) == 2
    assert all(len(g.label) < 20 for g in groups)


def test_a_label_spells_out_what_a_log_does_not_have():
    groups = group_runs([run(arm={"lr": 0.5, "not_recorded": ["accuracy", "gradients"]}), run(arm={"lr": 0.5})])

    assert groups[0].label == "not_recorded=accuracy+gradients"


def test_a_study_names_and_orders_its_arms():
    from diagnostics.statistics.arms import arm_key

    runs = [run(arm={"lr": lr}) for lr in (0.1, 0.5)]
    groups = group_runs(runs, {arm_key({"lr": 0.5}): "control", arm_key({"lr": 9}): "unused"})

    assert [g.label for g in groups] == ["control", "lr=0.1"]


def test_a_remedy_that_saves_seeds_is_said_to_help_and_pairs_decide():
    control, remedy = arm("control", set(range(10))), arm("clip", {0})
    made = compare_all([control, remedy])[0]

    assert (made.pairs, made.saved, made.lost) == (40, 9, 0)
    assert made.mcnemar_p == pytest.approx(2 / 2**9)
    assert made.effect == "helps"
    assert made.words.startswith("helps: 1 of 40 defect runs against 10 of 40, -22 percentage points")


def test_a_difference_that_chance_explains_is_not_shown():
    made = compare_all([arm("control", set(range(10))), arm("decay", set(range(2, 11)))])[0]

    assert made.effect == "not shown"
    assert "not shown with n = 40" in made.words
    assert ", p = 1.000 (McNemar" in replace(made, mcnemar_p=1.0).words
    assert ", p < 0.001 (McNemar" in replace(made, mcnemar_p=1e-9).words


def test_a_remedy_that_kills_is_said_to_hurt():
    made = compare_all([arm("control", {0}), arm("lr 1", set(range(20)))])[0]

    assert made.effect == "hurts"


def test_groups_without_common_seeds_are_compared_as_independent():
    other = Group("b", tuple(run("collapsed", 100 + s) for s in range(10)))
    made = compare(other, arm("a", set(), 10))

    assert (made.pairs, made.mcnemar_p) == (0, None)
    assert made.p == fisher(10, 10, 0, 10)


def test_where_a_seed_occurs_twice_it_is_said_that_runs_are_not_compared_in_pairs():
    twice = Group("twice", (*arm("twice", set(), 8).runs, run(seed=3)))
    made = compare(twice, arm("control", {0, 1}, 8))

    assert (made.pairs, made.mcnemar_p, made.unpaired) == (0, None, "twice")
    assert "(Fisher, not in pairs: a seed occurs twice in twice)" in replace(made, adjusted_p=made.p).words
    assert compare(arm("other", set(), 8), arm("control", {0, 1}, 8)).unpaired is None


def test_the_control_may_be_named_by_a_part_of_its_label_that_no_other_arm_has():
    arms = [arm(label, {0}) for label in ("change=clip lr=2", "change=none lr=2", "change=rate lr=0.4")]
    assert {one.control.label for one in compare_all(arms, "change=none")} == {"change=none lr=2"}
    assert compare_all(arms, "change=rate lr=0.4")[0].control is arms[2]
    for wrong in ("lr=2", "warm-up", ""):
        with pytest.raises(StudyError, match=f"^control: received '{wrong}', expected one of change=clip lr=2, change"):
            compare_all(arms, wrong)


def test_the_runs_of_an_arm_that_is_not_finished_find_their_pairs_in_the_whole_control():
    made = compare(arm("a", set(), 10), arm("control", {0, 1, 2, 30}, 40))

    assert (made.pairs, made.saved, made.lost) == (10, 3, 0)
    assert (made.control.defect_runs, made.control.judged) == (4, 40)


def test_many_arms_are_adjusted_for_their_number():
    control = arm("control", set(range(6)))
    useless = [arm(f"arm {i}", set(range(6))) for i in range(4)]
    made = compare_all([control, arm("saves all six", set()), *useless])

    assert made[0].p == pytest.approx(2 / 64)
    assert made[0].adjusted_p == pytest.approx(5 * 2 / 64)
    assert {c.effect for c in made} == {"not shown"}


def test_the_cost_in_accuracy_is_taken_over_seeds_that_survive_in_both():
    control = Group("c", tuple(run(seed=s, accuracy=0.95) for s in range(5)))
    slow = Group("s", (*(run(seed=s, accuracy=0.93) for s in range(4)), run("collapsed", 4, 0.1)))
    cost = compare(slow, control).cost

    assert (cost.n, cost.mean) == (4, pytest.approx(-0.02))


def test_an_empty_arm_is_not_comparable():
    assert compare_all([arm("a", set()), Group("b", ())])[0].effect == "not comparable"
    assert compare_all([]) == []
