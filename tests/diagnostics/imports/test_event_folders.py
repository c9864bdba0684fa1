"""Folders of TensorBoard: which files in them are one run, and what their steps are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.formats.event_folders import name_of
from diagnostics.imports.formats.tensorboard import series_of
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.validated_steps import TOLD, with_steps_as_epochs

SAMPLES = Path(__file__).parent / "samples"


def test_what_add_scalars_wrote_is_one_run_counted_by_epochs():
    [run] = import_runs(SAMPLES / "torch-add-scalars", ImportOptions(classes=10, steps_per_epoch=100))

    assert len(run) == len(run.validations) == 12
    assert np.allclose(run.steps["loss"], 0.1 + 2 * np.exp(-np.arange(12) / 2))
    assert np.allclose(run.validations["accuracy"], 0.95 - 0.5 * np.exp(-np.arange(12) / 2))
    assert run.steps.index.tolist() == list(range(99, 1200, 100))
    assert TOLD in run.info.environment["taken_as"]


def test_steps_that_the_user_names_are_no_epochs(tmp_path):
    table = tmp_path / "run.csv"
    table.write_text(
        "step,loss,val_loss\n" + "".join(f"{step},{1 / (step + 1)},{1 / (step + 1)}\n" for step in range(30))
    )
    [guessed] = import_runs(table)
    [named] = import_runs(table, ImportOptions(columns={"step": "step"}))

    assert [run.info.environment["counted"] for run in (guessed, named)] == ["epochs", "steps"]


@pytest.mark.parametrize("distance", [2, 100])
def test_steps_further_apart_are_steps_though_each_has_a_validation(distance):
    series = series_of(SAMPLES / "torch-add-scalars")
    apart = LoggedMetrics({name: replace(one, steps=one.steps * distance) for name, one in series.items()})

    assert with_steps_as_epochs(LoggedMetrics(series)).told == (TOLD,)
    assert with_steps_as_epochs(apart) is apart


def test_steps_of_which_some_have_no_validation_are_steps():
    series = series_of(SAMPLES / "torch-add-scalars")
    validated = series["Loss_val"]
    some = LoggedMetrics({**series, "Loss_val": validated.where(validated.steps % 2 == 0)})

    assert with_steps_as_epochs(some) is some


@pytest.mark.parametrize(
    ("tag", "folder", "name"),
    [
        ("Loss", "Loss_val", "Loss_val"),
        ("run/Loss", "run_Loss_train", "run_Loss_train"),
        ("loss", "eval", "val_loss"),
        ("epoch_loss", "train", "epoch_loss"),
        ("Loss", "another run", None),
        ("Loss", "Losses", None),
        ("Loss", "Loss/val", "Loss/val"),
        ("run/Loss", "run/Loss/train", "run/Loss/train"),
        ("Loss", "Loss_2/val", None),
    ],
)
def test_a_scalar_in_a_folder_of_the_run_has_the_name_that_its_writer_gave_it(tag, folder, name):
    assert name_of(tag, folder) == name


def test_what_add_scalars_of_tensorboardx_wrote_is_read(tmp_path):
    shutil.copytree(SAMPLES / "torch-add-scalars", tmp_path / "run")
    (tmp_path / "run" / "Loss").mkdir()
    for data in ("train", "val"):
        (tmp_path / "run" / f"Loss_{data}").rename(tmp_path / "run" / "Loss" / data)
    [run] = import_runs(tmp_path / "run", ImportOptions(classes=10))

    assert np.allclose(run.steps["loss"], 0.1 + 2 * np.exp(-np.arange(12) / 2))
    assert len(run.validations) == 12
