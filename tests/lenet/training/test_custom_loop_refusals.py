"""What a LoopMonitor refuses: layers, batches, losses and calls that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import LayerTap, LenetError, LoopMonitor, SettingsError, ShapeError, formatData
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_models import Everything
from tests.helpers.small_trainings import small_model


def with_layer(**changes: Any) -> LoopMonitor:
    """A training whose first layer has other attributes."""
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    for name, value in changes.items():
        setattr(network.dense1, name, value)
    return network.training()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": None}, "dense1: Dense has no weights, expected an array"),
        ({"dweights": None}, "dense1: Dense has no dweights, expected an array"),
        ({"dweights": np.ones((6, 64))}, r"dense1: dweights: received shape \(6, 64\), expected \(64, 6\)"),
        ({"dbiases": np.ones((20, 6))}, r"dense1: dbiases: received shape \(120,\), expected \(6,\)"),
        ({"biases": np.zeros(6, int)}, "dense1: biases of Dense: received an array of int64"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LenetError, match=message), with_layer(**changes) as training:
        training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)


def test_outputs_that_do_not_fit_are_refused() -> None:
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    network.relu.output = network.relu.output[:7]
    with (
        pytest.raises(
            ShapeError, match="received 20 from input, 7 from dense1, 20 from dense2 samples, expected the same batch"
        ),
        network.training() as training,
    ):
        training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)
    network.relu.output = np.ones((20, 2, 3))
    with (
        pytest.raises(ShapeError, match=r"dense1: received an output of shape \(20, 2, 3\), expected \(N, F\) or"),
        network.training() as training,
    ):
        training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)


@pytest.mark.parametrize("inputs", [np.zeros(20), np.zeros((20, 2, 2, 2, 2)), np.array([["a"]] * 20)])
def test_a_batch_that_is_none_is_refused(inputs: Any) -> None:
    network = ScratchNetwork()
    loss, accuracy = network.gradients(slice(0, 20))
    with pytest.raises(ShapeError, match="before_update: inputs: received an array of"), network.training() as training:
        training.before_update(inputs, loss, accuracy, 0.1)


def test_the_two_calls_come_in_turn() -> None:
    network = ScratchNetwork()
    with network.training() as training:
        with pytest.raises(SettingsError, match="after_update: called without before_update"):
            training.after_update()
        with pytest.raises(SettingsError, match="validated: called before the first step"):
            training.validated(1.0, 0.5, 50)
        training.before_update(network.images[:20], *network.gradients(slice(0, 20)), 0.1)
        with pytest.raises(SettingsError, match="before_update: called twice"):
            training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size: received 0, expected at least 1"),
        ({"epochs": 1.5}, "epochs: received 1.5, expected a whole number"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: received 0, expected at least 1"),
        ({"labels": []}, "labels: received none"),
        ({"hooks": [print]}, "hooks: received a builtin_function_or_method, expected objects of classes derived"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ScratchNetwork().training(**options)


def test_layers_that_cannot_be_are_refused() -> None:
    one = ScratchNetwork().layers()[0]
    options: dict[str, Any] = {"labels": [0, 1], "batch_size": 1, "epochs": 1, "hooks": []}
    with pytest.raises(SettingsError, match="layers: received none"):
        LoopMonitor([], **options)
    with pytest.raises(SettingsError, match="received the names dense1, dense1, expected different ones"):
        LoopMonitor([one, one], **options)
    with pytest.raises(SettingsError, match="layers: received a Dense, expected an object of LayerTap"):
        LoopMonitor([one.layer], **options)
    with pytest.raises(SettingsError, match="dense1: activation: received 'ReLU', expected one of relu, sigmoid"):
        LayerTap("dense1", one.layer, "ReLU")  # type: ignore[arg-type]


def test_labels_that_do_not_fit_the_network_are_refused_before_any_hook_hears_of_a_step() -> None:
    network, heard = ScratchNetwork(), Everything()
    with pytest.raises(LenetError, match="received class 3, expected 0 to 2"):
        network.train(network.training([heard], labels=[0, 1, 2, 3]))

    assert heard.names() == ["on_run_end"]


@pytest.mark.parametrize("value", ["much", None, np.ones(3)])
def test_a_loss_that_is_not_one_number_is_refused_and_nan_is_not(value: Any) -> None:
    network = ScratchNetwork()
    _, accuracy = network.gradients(slice(0, 20))
    with network.training() as training:
        with pytest.raises(SettingsError, match=r"before_update: data_loss: received .*, expected one number"):
            training.before_update(network.images[:20], value, accuracy, 0.1)
        training.before_update(network.images[:20], float("nan"), accuracy, 0.1)


@pytest.mark.parametrize("accuracy", [97.5, -0.1, 1.1, float("nan"), float("inf")])
def test_an_accuracy_that_is_no_share_is_refused(accuracy: float) -> None:
    network = ScratchNetwork()
    loss, right = network.gradients(slice(0, 20))
    with network.training() as training:
        with pytest.raises(SettingsError, match=r"before_update: accuracy: received .*, expected a share from 0 to 1"):
            training.before_update(network.images[:20], loss, accuracy, 0.1)
        training.before_update(network.images[:20], loss, right, 0.1)
        training.after_update()
        with pytest.raises(SettingsError, match=r"validated: accuracy: received .*, expected a share from 0 to 1"):
            training.validated(loss, accuracy, 20)


@pytest.mark.parametrize(
    ("activation", "outputs", "found"),
    [
        ("relu", [-0.3, 2.0], "-0.3 after relu, expected 0 to inf"),
        ("sigmoid", [0.5, 1.5], "1.5 after sigmoid, expected 0 to 1"),
        ("softmax", [-0.5, 0.5], "-0.5 after softmax, expected 0 to 1"),
        ("tanh", [-3.0, 0.0], "-3 after tanh, expected -1 to 1"),
    ],
)
def test_outputs_that_do_not_come_out_of_the_function_are_refused(
    activation: Any, outputs: list[float], found: str
) -> None:
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    network.dense1.output = np.tile(np.array(outputs), (20, 3))
    tap = LayerTap("dense1", network.dense1, activation)

    with pytest.raises(SettingsError, match=f"dense1: received an output of {found}; say in output_of whose output"):
        tap.output()
    assert LayerTap("dense1", network.dense1).output().shape == (20, 6)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax"])
def test_rounded_and_nan_outputs_are_those_of_the_function(activation: Any) -> None:
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    for value in (0.0, -1e-7, 1.0, np.nan):
        network.dense1.output = np.full((20, 6), value)

        assert LayerTap("dense1", network.dense1, activation).output().shape == (20, 6)


def test_arrays_with_masked_entries_are_refused_wherever_they_are_handed_over() -> None:
    def masked(shape: tuple[int, ...]) -> Any:
        array = np.ma.masked_array(np.zeros(shape), mask=False)
        array[0] = np.ma.masked
        return array

    network = ScratchNetwork()
    loss, accuracy = network.gradients(slice(0, 20))
    with network.training() as training, pytest.raises(LenetError, match="inputs: received an array with masked"):
        training.before_update(masked((20, 64)), loss, accuracy, 0.1)
    network.dense1.weights = masked(network.dense1.weights.shape)
    with pytest.raises(LenetError, match="dense1: weights of Dense: received an array with masked entries"):
        LayerTap("dense1", network.dense1)
    model = small_model()
    with pytest.raises(LenetError, match="X: received an array with masked entries"):
        model.train(masked((20, 8, 8, 1)), np.zeros(20, int))
    with pytest.raises(LenetError, match="labels: received an array with masked entries"):
        model.train(np.zeros((20, 8, 8, 1)), masked((20,)))
    with pytest.raises(LenetError, match="train_images: received an array with masked entries"):
        formatData(masked((20, 8, 8)), np.zeros((2, 8, 8)), np.zeros(20, int), np.zeros(2, int))


def test_an_array_whose_mask_hides_nothing_is_an_ordinary_array() -> None:
    network = ScratchNetwork()
    loss, accuracy = network.gradients(slice(0, 20))
    with network.training() as training:
        training.before_update(np.ma.masked_array(network.images[:20], mask=False), loss, accuracy, 0.1)
