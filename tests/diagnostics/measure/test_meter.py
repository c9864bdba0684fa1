"""The update of a step is formed in the parameters' own precision: what does not move shows exactly 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from diagnostics.run.run import Run
from lenet import (
    AccuracyCategorical,
    ActivationSoftmax,
    DenseLayer,
    Flatten,
    Hook,
    LossCategoricalCrossEntropy,
    Model,
    OptimizerSGD,
)
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_trainings import digits


class Updates(Hook):
    """Keeps the update of each step in the parameters' own precision."""

    def __init__(self) -> None:
        self.steps: list[Any] = []

    def on_gradients_ready(self, event: Any) -> None:
        self._before = event.values.copy()

    def on_update_done(self, event: Any) -> None:
        self.steps.append(event.values - self._before)


def updates(run: Run, layer: str) -> pd.DataFrame:
    return run.tensor_frame(kind="update", layer=layer)


class FrozenBelow(ScratchNetwork):
    """Only the last layer is trained; its first one stays as it was."""

    def update(self, rate: float = 0.1) -> None:
        self.dense2.weights = self.dense2.weights - rate * self.dense2.dweights
        self.dense2.biases = self.dense2.biases - rate * self.dense2.dbiases


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_frozen_layer_of_a_loop_of_one_s_own_shows_updates_of_exactly_zero(dtype: Any, tmp_path: Path) -> None:
    network = FrozenBelow(dtype)
    network.train(network.training([Recorder(tmp_path / "run.h5")], epochs=40), epochs=40)

    run = open_run(tmp_path / "run.h5")

    frozen, moving = updates(run, "dense1"), updates(run, "dense2")
    assert (frozen[["mean", "std", "min", "max", "norm"]] == 0).all(axis=None)
    assert (frozen["zero_fraction"] == 1).all()
    weights = frozen.xs("weights", level="tensor")
    assert (weights["ratio"] == 0).all()
    assert (moving["norm"] > 0).all()
    assert not [one for one in run.findings if one.rule == "wrong-direction"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_updates_of_a_model_are_differences_in_its_own_precision(dtype: Any, tmp_path: Path) -> None:
    model = Model(seed=1, dtype=dtype)
    for layer in (Flatten(), DenseLayer(n_inputs=64, n_neurons=3), ActivationSoftmax()):
        model.add(layer)
    # Steps so small that float32 copies of float64 values would hide them.
    model.set(
        loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(learning_rate=1e-9), accuracy=AccuracyCategorical()
    )
    model.finalize()
    X, y = digits()
    exact = Updates()

    model.train(X, y, epochs=1, batch_size=16, print_every=0, hooks=[exact, Recorder(tmp_path / "run.h5")])

    run = open_run(tmp_path / "run.h5")
    size = run.info.tensors[0].size
    norms = updates(run, "dense1").xs("weights", level="tensor")["norm"]
    expected = [np.linalg.norm(one[:size].astype(np.float64)) for one in exact.steps]
    np.testing.assert_allclose(norms, expected, rtol=1e-6)
