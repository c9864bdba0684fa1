"""A run that was turned back counts as a defect run, in a column of its own, and never as healthy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.statistics.frames import groups_frame, runs_frame
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.statistics.summarising import summarise
from diagnostics.statistics.tracker import StatisticsTracker
from reports.text.statistics import group_text, headline
from tests.helpers.rollback_trainings import turned_back

HEALTHY = RunSummary("healthy.h5", Verdict.HEALTHY, steps=10, validation_accuracy=0.9)
DEAD = RunSummary("dead.h5", Verdict.COLLAPSED, steps=10, validation_accuracy=0.1, broke_at=4)
RESCUED = RunSummary(
    "rescued.h5",
    Verdict.RESCUED,
    steps=10,
    validation_accuracy=0.8,
    rollbacks=1,
    undone_kind="never-learned",
    turned_back_to=0,
    turned_back_with="half the learning rate (0.25)",
)
DIED_AGAIN = RunSummary("again.h5", Verdict.NEVER_LEARNED, steps=10, rollbacks=3, undone_kind="collapsed")
UNDECIDED = RunSummary("undecided.h5", Verdict.UNDECIDED, steps=10, rollbacks=1, undone_kind="diverged")


@pytest.fixture
def group() -> Group:
    return Group("arm", (HEALTHY, DEAD, RESCUED, DIED_AGAIN, UNDECIDED))


def test_every_run_that_was_turned_back_is_a_defect_run(group: Group) -> None:
    assert (group.defect_runs, group.judged) == (4, 5)
    assert group.by_kind == {"never-learned": 2, "collapsed": 1, "diverged": 1}
    assert (group.rescued, group.turned_back) == (1, 3)
    assert (group.undecided, group.recovered) == (0, 0)


def test_no_mean_over_survivors_has_one(group: Group) -> None:
    assert group.survivors.validation_accuracy.mean == 0.9
    assert group.survivors.validation_accuracy.n == 1
    assert group.all.validation_accuracy.n == 3


def test_json_frames_and_text_have_columns_for_them(group: Group) -> None:
    plain = group.to_json()

    assert (plain["rescued"], plain["turned_back"], plain["defect_runs"]) == (1, 3, 4)
    assert [one["rollbacks"] for one in plain["files"]] == [0, 0, 1, 3, 1]
    row = groups_frame([group]).loc["arm"]
    assert (row["rescued"], row["turned_back"]) == (1, 3)
    runs = runs_frame([group])
    assert runs["defect_run"].tolist() == [False, True, True, True, True]
    assert runs["rollbacks"].tolist() == [0, 0, 1, 3, 1]
    assert runs["turned_back_with"].tolist()[2] == "half the learning rate (0.25)"
    words = group_text(group)
    assert "  rescued      1 of 3 that were turned back; they count as defect runs, not as survivors" in words
    assert (
        "rescued.h5: rescued from never-learned, unexplained; turned back once, to before step 0, with half the "
        "learning rate (0.25)" in words
    )


def test_the_table_of_the_arms_has_a_column_for_them(group: Group) -> None:
    _, heads, with_one, without, _ = headline([group, Group("other", (HEALTHY, DEAD))], survivors=False).splitlines()

    assert re.split(r"\s{2,}", heads.strip()) == [
        "arm",
        "defect runs",
        "rescued",
        "rate (95 %)",
        "all runs",
        "survivors",
    ]
    assert "4 of 5   1 of 3" in with_one
    assert "1 of 2        –" in without
    assert "rescued" not in headline([Group("other", (HEALTHY, DEAD))], survivors=False)


def test_without_one_the_text_says_nothing_of_them() -> None:
    assert "rescued" not in group_text(Group("arm", (HEALTHY, DEAD)))


def test_a_summary_has_the_cause_of_the_undone_defect_and_the_steps_of_the_run(tmp_path: Path) -> None:
    run = turned_back(tmp_path / "run.h5", lr=4.0)
    summary = summarise(run)
    undone = run.undone()[-1].diagnosis

    assert summary.verdict is Verdict.RESCUED
    assert (summary.rollbacks, summary.undone_kind) == (2, run.rollbacks[-1].kind)
    assert summary.turned_back_to == run.rollbacks[-1].step
    assert summary.onset == undone.onset
    assert summary.broke_at == undone.broke_at
    assert summary.cause == (undone.cause.rule if undone.cause else None)
    assert summary.steps == len(run)
    assert summary.defect_steps == 0
    plain = json.loads(json.dumps(summary.to_json()))
    assert json.loads(json.dumps(RunSummary.from_json(plain).to_json())) == plain


def test_the_tracker_takes_a_rescued_run_as_a_defect_run(tmp_path: Path) -> None:
    tracker = StatisticsTracker("net", "stats.json", tmp_path)
    tracker.record_epoch_accuracy(1, 0.9)
    tracker.record_verdict(Verdict.RESCUED)
    tracker.add_time("training", 1.0)

    averages = tracker.calculate_averages()
    assert averages["defect_runs"] == 1
    assert (averages["rescued"], averages["turned_back"]) == (1, 1)
    assert averages["survivors"]["epoch_accuracy"] in ([], [{"mean": None, "std": None, "n": 0}])
