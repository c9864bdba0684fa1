"""The arms of a study: those of the presets, and those of a grid of settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnostics.errors import StudyError
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.presets import AUTHOR_RUNS, PRESETS, preset
from lenet.errors import SettingsError
from lenet.settings import Settings


def test_options_given_more_than_once_make_a_grid_labelled_by_what_differs():
    arms = grid({"lr": [0.1, 0.5], "network": ["lenet", "conv"], "epochs": [1]}, 3)

    assert [a.label for a in arms] == ["lenet lr=0.1", "conv lr=0.1", "lenet lr=0.5", "conv lr=0.5"]
    assert {(a.settings["epochs"], a.settings["threads"], a.runs) for a in arms} == {(1, 1, 3)}


def test_presets_are_settings_that_can_be_run():
    for name in PRESETS:
        arms = preset(name).build({"limit": 2000})
        labels = [arm.label for arm in arms]

        assert all(Settings.from_dict(arm.settings) and arm.settings["limit"] == 2000 for arm in arms)
        assert len(set(labels)) == len(labels)
        assert {arm.control for arm in arms} <= {*labels, None}


def test_a_study_that_was_begun_under_the_former_labels_has_those_of_now_and_keeps_its_files(tmp_path):
    asked = StudyPlan(preset("why").build({}), preset="why")
    asked.save(tmp_path)
    stored = tmp_path / "study.json"
    now = stored.read_text()
    stored.write_text(now.replace("paper's", "report's"))

    assert stored.read_text() != now
    assert StudyPlan.load(tmp_path) == asked
    assert [run.file for run in asked.tasks()][:2] == [
        "exact-convolution-seed0000.h5",
        "report-s-convolution-seed0000.h5",
    ]


def test_the_report_table_makes_at_least_as_many_runs_as_the_author():
    for arm in preset("report-table").build({}):
        assert arm.runs >= AUTHOR_RUNS[arm.settings["network"]]


def test_remedies_and_why_have_forty_seeds_an_arm():
    assert {arm.runs for name in ("remedies", "why") for arm in preset(name).build({})} == {40}


def test_arms_that_differ_in_nothing_but_their_label_are_refused_since_their_runs_would_be_pooled():
    twins = replace(preset("why"), arms=(("one", {}, 2, None), ("two", {"lr": 0.5}, 2, "one")))

    with pytest.raises(StudyError, match="arms 'one' and 'two' have the same settings"):
        twins.build({})


def test_what_an_arm_of_a_preset_sets_cannot_be_changed_for_all_of_them():
    with pytest.raises(StudyError, match="--lr: the arm 'half the learning rate'"):
        preset("remedies").build({"lr": 0.1})


def test_an_unknown_preset_is_refused_with_the_names_there_are():
    with pytest.raises(StudyError, match="report-table, remedies, why"):
        preset("magic")


def test_in_a_grid_a_decay_rate_is_left_out_of_the_arms_without_a_decay():
    arms = grid({"lr_decay": ["none", "cosine", "step"], "decay_rate": [0.5, 0.9]}, 1)

    assert [a.label for a in arms] == [
        "lenet lr_decay=none",
        "lenet lr_decay=cosine",
        "lenet lr_decay=step decay_rate=0.5",
        "lenet lr_decay=step decay_rate=0.9",
    ]


def test_a_grid_in_which_a_setting_decides_nothing_anywhere_is_refused():
    with pytest.raises(SettingsError, match=r"--decay-rate: received .* has no effect"):
        grid({"decay_rate": [0.5]}, 1)
