"""Losses that are none of classes: they are judged by themselves, and the diagnosis says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.schema.task import LOSS_ONLY
from tests.helpers.tool_logs import curve, write_csv

SAMPLES = Path(__file__).parent / "samples"


def told(run):
    return " / ".join(run.info.environment["taken_as"])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"mse": 1.0}, "its metric mse is one of a regression"),
        ({"val_mae": 1.0, "RMSE": 1.0}, "its metrics RMSE, val_mae are those of a regression"),
        ({"rollout/ep_rew_mean": 1.0}, "its metric rollout/ep_rew_mean is one of reinforcement learning"),
        ({"loss_cls": 1.0, "box_loss": 1.0}, "beside its loss stand box_loss, loss_cls, as parts of one do"),
    ],
)
def test_other_metrics_tell_that_a_loss_is_none_of_classes(tmp_path, columns, reason):
    path = write_csv(tmp_path / "run.csv", curve()[["step", "loss"]].assign(**columns))
    [run] = import_runs(path)
    [with_classes] = import_runs(path, ImportOptions(classes=10))

    assert run.info.task.kind == LOSS_ONLY
    assert f"{reason}: it is judged by its loss alone" in told(run)
    assert "cross-entropy" not in told(run)
    assert with_classes.info.task.has_classes


@pytest.mark.parametrize(
    ("columns", "change"),
    [({"mse": 1.0}, 0), ({"val_box_loss": 1.0, "val_cls_loss": 1.0}, 0), ({"box_loss": 1.0}, 0), ({}, -5)],
)
def test_a_loss_is_one_of_classes_where_an_accuracy_or_nothing_says_otherwise(tmp_path, columns, change):
    frame = curve().assign(**columns)
    frame["loss"] += change
    names = ["step", "loss", *columns, *(["accuracy"] if "mse" in columns or change else [])]
    [run] = import_runs(write_csv(tmp_path / "run.csv", frame[names]))

    assert run.info.task.has_classes


def test_a_loss_below_zero_is_no_cross_entropy(tmp_path):
    frame = curve()[["step", "loss"]]
    [run] = import_runs(write_csv(tmp_path / "run.csv", frame.assign(loss=frame.loss - 2)))

    assert run.info.task.kind == LOSS_ONLY
    assert "its loss falls below 0" in told(run)


def test_the_history_of_a_regression():
    [run] = import_runs(SAMPLES / "keras-regression.csv")

    assert run.info.task.kind == LOSS_ONLY
    assert run.info.environment["resolution"] == "every epoch"
    assert "its rows, each with a validation, are taken as epochs" in told(run)


def test_the_progress_of_reinforcement_learning():
    [run] = import_runs(SAMPLES / "stable-baselines-progress.csv")

    assert run.info.task.kind == LOSS_ONLY
    assert told(run).startswith("loss is total_loss / ")


def test_parts_of_a_loss_are_named_where_there_is_no_whole():
    words = "found no loss of a training among train/box_loss, train/cls_loss, train/dfl_loss, train/seg_loss, val/"
    with pytest.raises(LogError, match=words):
        import_runs(SAMPLES / "ultralytics-segment.csv")
    [run] = import_runs(SAMPLES / "ultralytics-segment.csv", ImportOptions(columns={"loss": "train/cls_loss"}))

    assert run.info.task.kind == LOSS_ONLY
    assert run.info.description["learning_rate"] == pytest.approx(0.000546249)
