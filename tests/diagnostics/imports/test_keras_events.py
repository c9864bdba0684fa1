"""What Keras' callback for TensorBoard wrote: running means of the epoch, and two folders for a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.formats import keras_events, tensorboard
from diagnostics.imports.metrics import MetricSeries

SAMPLES = Path(__file__).parent / "samples"


def test_running_means_and_validations_that_keras_wrote_for_tensorboard_are_placed():
    [run] = import_runs(SAMPLES / "keras-tensorboard", ImportOptions(classes=10))
    [epoch_losses] = [one.values for tag, one in keras_series().items() if tag == "epoch_loss"]

    assert run.steps.index.tolist() == list(range(96))
    assert np.allclose(run.steps["loss"].to_numpy().reshape(3, 32).mean(axis=1), epoch_losses, rtol=1e-5)
    assert run.steps["loss"].std() > 0.1 * run.steps["loss"].mean()
    assert run.validations["step"].tolist() == [31, 63, 95]
    assert run.info.steps_per_epoch == 32


def test_the_steps_of_an_epoch_of_keras_are_told_by_its_validations(tmp_path):
    every_step = keras_series()
    by_epochs = {tag: one for tag, one in every_step.items() if not tag.startswith("batch_")}
    unknown = {tag: one for tag, one in every_step.items() if "vs_iterations" not in tag}
    every_tenth = {
        tag: one.where(one.steps % 10 == 0) if tag.startswith("batch_") else one for tag, one in unknown.items()
    }

    assert keras_events.as_meant(by_epochs).series["epoch_loss"].steps.tolist() == [32, 64, 96]
    assert keras_events.as_meant(unknown).series["batch_loss"].epochs[[0, 31, 32, 95]].tolist() == [0, 0, 1, 2]
    assert keras_events.as_meant(every_tenth).told == (keras_events.LEFT_OUT,)
    assert "batch_loss" not in keras_events.as_meant(every_tenth).series


def keras_series() -> dict[str, MetricSeries]:
    """The series of the sample by their tags, before it is known what Keras means by them."""
    return tensorboard.series_of(SAMPLES / "keras-tensorboard")
