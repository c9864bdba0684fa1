"""Runs copied from another study: only those that training again would repeat, and never without saying so."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.errors import StudyError
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.results import load_study
from diagnostics.study.reuse import copy_runs
from diagnostics.study.runner import Study
from diagnostics.study.worker import Worker
from tests.helpers.small_mnist import write_mnist

SMALL = {"network": ["feedforward"], "limit": [600], "epochs": [1], "batch_size": [60]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A study of seeds 0 and 1 at lr 0.1, made at commit abc; nobody changes it."""
    folder, plan = tmp_path_factory.mktemp("trained"), StudyPlan(grid({**SMALL, "lr": [0.1]}, 2))
    with pytest.MonkeyPatch.context() as here:
        here.setattr("diagnostics.provenance.commit", lambda: "abc")
        plan.save(folder)
        for task in plan.tasks():
            Worker.of(plan, folder)(task)
    return folder


@pytest.fixture
def source(trained, tmp_path, monkeypatch) -> Path:
    """A copy of that study, seen from commit abc."""
    monkeypatch.setattr("diagnostics.provenance.commit", lambda: "abc")
    return shutil.copytree(trained, tmp_path / "source")


def other(**changes) -> StudyPlan:
    """Another study, whose second arm is the source's."""
    return StudyPlan(grid({**SMALL, "lr": [0.5, 0.1]}, 3), **changes)


def test_equal_runs_are_copied_byte_for_byte_and_nothing_else(source, tmp_path):
    copied = dict(copy_runs(other(), tmp_path, [source]))

    assert sorted(copied) == ["feedforward-lr-0.1-seed0000.h5", "feedforward-lr-0.1-seed0001.h5"]
    assert all((tmp_path / name).read_bytes() == origin.read_bytes() for name, origin in copied.items())
    assert sorted(p.name for p in tmp_path.glob("*.h5*")) == sorted(copied)


def test_a_study_counts_copied_runs_trains_none_of_them_and_says_where_they_came_from(source, tmp_path):
    folder, seen = tmp_path / "copy", []
    plan = StudyPlan(grid({**SMALL, "lr": [0.1]}, 2))
    for _ in range(2):
        Study(plan, folder, 1, reuse=[source]).run(seen.append)
    made, loaded = load_study(folder)

    assert seen[0].message == f"2 runs copied from {source}"
    assert (seen[0].done, seen[0].total, len(loaded.runs)) == (2, 2, 2)
    assert made.history[0]["copied"]["feedforward-seed0000.h5"] == str(source / "feedforward-seed0000.h5")
    assert "copied" not in made.history[1]


@pytest.mark.parametrize("name", ["commit", "numpy", "blas", "simd", "python", "platform", "host"])
def test_runs_of_other_code_or_another_machine_are_not_copied(source, tmp_path, monkeypatch, name):
    from diagnostics.study import reuse

    here = reuse.environment(1)
    monkeypatch.setattr(reuse, "environment", lambda threads: {**here, name: "another"})

    assert list(copy_runs(other(), tmp_path, [source])) == []


def test_code_that_was_changed_since_its_commit_copies_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("diagnostics.provenance.commit", lambda: "abc+")
    folder, plan = tmp_path / "source", StudyPlan(grid({**SMALL, "lr": [0.1]}, 1))
    plan.save(folder)
    Worker.of(plan, folder)(plan.tasks()[0])

    assert list(copy_runs(other(), tmp_path, [folder])) == []


def test_runs_on_data_that_have_changed_since_are_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr("diagnostics.provenance.commit", lambda: "abc")
    data, settings = tmp_path / "data", {**SMALL, "lr": [0.1], "data": [str(tmp_path / "data")]}
    write_mnist(data, 600)
    folder, plan = tmp_path / "source", StudyPlan(grid(settings, 1))
    plan.save(folder)
    Worker.of(plan, folder)(plan.tasks()[0])

    labels = data / "train-labels-idx1-ubyte"
    raw = labels.read_bytes()
    labels.write_bytes(raw[:-1] + bytes([(raw[-1] + 1) % 10]))
    assert list(copy_runs(plan, tmp_path, [folder])) == []

    labels.write_bytes(raw)
    assert len(list(copy_runs(plan, tmp_path, [folder]))) == 1


def test_half_a_log_is_not_copied(source, tmp_path):
    victim = source / "feedforward-seed0001.h5"
    victim.write_bytes(victim.read_bytes()[:4000])

    assert list(dict(copy_runs(other(), tmp_path, [source]))) == ["feedforward-lr-0.1-seed0000.h5"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"on_defect": "stop"}, "--on-defect"), ({"log_every": 2}, "--log-every"), ({"histograms_every": 0}, "--hist")],
)
def test_a_study_that_was_recorded_in_another_way_is_refused(source, tmp_path, changes, word):
    with pytest.raises(StudyError, match=word):
        list(copy_runs(replace(other(), **changes), tmp_path, [source]))


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        list(copy_runs(other(), tmp_path, [tmp_path / "nothing"]))
