"""Survivors that are far behind the others of their arm are named, and ordinary ones are not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.findings import Verdict
from diagnostics.statistics.behind import FEWEST, runs_behind, usual_accuracy
from diagnostics.statistics.frames import groups_frame, runs_frame
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from reports.text.statistics import group_text


def survivors(*accuracies: float | None, verdict: Verdict = Verdict.HEALTHY) -> list[RunSummary]:
    return [
        RunSummary(f"r{i}.h5", verdict, seed=i, steps=100, validation_accuracy=one) for i, one in enumerate(accuracies)
    ]


USUAL = (0.970, 0.972, 0.974, 0.975, 0.976, 0.978, 0.979, 0.981)


def test_a_survivor_that_is_crippled_is_behind_and_the_furthest_comes_first():
    behind = runs_behind(survivors(*USUAL, 0.91, 0.30))

    assert [run.name for run in behind] == ["r9.h5", "r8.h5"]


@pytest.mark.parametrize("low", [0.955, 0.965])
def test_less_than_two_points_are_not_behind(low):
    assert runs_behind(survivors(*USUAL, low)) == ()


def test_two_points_are_not_behind_where_all_runs_differ_much():
    assert runs_behind(survivors(0.80, 0.85, 0.90, 0.95, 0.83, 0.87, 0.93, 0.88, 0.70)) == ()


def test_runs_that_died_or_have_no_accuracy_are_neither_behind_nor_counted():
    dead = survivors(0.1, 0.1, 0.1, verdict=Verdict.COLLAPSED)
    known = survivors(*USUAL[: FEWEST - 1], None)

    assert usual_accuracy([*known, *dead]) is None
    assert runs_behind([*known, *dead]) == ()


@given(st.integers(0, 2**32 - 1))
def test_normal_accuracies_are_hardly_ever_behind(seed):
    accuracies = np.random.default_rng(seed).normal(0.95, 0.03, 40)

    assert len(runs_behind(survivors(*accuracies.tolist()))) <= 1


def test_text_json_and_frames_name_the_runs_that_are_behind():
    group = Group("lenet", tuple(survivors(*USUAL, 0.91)))
    text = " ".join(group_text(group).split())

    assert "behind 1 of 9 survivors: r8.h5 at 0.9100, where the median is 0.9750" in text
    assert json.loads(json.dumps(group.to_json()))["behind"] == ["r8.h5"]
    assert groups_frame([group]).loc["lenet", "runs_behind"] == 1
    assert runs_frame([group])["behind"].tolist() == [False] * 8 + [True]


def test_an_arm_without_such_runs_says_nothing_of_them():
    group = Group("lenet", tuple(survivors(*USUAL)))

    assert "behind" not in group_text(group)
    assert group.to_json()["behind"] == []
