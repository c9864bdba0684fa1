"""The plan of the zoo, its labels, and the table made from judged runs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.zoo import csv_rows, table
from benchmarks.zoo.build import build, train
from benchmarks.zoo.faults import DECLARED, FAULTS
from benchmarks.zoo.groups import LATEST_ROUND, QUICK_SHARE, REPORT_SETTINGS, RETIRED_SEEDS, zoo_runs
from benchmarks.zoo.judged import judge
from benchmarks.zoo.kept_record import kept_record
from benchmarks.zoo.kept_runs import read_kept, write_kept
from benchmarks.zoo.numbers import summary
from diagnostics.detect import track_record
from diagnostics.statistics.intervals import wilson
from tests.helpers import synthetic_runs
from tests.helpers.judged_zoo import judged

DOCS = Path(__file__).parents[2] / "docs"


def plan(share=1.0):
    return list(zoo_runs("evaluation", LATEST_ROUND["evaluation"], share))


def collapse(onset, confirmed, **changes):
    return judged(
        accuracies=(0.9, 0.1),
        verdict="collapsed",
        onset=onset,
        confirmed=confirmed,
        stretches=(("collapsed", onset, confirmed, None),),
        **changes,
    )


def test_the_plan_has_what_was_promised():
    groups = Counter(run.group for run in plan())

    assert groups["natural"] >= 400
    assert groups["clean"] >= 380
    assert wilson(0, 380)[1] == pytest.approx(0.01, abs=5e-4)
    assert all(groups[fault] >= 10 for fault in DECLARED)
    assert {run.settings.network for run in plan()} == {"feedforward", "conv", "conv2", "conv-pool", "lenet"}
    assert all(run.settings.to_dict().items() >= REPORT_SETTINGS.items() for run in plan() if run.group == "own")


def test_no_seed_is_used_twice_and_those_of_the_evaluation_have_never_been_seen():
    evaluation = [run.settings.seed for run in plan()]
    calibration = [run.settings.seed for run in zoo_runs("calibration")]

    assert len(set(evaluation)) == len(evaluation)
    assert max(calibration) < 10_000
    assert min(evaluation) > 11_362  # the last that was judged before the rules changed


@pytest.mark.parametrize("done", [0.1, 0.5])
def test_a_build_that_was_stopped_early_has_every_group_in_like_shares(done):
    whole = plan()
    groups, sofar = Counter(t.group for t in whole), Counter(t.group for t in whole[: int(done * len(whole))])

    assert all(sofar[group] == pytest.approx(done * n, abs=2) for group, n in groups.items())


def test_a_quick_build_has_some_of_everything_and_is_the_beginning_of_the_whole():
    quick, whole = list(zoo_runs("calibration", 0, QUICK_SHARE)), list(zoo_runs("calibration"))

    assert {run.group for run in quick} == {run.group for run in whole}
    assert {run.name for run in quick} <= {run.name for run in whole}


def test_a_run_that_is_there_is_not_trained_again_and_a_label_comes_last(tmp_path, monkeypatch):
    from benchmarks.zoo import build as zoo
    from lenet.data import load_dataset

    monkeypatch.setattr(zoo, "dataset", lambda *_: load_dataset(limit=2560))
    run = next(t for t in zoo_runs("calibration") if t.settings.network == "feedforward" and t.group == "natural")
    train(run, tmp_path)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    train(run, tmp_path)

    assert sorted(first) == [f"{run.name}.h5", f"{run.name}.json"]
    assert first == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert judge(tmp_path / f"{run.name}.json").label in ("alive", "dead", "ambiguous")


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


def numbers_of(runs):
    return {"commit": "abc1234", "part": "evaluation", "round": 5, "retired_seeds": RETIRED_SEEDS, **summary(runs)}


A_FEW_RUNS = [
    judged(),
    judged("natural-lenet-20001", accuracies=(0.1,), verdict="undecided"),
    collapse(300, 319, name="own-lenet-21500", group="own", convolution="report", warned=(250,)),
    collapse(300, 360, name="natural-lenet-20002", cause=("fading-signal", "conv2", 280)),
    judged("clean-lenet-20500", "clean"),
]


def test_the_numbers_count_recall_precision_and_how_soon_collapses_were_confirmed():
    numbers = summary(A_FEW_RUNS)

    assert (numbers["natural"]["recall"]["k"], numbers["natural"]["recall"]["n"]) == (2, 3)
    assert numbers["natural"]["precision"]["share"] == 1
    assert (numbers["collapses_soon"]["k"], numbers["collapses_soon"]["n"]) == (1, 2)
    assert numbers["causes"] == {"unexplained": 1, "fading-signal": 1}
    assert numbers["warnings"]["lead_over_the_onset"]["median"] == 50
    assert (numbers["judged"], numbers["first_seed"], numbers["last_seed"]) == (5, 20000, 21500)
    assert numbers["missing"] == list(FAULTS)


def test_the_table_has_goals_beside_results_and_says_which_are_not_reached():
    content = table.prepare(numbers_of(A_FEW_RUNS))

    goals = {row.what: row for row in content["goals"]}
    assert goals["recall of dead natural runs"].result.startswith("2 of 3 = 66.7 % (95 % interval ")
    assert goals["false alarms in clean runs"].result.startswith("0 of 1 = 0.0 % (95 % interval ")
    assert {what: row.reached for what, row in goals.items()} == {
        "recall of dead natural runs": "**no**",
        "precision": "yes",
        "false alarms in clean runs": "**no**",  # too few runs to show it
        "onset error, one-step faults": "-",
        "confirmation of collapses": "**no**",
        "layer and mechanism of injected faults": "-",
    }


def test_a_false_alarm_in_a_clean_run_misses_the_goal_however_many_runs_there_are():
    runs = [judged(f"clean-lenet-{20500 + i}", "clean") for i in range(400)]
    stretch = (("never-learned", 0, 166, 200),)
    alarm = judged("clean-lenet-20950", "clean", verdict="recovered", stretches=stretch)

    def reached(runs):
        return next(row for row in table.prepare(numbers_of(runs))["goals"] if "false alarms" in row.what).reached

    assert reached(runs) == "yes"
    assert reached([*runs, alarm]) == "**no**"


@pytest.mark.parametrize(
    ("run", "is_wrong"),
    [
        (judged(accuracies=(0.1,), verdict="undecided"), True),
        (judged(accuracies=(0.1,), verdict="never-learned"), False),
        (judged(accuracies=(0.5,), verdict="collapsed"), False),  # ambiguous
        (judged(group="clean", stretches=(("collapsed", 1, 2, 3),), verdict="recovered"), True),
        (judged(group="natural", stretches=(("collapsed", 1, 2, 3),), verdict="recovered"), False),
        (
            judged(
                group="zero-weights",
                truth={"mechanisms": ["zero-weights"], "layer": "conv1"},
                cause=("zero-weights", "dense1", 9),
            ),
            True,
        ),
    ],
)
def test_a_judgement_is_wrong_where_it_contradicts_the_label_or_the_injected_fault(run, is_wrong):
    assert run.is_wrong is is_wrong


def test_the_page_says_what_runs_there_are_which_were_wrong_and_how_to_repeat_it():
    text = table.page(numbers_of(A_FEW_RUNS))

    assert text.startswith("# How often the detector is right\n\n5 labelled runs (evaluation, seeds 20,000 to 21,")
    assert "    python -m benchmarks.zoo build --part evaluation --round 5 --out zoo\n" in text
    assert "| recall of dead natural runs | 99 % | 2 of 3" in text
    assert "- natural-lenet-20001: dead (0.100), undecided, no first link\n" in text
    assert "\n\n\n" not in text


def test_the_page_says_of_which_groups_only_the_first_runs_were_judged():
    planned = {"natural": 3, "own": 1, "clean": 2, "slow": 2}
    text = table.page({**numbers_of(A_FEW_RUNS), "planned": planned})

    assert Counter(one.group for one in A_FEW_RUNS) == {"natural": 3, "own": 1, "clean": 1}
    assert "Of these groups only the first runs were made: 1 of 2 clean; 0 of 2 slow. There" in text


def test_the_page_of_no_runs_says_that_there_are_none():
    text = table.page(numbers_of([]))

    assert "There are no runs yet of: own, rate-spike" in text
    assert text.endswith("## Runs that were judged wrong\n\n- none\n")


def test_what_was_counted_beside_dead_and_alive_stands_in_the_table():
    runs = [
        judged(warned=(12,)),
        judged("own-lenet-21500", group="own", stretches=(("collapsed", 1, 2, 3),), verdict="recovered"),
        judged("natural-lenet-20001", accuracies=(0.1,), verdict="collapsed", cause=None),
        judged("clean-lenet-20500", "clean", told=(("constant-answer", None),)),
    ]
    content = table.prepare(numbers_of(runs))
    outcomes = dict(content["outcomes"])

    assert outcomes["clean runs in which a loss or accuracy was said to stay put"].startswith("1 of 1")
    assert outcomes["defect runs without a first link"].startswith("1 of 1")
    assert outcomes["healthy runs with an early warning: natural settings"].startswith("1 of 1")
    assert [(kind, told[:6], reached) for kind, told, reached in content["stopping"] if told.startswith("1")] == [
        ("all but the clean settings", "1 of 2", "**no**"),
        ("the paper's own settings", "1 of 1", "**no**"),
    ]


def test_the_counts_that_rules_keep_are_read_as_they_were_written(tmp_path, monkeypatch):
    signs, setting = {"oversized-update": 3}, "lenet, sgd, learning rate 0.5"
    runs = [judged(signs=signs, setting=setting), judged("natural-lenet-20002", setting=setting), *A_FEW_RUNS[1:3]]
    kept = tmp_path / "record.json"
    kept.write_text(kept_record(numbers_of(runs)))
    monkeypatch.setattr(track_record, "FILE", kept)
    track_record._kept.cache_clear()
    try:
        record = track_record.track_record("oversized-update")
        same = track_record.in_setting("oversized-update", setting)

        assert (record.seen, record.alive) == (1, 2)
        assert (same.times, same.seen, same.alive) == (3, 1, 2)
        assert track_record.in_setting("oversized-update", "conv, sgd, learning rate 0.5") is None
        assert track_record.stopped_though_alive() == track_record.Counted(0, 2, wilson(0, 2)[1])
    finally:
        track_record._kept.cache_clear()


def test_a_run_is_judged_the_same_from_a_csv_file_with_loss_and_accuracy_alone():
    for run, verdict in ((synthetic_runs.collapsed(), "collapsed"), (synthetic_runs.healthy(), "healthy")):
        text = csv_rows.as_csv(run)

        assert text.splitlines()[0] == "step,epoch,data_loss,accuracy,samples"
        assert csv_rows.verdict_of(text, run) == verdict


def test_judged_runs_are_kept_and_neither_judged_nor_trained_again(tmp_path, monkeypatch):
    folder, kept = tmp_path / "calibration-0", tmp_path / "kept.json"
    fault = collapse(300, 319, name="zero-weights-lenet-2100", group="zero-weights", signs={"dead-units": 2})
    truth = {
        "fault": "zero-weights",
        "step": 300,
        "layer": "conv1",
        "mechanisms": ("zero-weights",),
        "is_one_step": True,
    }
    runs = [*A_FEW_RUNS, replace(fault, truth=truth, told=(("zero-weights", "conv1"),), from_csv="healthy")]
    write_kept(kept, runs)
    new = judged("clean-lenet-20501", "clean")
    asked = []
    monkeypatch.setattr(table, "judge_all", lambda folder, jobs, known: asked.append(set(known)) or [new])
    monkeypatch.setattr(table, "commit", lambda: "abc1234")
    table.write_table(folder, tmp_path / "zoo.md", kept=kept)

    assert asked == [{one.name for one in runs}]
    assert read_kept(kept) == sorted([*runs, replace(new, judged_at="abc1234")], key=lambda one: one.name)
    assert json.loads((tmp_path / "zoo.json").read_text())["judged"] == len(runs) + 1
    everything = {run.name for run in zoo_runs("calibration", 0, QUICK_SHARE)}
    assert build("calibration", folder, 1, 0, QUICK_SHARE, judged=everything) == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("judged_at", "words"),
    [
        ({}, "judged at commit abc1234."),
        ({"def5678": 9}, "judged at commit def5678."),
        ({"def5678": 7, "abc1234": 2}, "judged at commit def5678 (7 runs) and commit abc1234 (2 runs)."),
    ],
)
def test_the_page_says_at_which_commits_its_runs_were_judged(judged_at, words):
    numbers = {**json.loads((DOCS / "zoo.json").read_text()), "commit": "abc1234", "judged_at": judged_at}

    assert words in table.page(numbers)


@pytest.mark.parametrize("name", ["zoo", "zoo-calibration"])
def test_the_committed_page_is_what_the_committed_numbers_say(name):
    numbers = json.loads((DOCS / f"{name}.json").read_text())
    page = (DOCS / f"{name}.md").read_text()

    assert page == table.page(numbers)
    assert f"--write docs/{name}.md" in page
