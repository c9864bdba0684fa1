"""What is seen in a moment, against the log, against the training itself and against plain loops in float64."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import ReplayError
from diagnostics.record.recorder import Recorder
from diagnostics.replay import Moment, replay
from lenet import ActivationSigmoid, ActivationSoftmax, ActivationTanh, DenseLayer, Flatten, Model, OptimizerSGD
from lenet.hooks import Hook
from tests.helpers.kept_folders import kept_folder
from tests.helpers.logged_runs import BATCH, EPOCHS, data, logged, make
from tests.helpers.plain_network import PlainNetwork, take
from tests.helpers.small_models import blobs, ready

STEP = 8
CASES: dict[str, dict[str, Any]] = {
    "sgd": {"l2": 0.0},
    "with a penalty": {"l2": 0.01},
    "momentum, as they lie": {"optimizer": "momentum", "shuffle": False, "l2": 0.0},
    "adam, clipped": {"optimizer": "adam with all", "l2": 0.0},
    "float64": {"dtype": "float64", "l2": 0.01},
}


class GradientsOfSteps(Hook):
    """Keeps the gradient of every step, and its loss."""

    def __init__(self) -> None:
        self.of: dict[int, Any] = {}
        self.losses: dict[int, Any] = {}

    def on_gradients_ready(self, event: Any) -> None:
        self.of[event.step] = event.gradients.astype(np.float64)
        self.losses[event.step] = (event.data_loss, event.penalty)


@cache
def opened(name: str) -> tuple[Moment, GradientsOfSteps]:
    """A moment of a run of this kind, and the gradients of its training."""
    log, gradients = kept_folder("moment") / "run.h5", GradientsOfSteps()
    logged(log, CASES[name], hooks=(gradients,))
    return replay(log, data()).at(STEP), gradients


def layers(moment: Moment) -> list[str]:
    return [one.name for one in moment.layers]


def plain(moment: Moment, values: Any = None) -> PlainNetwork:
    return PlainNetwork(make({}), moment.values if values is None else values)


def place(moment: Moment, layer: str) -> slice:
    mine = [t for t in moment.run.info.tensors if t.layer == layer]
    return slice(mine[0].offset, mine[-1].offset + mine[-1].size)


@pytest.mark.parametrize("name", CASES)
def test_the_losses_of_the_samples_add_up_to_the_logged_loss(name: str) -> None:
    moment, _ = opened(name)
    row = moment.run.steps.loc[STEP]
    assert moment.losses.shape == (BATCH,)
    assert moment.losses.mean() == pytest.approx(row["data_loss"], rel=1e-6)
    np.testing.assert_allclose(moment.losses, plain(moment).losses(moment.images, moment.labels), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_the_gradients_of_the_samples_are_those_of_plain_loops_and_add_up(name: str) -> None:
    moment, gradients = opened(name)
    data_gradient = gradients.of[STEP].copy()
    if CASES[name]["l2"]:  # what the penalty adds belongs to no sample
        for tensor in moment.run.info.tensors:
            if tensor.tensor == "weights":
                where = slice(tensor.offset, tensor.offset + tensor.size)
                data_gradient[where] -= 2 * CASES[name]["l2"] * moment.values[where]
    network = plain(moment)
    one_by_one = np.array(
        [network.gradient(moment.images[i : i + 1], moment.labels[i : i + 1], BATCH) for i in range(BATCH)]
    )
    for layer in layers(moment):
        rows, where = moment.sample_gradients(layer), place(moment, layer)
        assert rows.shape == (BATCH, where.stop - where.start)
        norm = np.linalg.norm(data_gradient[where])
        assert np.linalg.norm(rows.sum(axis=0, dtype=np.float64) - data_gradient[where]) < 1e-5 * norm
        np.testing.assert_allclose(rows, one_by_one[:, where], rtol=1e-4, atol=1e-5 * norm)
        assert np.linalg.norm(moment.gradient(layer) - data_gradient[where]) < 1e-5 * norm
    assert np.linalg.norm(moment.gradient() - data_gradient) < 1e-5 * np.linalg.norm(data_gradient)


def test_the_gradient_has_the_logged_norm() -> None:
    moment, _ = opened("sgd")
    logged_norms = moment.run.tensor_frame(["norm"], kind="gradient")["norm"]
    for tensor in moment.run.info.tensors:
        mine = moment.gradient()[tensor.offset : tensor.offset + tensor.size]
        expected = logged_norms.loc[(STEP, tensor.layer, tensor.tensor, "gradient")]
        assert np.linalg.norm(mine) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_the_shares_are_inner_products_and_add_up_to_one(name: str) -> None:
    moment, _ = opened(name)
    network = plain(moment)
    parts = np.array(
        [network.gradient(moment.images[i : i + 1], moment.labels[i : i + 1], BATCH) for i in range(BATCH)]
    )
    for layer in (None, *layers(moment)):
        shares = moment.shares(layer)
        mine = parts if layer is None else parts[:, place(moment, layer)]
        total = mine.sum(axis=0)
        np.testing.assert_allclose(shares, mine @ total / (total @ total), rtol=1e-3, atol=1e-5)
        assert shares.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_what_goes_into_and_out_of_a_layer_is_that_of_plain_loops(name: str) -> None:
    moment, _ = opened(name)
    for after in (False, True):
        network = plain(moment, moment.values_after if after else moment.values)
        network.losses(moment.images, moment.labels)
        for layer in layers(moment):
            expected = network.named[layer].output
            np.testing.assert_allclose(moment.preactivations(layer, after=after), expected, rtol=1e-4, atol=1e-5)
            if layer != "dense2" and not after:
                np.testing.assert_allclose(moment.outputs(layer), np.maximum(expected, 0), rtol=1e-4, atol=1e-5)


def test_the_outputs_are_those_that_were_logged() -> None:
    moment, _ = opened("sgd")
    row = moment.run.activations
    for layer in layers(moment):
        silent = (moment.outputs(layer) == 0).all(axis=tuple(range(moment.outputs(layer).ndim - 1)))
        assert silent.mean() == pytest.approx(row.loc[(STEP, layer), "dead_fraction"])


@pytest.mark.parametrize("name", CASES)
def test_the_update_is_the_one_that_was_made(name: str) -> None:
    moment, _ = opened(name)
    norms = moment.run.tensor_frame(["norm"], kind="update", tensor="weights")["norm"]
    for layer in layers(moment):
        weights = take(moment.update(), next(t for t in moment.run.info.tensors if t.layer == layer))
        assert np.linalg.norm(weights) == pytest.approx(norms.loc[(STEP, layer, "weights", "update")], rel=1e-5)
        assert np.array_equal(moment.update(layer), moment.update()[place(moment, layer)])


@pytest.mark.parametrize("name", CASES)
def test_the_loss_along_the_step_is_that_of_plain_loops(name: str) -> None:
    moment, gradients = opened(name)
    line = moment.along_the_step([0, 0.5, 1, 2])
    assert line.index.name == "multiple"
    data_loss, penalty = gradients.losses[STEP]
    assert line.loc[0, "this_batch"] == pytest.approx(data_loss + penalty, rel=1e-6)
    step = moment.values_after.astype(np.float64) - moment.values
    batches = {"this_batch": moment.recipe.batch_of(STEP), **moment.recipe.others(STEP, 512)}
    for multiple in line.index:
        values = moment.values + multiple * step
        weights = np.concatenate([take(values, t).ravel() for t in moment.run.info.tensors if t.tensor == "weights"])
        added = CASES[name]["l2"] * (weights**2).sum()
        for column in ("this_batch", "next_batch", "sample"):
            losses = plain(moment, values).losses(batches[column].inputs, batches[column].labels)
            assert line.loc[multiple, column] == pytest.approx(losses.mean() + added, rel=1e-5)
    assert len(batches["sample"].labels) == 77


@pytest.mark.parametrize("name", CASES)
def test_the_movement_of_the_units_is_split_exactly(name: str) -> None:
    """Against the midpoint form written out: the layer applied to differences and means of weights and inputs."""
    moment, _ = opened(name)
    before, after = plain(moment), plain(moment, moment.values_after)
    for network in (before, after):
        network.losses(moment.images, moment.labels)
    for layer in layers(moment):
        moved = moment.why_units_moved(layer)
        parts = moved["by_bias"] + moved["by_weights"] + moved["by_layers_below"]
        np.testing.assert_allclose(parts, moved["after"] - moved["before"], rtol=1e-6, atol=1e-12)
        one, other = before.named[layer], after.named[layer]
        axes = tuple(range(one.output.ndim - 1))
        np.testing.assert_allclose(moved["before"], one.output.mean(axis=axes), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(moved["after"], other.output.mean(axis=axes), rtol=1e-9, atol=1e-12)
        inputs, outputs = (one.inputs, other.inputs), (one.weights, other.weights)
        nothing = np.zeros_like(one.biases)

        def mean(weights: Any, x: Any, layer: Any = one, zero: Any = nothing, axes: Any = axes) -> Any:
            own = type(layer)(weights, zero, *([layer.padding] if hasattr(layer, "padding") else []))
            own.forward(x)
            return own.output.mean(axis=axes)

        by_weights = mean(outputs[1] - outputs[0], (inputs[0] + inputs[1]) / 2)
        by_below = mean((outputs[0] + outputs[1]) / 2, inputs[1] - inputs[0])
        np.testing.assert_allclose(moved["by_bias"], other.biases - one.biases, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(moved["by_weights"], by_weights, rtol=1e-6, atol=1e-10)
        np.testing.assert_allclose(moved["by_layers_below"], by_below, rtol=1e-6, atol=1e-10)


def test_with_the_report_s_convolution_the_rest_is_what_the_step_before_left(tmp_path: Path) -> None:
    gradients = GradientsOfSteps()
    states = logged(tmp_path / "run.h5", {"report": True, "l2": 0.0}, hooks=(gradients,)).states
    moment = replay(tmp_path / "run.h5", data()).at(STEP)
    for layer in layers(moment):
        left = 0.0
        if layer.startswith("conv"):
            kept = [states[STEP][f"layer/{layer}/{name}"].ravel() for name in ("dweights", "dbiases")]
            left = np.concatenate(kept).astype(np.float64) / BATCH
        logged_gradient = gradients.of[STEP][place(moment, layer)]
        difference = moment.gradient(layer) + left - logged_gradient
        assert np.linalg.norm(difference) < 1e-5 * np.linalg.norm(logged_gradient)
        assert moment.shares(layer).sum() == pytest.approx(1, abs=1e-6)
        moved = moment.why_units_moved(layer)
        parts = moved["by_bias"] + moved["by_weights"] + moved["by_layers_below"]
        np.testing.assert_allclose(parts, moved["after"] - moved["before"], rtol=1e-6, atol=1e-12)


def test_a_batch_of_more_than_a_thousand_samples_is_opened_in_portions(tmp_path: Path) -> None:
    X, y = blobs(1300)
    model, gradients = make({"l2": 0.0}), GradientsOfSteps()
    model.train(X, y, 3, None, print_every=0, hooks=[Recorder(tmp_path / "run.h5", model=model), gradients])
    moment = replay(tmp_path / "run.h5", (X, y)).at(2)
    assert moment.losses.mean() == pytest.approx(moment.run.steps.loc[2, "loss"], rel=1e-6)
    assert moment.shares().sum() == pytest.approx(1, abs=1e-6)
    for layer in layers(moment):
        expected = gradients.of[2][place(moment, layer)]
        assert np.linalg.norm(moment.gradient(layer) - expected) < 1e-5 * np.linalg.norm(expected)
    assert moment.along_the_step([0, 1]).shape == (2, 3)
    assert np.isfinite(moment.why_units_moved("conv1").to_numpy()).all()


@pytest.mark.parametrize("lr", [30.0, 1e30])
def test_a_dead_or_diverged_moment_is_opened_without_a_warning(tmp_path: Path, lr: float) -> None:
    model = ready(Model(threads=1, seed=3), Flatten((8, 8, 1)), DenseLayer(64, 6), *_rest(), optimizer=OptimizerSGD(lr))
    X, y = blobs(60)
    model.train(X, y, 5, 20, print_every=0, hooks=[Recorder(tmp_path / "run.h5", model=model)])
    replayed = replay(tmp_path / "run.h5", (X, y))
    assert replayed.check().is_proven
    for step in (1, 12):
        moment = replayed.at(step)
        assert moment.losses.shape == (20,)
        assert moment.shares().shape == moment.shares("dense1").shape == (20,)
        assert moment.along_the_step([0, 1, 2]).shape == (3, 3)
        assert len(moment.why_units_moved("dense1")) == 6
        assert moment.update("dense2").shape == (21,)


def _rest() -> list[Any]:
    from lenet import ActivationReLU

    return [ActivationReLU(), DenseLayer(6, 3), ActivationSoftmax()]


@pytest.mark.parametrize("activation", [ActivationSigmoid, ActivationTanh])
def test_other_activation_functions_are_opened_as_well(tmp_path: Path, activation: Any) -> None:
    def build() -> Model:
        return ready(
            Model(threads=1, seed=3),
            DenseLayer(64, 6),
            activation(),
            DenseLayer(6, 3),
            ActivationSoftmax(),
            optimizer=OptimizerSGD(0.3),
        )

    X, y = blobs(60, (64,))
    model = build()
    model.train(X, y, 5, 20, print_every=0, hooks=[Recorder(tmp_path / "run.h5", model=model)])
    moment = replay(tmp_path / "run.h5", (X, y)).at(9)
    network = PlainNetwork(build(), moment.values)
    total = network.gradient(moment.images, moment.labels, 20)
    assert np.linalg.norm(moment.gradient() - total) < 1e-5 * np.linalg.norm(total)


def test_the_answers_are_the_most_probable_classes() -> None:
    moment, _ = opened("sgd")
    network = plain(moment)
    network.losses(moment.images, moment.labels)
    assert np.array_equal(moment.answers, network.layers[-1].output.argmax(axis=1))
    assert (moment.answers == moment.labels).mean() == pytest.approx(moment.run.steps.loc[STEP, "accuracy"])


def test_a_layer_that_is_not_there_is_refused_by_name() -> None:
    moment, _ = opened("sgd")
    for ask in (moment.sample_gradients, moment.shares, moment.outputs, moment.update, moment.why_units_moved):
        with pytest.raises(ReplayError, match="received 'dense9', expected one of conv1, conv2, dense1, dense2"):
            ask("dense9")


def test_training_the_model_of_a_moment_leaves_the_moment_as_it_was() -> None:
    moment, _ = opened("momentum, as they lie")
    losses, values = moment.losses.copy(), moment.values.copy()
    moment.model.train(*data(), EPOCHS, BATCH, print_every=0)
    assert np.array_equal(moment.values, values)
    assert np.array_equal(moment.losses, losses)
    assert np.array_equal(moment.preactivations("dense1").shape, (BATCH, 6))
    assert moment.model is moment.model
