"""The plan of the zoo, its labels, and the table made from judged runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.zoo.build import LATEST, OWN, QUICK, tasks, train
from benchmarks.zoo.faults import FAULTS
from benchmarks.zoo.judged import Judged, judge
from benchmarks.zoo.table import markdown, summary
from diagnostics.statistics.intervals import wilson


def plan(share=1.0):
    return list(tasks("evaluation", LATEST["evaluation"], share))


def judged(name="natural-lenet-20000", group="natural", accuracies=(0.95,), verdict="healthy", **changes):
    told = {
        "network": "lenet", "convolution": "exact", "steps": 469, "truth": None, "onset": None, "confirmed": None,
        "stretches": (), "cause": None, "warned": (),
        "is_defect": verdict in ("collapsed", "never-learned", "diverged"),
    }  # fmt: skip
    return Judged(name=name, group=group, accuracies=tuple(accuracies), verdict=verdict, **{**told, **changes})


def collapse(onset, confirmed, **changes):
    return judged(accuracies=(0.9, 0.1), verdict="collapsed", onset=onset, confirmed=confirmed,
                  stretches=(("collapsed", onset, confirmed, None),), **changes)  # fmt: skip


def test_the_plan_has_what_was_promised():
    groups = Counter(task.group for task in plan())

    assert groups["natural"] >= 400
    assert groups["clean"] >= 380
    assert wilson(0, 380)[1] == pytest.approx(0.01, abs=5e-4)
    assert all(groups[fault] >= 20 for fault in FAULTS)
    assert {task.settings.network for task in plan()} == {"feedforward", "conv", "conv2", "conv-pool", "lenet"}
    assert all(task.settings.to_dict().items() >= OWN.items() for task in plan() if task.group == "own")


def test_no_seed_is_used_twice_and_those_of_the_evaluation_have_never_been_seen():
    evaluation = [task.settings.seed for task in plan()]
    calibration = [task.settings.seed for task in tasks("calibration")]

    assert len(set(evaluation)) == len(evaluation)
    assert max(calibration) < 10_000
    assert min(evaluation) > 11_362  # the last that was judged before the rules changed


@pytest.mark.parametrize("done", [0.1, 0.5])
def test_a_build_that_was_stopped_early_has_every_group_in_like_shares(done):
    whole = plan()
    groups, sofar = Counter(t.group for t in whole), Counter(t.group for t in whole[: int(done * len(whole))])

    assert all(sofar[group] == pytest.approx(done * n, abs=2) for group, n in groups.items())


def test_a_quick_build_has_some_of_everything_and_is_the_beginning_of_the_whole():
    quick, whole = list(tasks("calibration", 0, QUICK)), list(tasks("calibration"))

    assert {task.group for task in quick} == {task.group for task in whole}
    assert {task.name for task in quick} <= {task.name for task in whole}


def test_a_run_that_is_there_is_not_trained_again_and_a_label_comes_last(tmp_path, monkeypatch):
    from benchmarks.zoo import build as zoo
    from lenet.data import load_dataset

    monkeypatch.setattr(zoo, "_data", lambda: load_dataset(limit=2560))
    task = next(t for t in tasks("calibration") if t.settings.network == "feedforward" and t.group == "natural")
    train(task, tmp_path)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    train(task, tmp_path)

    assert sorted(first) == [f"{task.name}.h5", f"{task.name}.json"]
    assert first == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert judge(tmp_path / f"{task.name}.json").label in ("alive", "dead", "ambiguous")


@pytest.mark.parametrize(
    ("accuracies", "label", "unlearned"),
    [
        ((0.9,), "alive", False),
        ((0.9, 0.1), "dead", True),
        ((0.3, 0.1), "dead", False),
        ((0.1, 0.5), "ambiguous", False),
    ],
)
def test_labels_come_from_validation_accuracy_alone(accuracies, label, unlearned):
    one = judged(accuracies=accuracies, verdict="undecided")

    assert (one.label, one.unlearned) == (label, unlearned)


def test_the_table_prints_goals_beside_results_and_what_is_not_reached():
    runs = [
        judged(), judged("natural-lenet-20001", accuracies=(0.1,), verdict="undecided"),
        collapse(300, 319, name="own-lenet-21500", group="own", convolution="report", warned=(250,)),
        collapse(300, 360, name="natural-lenet-20002", cause=("fading-signal", "conv2", 280)),
        judged("clean-lenet-20500", "clean"),
    ]  # fmt: skip
    numbers = summary(runs)

    assert (numbers["natural"]["recall"]["k"], numbers["natural"]["recall"]["n"]) == (2, 3)
    assert numbers["natural"]["precision"]["share"] == 1
    assert (numbers["collapses_soon"]["k"], numbers["collapses_soon"]["n"]) == (1, 2)
    assert numbers["causes"] == {"unexplained": 1, "fading-signal": 1}
    assert numbers["warnings"]["lead_over_the_onset"]["median"] == 50
    text = markdown(runs, numbers, Path("zoo/evaluation-5"))
    assert "| recall of dead natural runs | 0.99 | 2 of 3" in text
    assert "| false alarms in clean runs | none in at least 380, upper bound 1.0 % | 0 of 1" in text
    assert text.count("**no**") == 3
    assert "- natural-lenet-20001: dead (0.100), undecided, no cause" in text
