"""Runs of a training loop that a user wrote, made again by the functions of its author."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import Recorder
from diagnostics.errors import ReplayError
from diagnostics.replay import Branch, replay
from lenet import LayerTap, LoopMonitor
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_models import one_hot

EPOCHS, STEPS = 4, 12


class Momentum:
    """The network from scratch with a velocity, in the form that a replay asks for."""

    learning_rate = 0.05

    def __init__(self, dtype: Any = np.float64) -> None:
        self.network = ScratchNetwork(dtype)
        self.layers = self.network.layers()
        self.velocity = [0.0, 0.0, 0.0, 0.0]
        self.penalty = 0.0

    def gradients(self, images: Any, labels: Any) -> tuple[float, float]:
        network = self.network
        network.images = images
        network.labels = labels if labels.ndim == 1 else labels.argmax(axis=1)
        return network.gradients(slice(None))

    def update(self) -> None:
        for place, (layer, name) in enumerate(
            (la, n) for la in (self.dense1, self.dense2) for n in ("weights", "biases")
        ):
            self.velocity[place] = 0.9 * self.velocity[place] + getattr(layer, f"d{name}")
            setattr(layer, name, getattr(layer, name) - self.learning_rate * self.velocity[place])

    @property
    def dense1(self) -> Any:
        return self.network.dense1

    @property
    def dense2(self) -> Any:
        return self.network.dense2


def batches(dtype: Any = np.float64, hot: bool = False) -> Iterator[tuple[Any, Any]]:
    network = ScratchNetwork(dtype)
    labels = one_hot(network.labels, 3) if hot else network.labels
    for rows in network.batches(EPOCHS):
        yield network.images[rows], labels[rows]


def log(path: Path, dtype: Any = np.float64, hot: bool = False, **options: Any) -> list[Any]:
    """Train and log; returns the parameters before each step and after the last."""
    network, seen = Momentum(dtype), []
    labels = ScratchNetwork().labels
    with LoopMonitor(
        network.layers, labels=labels, batch_size=20, epochs=EPOCHS, hooks=[Recorder(path, **options)]
    ) as monitor:
        for images, classes in batches(dtype, hot):
            seen.append([a.copy() for la in (network.dense1, network.dense2) for a in (la.weights, la.biases)])
            loss, accuracy = network.gradients(images, classes)
            monitor.before_update(images, loss, accuracy, network.learning_rate)
            network.update()
            monitor.after_update()
    seen.append([a.copy() for la in (network.dense1, network.dense2) for a in (la.weights, la.biases)])
    return seen


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hot", [False, True])
def test_any_step_of_a_loop_of_ones_own_can_be_had_again(tmp_path: Path, dtype: str, hot: bool) -> None:
    seen = log(tmp_path / "run.h5", dtype, hot)
    replayed = replay(tmp_path / "run.h5", build=lambda: Momentum(dtype), batches=lambda: batches(dtype, hot))
    assert replayed.check().is_proven
    for step in (0, 7, STEPS - 1):
        moment = replayed.at(step)
        assert moment.proof.rows == step + 1
        expected = np.concatenate([a.ravel() for a in seen[step]])
        assert np.array_equal(moment.values, expected)
        assert np.array_equal(moment.values_after, np.concatenate([a.ravel() for a in seen[step + 1]]))
        assert np.array_equal(moment.model.dense1.weights, seen[step][0])
        assert moment.sample_indices is None
        images, labels = list(batches(dtype, hot))[step]
        assert np.array_equal(moment.images, images)
        assert np.array_equal(moment.labels, labels.argmax(axis=1) if hot else labels)


def test_the_model_of_a_moment_has_its_memory_too(tmp_path: Path) -> None:
    seen = log(tmp_path / "run.h5")
    model = replay(tmp_path / "run.h5", build=Momentum, batches=batches).at(7).model
    for images, labels in list(batches())[7:10]:
        model.gradients(images, labels)
        model.update()
    assert np.array_equal(model.dense2.weights, seen[10][2])


def test_a_moment_of_a_loop_of_ones_own_can_be_opened(tmp_path: Path) -> None:
    log(tmp_path / "run.h5")
    moment = replay(tmp_path / "run.h5", build=Momentum, batches=batches).at(5)
    steps = moment.run.steps
    assert moment.losses.mean() == pytest.approx(steps.loc[5, "loss"], rel=1e-6)
    assert moment.shares().sum() == pytest.approx(1, rel=1e-9)
    assert moment.shares("dense1").sum() == pytest.approx(1, rel=1e-9)
    logged = moment.run.tensor_frame(["norm"], kind="gradient")["norm"]
    weights = moment.gradient("dense1")[: 64 * 6]
    assert np.linalg.norm(weights) == pytest.approx(logged.loc[5, "dense1", "weights", "gradient"], rel=1e-5)
    line = moment.along_the_step([0, 1])
    assert list(line.columns) == ["this_batch", "next_batch"]
    assert line.loc[0, "this_batch"] == pytest.approx(steps.loc[5, "loss"], rel=1e-6)
    moved = moment.why_units_moved("dense2")
    parts = moved["by_bias"] + moved["by_weights"] + moved["by_layers_below"]
    np.testing.assert_allclose(parts, moved["after"] - moved["before"], rtol=1e-6)
    assert moment.preactivations("dense1").min() < 0 <= moment.outputs("dense1").min()
    assert moment.answers.shape == (20,) or moment.answers.shape == (10,)
    with pytest.raises(ReplayError, match="loop that a user wrote"):
        Branch(moment)


def test_without_the_functions_one_line_says_what_is_missing(tmp_path: Path) -> None:
    log(tmp_path / "run.h5")
    with pytest.raises(ReplayError, match=r"replay\(path, build=..., batches=...\)") as error:
        replay(tmp_path / "run.h5")
    assert "\n" not in str(error.value)
    with pytest.raises(ReplayError, match="batches: received without build"):
        replay(tmp_path / "run.h5", batches=batches)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"build": lambda: Momentum("float32")}, "differs at step 0"),
        ({"batches": lambda: list(batches())[::-1]}, "differs at step 0"),
        ({"batches": lambda: list(batches())[:7] + list(batches())[:5]}, "differs at step 7"),
        ({"batches": lambda: list(batches())[:4]}, "gave 4, expected at least 10"),
        ({"batches": list}, "gave none"),
        ({"build": lambda: object()}, "returned object without layers"),
    ],
)
def test_functions_that_make_another_run_are_told(tmp_path: Path, changes: Any, message: str) -> None:
    log(tmp_path / "run.h5")
    with pytest.raises(ReplayError, match=message) as error:
        replay(tmp_path / "run.h5", **{"build": Momentum, "batches": batches, **changes}).at(9)
    assert "\n" not in str(error.value)


def test_an_output_before_the_function_that_is_not_known_is_told(tmp_path: Path) -> None:
    class Closed(Momentum):
        """Its first layer gives out what its activation function gives out."""

        def __init__(self) -> None:
            super().__init__()
            self.layers[0] = LayerTap("dense1", self.dense1, "relu")

    log(tmp_path / "run.h5")
    replayed = replay(tmp_path / "run.h5", build=Closed, batches=batches)
    with pytest.raises(ReplayError, match=r"dense1: received an output of .* after relu"):
        replayed.at(3)  # the outputs that are measured are those before the function
    subject = replayed.recipe.subject()
    moment = replay(tmp_path / "run.h5", build=Momentum, batches=batches).at(3)
    with pytest.raises(ReplayError, match="dense1: its preactivations are not known"):
        subject.passed(moment.values, moment.recipe.batch_of(3), "dense1")
