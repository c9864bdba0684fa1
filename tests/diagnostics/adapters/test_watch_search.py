"""What watch finds in a network, and what it says where something is missing."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.adapters import watch
from diagnostics.adapters.read_layer import units_last
from diagnostics.adapters.stages import function_of, guessed_function
from diagnostics.adapters.tensors import find_layers, gradients_in
from lenet.errors import SettingsError, ShapeError
from tests.helpers.wild_networks.blobs_to_learn import data
from tests.helpers.wild_networks.dict_of_parameters import DictOfParameters

LABELS = data()[1]


def names_of(network: Any) -> dict[str, list[str]]:
    return {layer.name: [str(one.location) for one in layer.tensors] for layer in find_layers(network)}


def test_lists_of_weights_and_of_biases_are_layers() -> None:
    class NetworkOfLists:
        def __init__(self) -> None:
            self.sizes = [4, 3, 2]
            self.weights = [np.zeros((3, 4)), np.zeros((2, 3))]
            self.biases = [np.zeros((3, 1)), np.zeros((2, 1))]
            self.nabla_w = [np.zeros((3, 4)), np.zeros((2, 3))]

    found = find_layers(NetworkOfLists())
    assert [layer.name for layer in found] == ["layer1", "layer2"]
    assert [[one.name for one in layer.tensors] for layer in found] == [["weights", "biases"]] * 2
    assert str(found[0].tensors[0].gradient) == "nabla_w[0]"
    assert found[1].tensors[1].gradient is None


def test_a_list_of_weights_and_biases_in_turn_has_a_layer_for_each_weights() -> None:
    first, second, biases = np.zeros((4, 3)), np.zeros((3, 2)), [np.zeros(3), np.zeros((1, 2))]

    assert names_of([first, biases[0], second, biases[1]]) == {"layer1": ["[0]", "[1]"], "layer2": ["[2]", "[3]"]}
    assert names_of([first, second]) == {"layer1": ["[0]"], "layer2": ["[1]"]}
    held = types.SimpleNamespace(parameters=[first, second, biases[1]])
    assert names_of(held) == {"layer1": ["parameters[0]"], "layer2": ["parameters[1]", "parameters[2]"]}
    one_unit = [first, biases[0], np.zeros((3, 1)), np.zeros(1)]
    assert names_of(one_unit) == {"layer1": ["[0]", "[1]"], "layer2": ["[2]", "[3]"]}
    [layer] = find_layers([first, biases[0]])
    assert [tensor.name for tensor in layer.tensors] == ["weights", "biases"]
    five, two = np.zeros(5), np.zeros(2)
    for other in ([two, first, second], [first, biases[0], second, five], [first, biases[0], two, second]):
        assert names_of(other) == {}


def test_tensors_with_other_names_are_known_by_their_gradients() -> None:
    class Normalisation:
        def __init__(self) -> None:
            self.gamma, self.beta = np.ones(3), np.zeros(3)
            self.dgamma, self.dbeta = np.ones(3), np.zeros(3)
            self.running_mean, self.x, self.dx = np.zeros(3), np.zeros((5, 3)), np.zeros((5, 3))

    assert names_of([Normalisation()]) == {"normalisation1": ["[0].gamma", "[0].beta"]}


def test_the_state_of_an_optimiser_is_no_parameter() -> None:
    class DenseWithMomentum:
        def __init__(self) -> None:
            self.weights, self.biases = np.ones((2, 3)), np.zeros((1, 3))
            self.dweights, self.dbiases = np.ones((2, 3)), np.zeros((1, 3))
            self.weight_momentums, self.weight_cache = np.ones((2, 3)), np.ones((2, 3))
            self.m_W = self.v_W = self.best_weights = np.ones((2, 3)) + 1
            self.initial = self.weights  # the same array under another name, and in a list
            self.trainable = [self.weights, self.biases]

    assert names_of([DenseWithMomentum()]) == {"densewithmomentum1": ["[0].weights", "[0].biases"]}


def test_layers_come_in_the_order_in_which_the_network_holds_them() -> None:
    class OnlyWeights:
        def __init__(self) -> None:
            self.W = np.ones((2, 2))

    class BlockOfLayers:
        def __init__(self) -> None:
            self.inner = [OnlyWeights(), OnlyWeights()]

    class NetworkOfBlocks:
        def __init__(self) -> None:
            self.first, self.blocks, self.last = OnlyWeights(), [BlockOfLayers(), BlockOfLayers()], OnlyWeights()
            self.again = self.blocks  # the same layers under another name

    assert list(names_of(NetworkOfBlocks())) == [
        "first",
        "onlyweights1",
        "onlyweights2",
        "onlyweights3",
        "onlyweights4",
        "last",
    ]


def test_gradients_are_matched_by_name_and_else_by_order() -> None:
    network = {"W1": np.ones((2, 3)), "b1": np.ones(3), "W2": np.ones((2, 3))}
    layers = find_layers(network)
    by_name = gradients_in({"dW2": np.ones((2, 3)), "dW1": np.ones((2, 3)), "db1": np.ones(3)}, layers, network)
    assert {str(tensor): str(place) for tensor, place in by_name.items()} == {
        "['W1']": "['dW1']",
        "['b1']": "['db1']",
        "['W2']": "['dW2']",
    }
    by_order = gradients_in([np.ones((2, 3)), np.ones(3), np.ones((2, 3))], layers, network)
    assert [str(place) for place in by_order.values()] == ["[0]", "[1]", "[2]"]
    assert gradients_in([np.ones((3, 2))], layers, network) == {}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("ReLU", "relu"),
        ("Activation_Softmax_Loss_CategoricalCrossentropy", "softmax"),
        ("SigmoidActivation", "sigmoid"),
        ("Tanh", "tanh"),
        ("LeakyReLU", None),
        ("LogSoftmax", None),
        ("Dropout", None),
    ],
)
def test_a_name_says_the_function(name: str, function: str | None) -> None:
    assert function_of(type(name, (), {})()) == function
    assert function_of(name) == function


def test_outputs_speak_for_a_function() -> None:
    assert guessed_function(np.array([[0.0, 2.0], [0.0, 1.0]]))[0] == "relu"
    assert guessed_function(np.array([[0.25, 0.75], [0.5, 0.5]]))[0] == "softmax"
    assert guessed_function(np.array([[0.1, 2.0], [0.2, 1.0]]))[0] is None
    assert guessed_function(np.array([[-1.0, 2.0], [0.0, 0.0]]))[0] is None


@given(
    samples=st.integers(1, 5),
    units=st.integers(6, 9),
    sides=st.lists(st.integers(10, 12), max_size=3),
    is_first=st.booleans(),
    is_last_sample=st.booleans(),
)
def test_outputs_of_any_layout_come_batch_first_and_units_last(
    samples: int, units: int, sides: list[int], is_first: bool, is_last_sample: bool
) -> None:
    canonical = np.arange(samples * units * int(np.prod(sides, dtype=int))).reshape(samples, *sides, units) + 0.5
    layout = np.moveaxis(canonical, -1, 1) if is_first else canonical
    axis = 1 if is_first else layout.ndim - 1
    if is_last_sample and samples > 1:
        layout, axis = np.moveaxis(layout, 0, -1), axis - 1
    for unit_axis in (None, axis):
        if samples == 1 and unit_axis is not None and layout.shape[0] != 1:
            continue
        found = units_last("dense1", layout, samples, units, unit_axis)
        assert found.ndim in (2, 4)
        assert found.shape[0] == samples
        assert found.shape[-1] == units
        assert np.array_equal(found.reshape(samples, -1, units), canonical.reshape(samples, -1, units))


def test_outputs_without_the_batch_are_refused_by_name() -> None:
    with pytest.raises(ShapeError, match=r"dense1: received outputs of shape \(4, 6\), expected a batch of 5"):
        units_last("dense1", np.ones((4, 6)), 5, 6, None)
    with pytest.raises(ShapeError, match=r"dense1: .* expected an axis of 7 units"):
        units_last("dense1", np.ones((5, 6)), 5, 7, None)


def test_a_network_without_arrays_is_refused() -> None:
    watched = watch(object(), labels=LABELS, lr=0.1)
    with pytest.raises(SettingsError, match="network: found no trainable arrays in object"):
        watched.step(loss=1.0, accuracy=0.5, inputs=np.ones((20, 4)))


def test_what_is_missing_is_said() -> None:
    network = DictOfParameters()
    watched = watch(network.network, labels=LABELS)
    with pytest.raises(SettingsError, match="lr: received none"):
        watched.step(loss=1.0, accuracy=0.5, inputs=np.ones((20, 64)))
    with pytest.raises(SettingsError, match="the outputs of the last layer were not found"):
        watched.step(loss=1.0, targets=LABELS[:20], inputs=np.ones((20, 64)), lr=0.1)
    with pytest.raises(SettingsError, match=r"activations: received dense9, expected some of layer1, layer2"):
        watch(network.network, labels=LABELS, lr=0.1, activations={"dense9": "relu"}).step(
            loss=1.0, accuracy=0.5, inputs=np.ones((20, 64))
        )
