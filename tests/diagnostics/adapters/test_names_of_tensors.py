"""Which arrays of a network are its tensors, under the names and in the structures that people use."""

from __future__ import annotations

from types import SimpleNamespace as Holder
from typing import Any

import numpy as np
import pandas as pd
import pytest

from diagnostics.adapters import tensor_search, watch
from diagnostics.adapters.tensor_search import TensorSearch
from diagnostics.adapters.tensors import find_layers, gradients_in
from lenet.gradcheck.foreign.locations import Location
from tests.helpers.found_tensors import found, gradients_of

WIDE, HIGH, SIDES = (4, 3), (3, 2), (3,)


def zeros(*shape: int) -> Any:
    return np.zeros(shape)


class LayerOfNetwork:
    """An object that may hold anything, but is not the network."""

    def __init__(self, **held: Any) -> None:
        vars(self).update(held)


@pytest.mark.parametrize(
    ("first", "second", "layers"),
    [
        (("weights_input_hidden", "bias_hidden"), ("weights_hidden_output", "bias_output"), ["hidden", "output"]),
        (("hidden_weights", "hidden_bias"), ("output_weights", "output_bias"), ["hidden", "output"]),
        (("fc1_w", "fc1_b"), ("fc2_w", "fc2_b"), ["fc1", "fc2"]),
        (("W_conv1", "b_conv1"), ("W_fc1", "b_fc1"), ["conv1", "fc1"]),
        (("hiddenLayerW", "hiddenLayerB"), ("outputLayerW", "outputLayerB"), ["hidden", "output"]),
        (("w_h", "b_h"), ("w_o", "b_o"), ["h", "o"]),
        (("Wh", "bh"), ("Wy", "by"), ["h", "y"]),
        (("Theta1", "intercept1"), ("Theta2", "intercept2"), ["layer1", "layer2"]),
        (("layer1_weights", "layer1_bias"), ("layer2_weights", "layer2_bias"), ["layer1", "layer2"]),
        (("W1_", "b1_"), ("W2_", "b2_"), ["layer1", "layer2"]),
        (("synapse_0", "b_0"), ("synapse_1", "b_1"), ["layer1", "layer2"]),
        (("Win", "bin"), ("Wout", "bout"), ["in", "out"]),
    ],
)  # fmt: skip
def test_names_that_say_which_layer_make_layers(first: Any, second: Any, layers: list[str]) -> None:
    arrays = dict(zip((*first, *second), (zeros(*WIDE), zeros(3), zeros(*HIGH), zeros(1, 2)), strict=True))

    expected = [{"weights": first[0], "biases": first[1]}, {"weights": second[0], "biases": second[1]}]
    assert found(Holder(**arrays)) == dict(zip(layers, expected, strict=True))
    assert list(found(arrays)) == layers


def test_weights_without_biases_are_layers() -> None:
    assert found(Holder(wih=zeros(*WIDE), who=zeros(*HIGH))) == {"ih": {"weights": "wih"}, "ho": {"weights": "who"}}


def test_the_matrices_of_a_recurrent_layer_belong_together() -> None:
    arrays = {"Whh": zeros(3, 3), "Wxh": zeros(3, 4), "Why": zeros(2, 3), "bh": zeros(3, 1), "by": zeros(2, 1)}

    of_hidden, of_output = {"Whh": "Whh", "Wxh": "Wxh", "biases": "bh"}, {"weights": "Why", "biases": "by"}
    assert found(Holder(**arrays)) == {"h": of_hidden, "hy": of_output}
    cell, dense = LayerOfNetwork(**arrays), LayerOfNetwork(W=zeros(2, 2))
    assert [list(tensors) for tensors in found(Holder(cell=cell, dense=dense)).values()] == [
        ["Whh", "Wxh", "Why", "bh", "by"],
        ["weights"],
    ]


def test_a_vector_w0_is_the_biases_of_the_weights_w() -> None:
    layer = LayerOfNetwork(W=zeros(*WIDE), w0=zeros(1, 3))
    assert found([layer]) == {"layerofnetwork1": {"weights": "[0].W", "biases": "[0].w0"}}


def test_all_arrays_of_a_dictionary_of_parameters_are_tensors() -> None:
    arrays = {"U": zeros(3, 4), "V": zeros(2, 3), "W": zeros(3, 3), "c": zeros(2), "running_mean": zeros(2)}
    of_layer = ["weights", "U", "V", "biases"]

    assert list(found(arrays)["layer1"]) == of_layer
    assert list(found([LayerOfNetwork(params=arrays)])["layerofnetwork1"]) == of_layer
    assert list(found({**arrays, "X": zeros(9, 9)})["layer1"]) == of_layer
    assert list(found({**arrays, "rate": 0.1})["layer1"]) == ["weights"]


def test_biases_may_come_after_all_weights_of_a_list() -> None:
    weights, biases = [zeros(8, 1, 5, 5), zeros(3, 8)], [zeros(8, 1), zeros(3, 1)]
    assert found([*weights, *biases]) == {
        "layer1": {"weights": "[0]", "biases": "[2]"},
        "layer2": {"weights": "[1]", "biases": "[3]"},
    }
    given = [one + 1 for one in (*weights, *biases)]
    network = [*weights, *biases]
    places = gradients_in(given, find_layers(network), network)
    assert {str(tensor): str(place) for tensor, place in places.items()} == {f"[{n}]": f"[{n}]" for n in range(4)}


@pytest.mark.parametrize(
    "beside",
    [
        {"v_W": zeros(*WIDE)},
        {"vW": zeros(*WIDE)},
        {"mW": zeros(*WIDE), "vb": zeros(3)},
        {"W_velocity": zeros(*WIDE), "b_velocity": zeros(3)},
        {"v": {"W": zeros(*WIDE), "b": zeros(3)}},
        {"optimizer": Holder(cache={"W": zeros(*WIDE)})},
        {"W_opt": Holder(w_updt=zeros(*WIDE))},
        {"momentum_cache": {"dW": zeros(*WIDE), "db": zeros(3)}},
        {"best_params": {"W": zeros(*WIDE), "b": zeros(3)}},
        {"prev_W": zeros(*WIDE), "old_b": zeros(3)},
        {"running_mean": zeros(3), "moving_var": zeros(3)},
        {"W_hat": zeros(*WIDE), "b_hat": zeros(3), "W_T": zeros(3, 4), "weights_backup": zeros(*WIDE)},
        {"hidden_state": zeros(5, 3), "dhidden_state": zeros(5, 3)},
        {"class_weights": zeros(2), "attention_weights": zeros(5, 5)},
        {"snapshot": [Holder(W=zeros(*WIDE), b=zeros(3))]},
    ],
)
def test_what_is_kept_beside_the_tensors_is_none(beside: dict[str, Any]) -> None:
    layer = LayerOfNetwork(W=zeros(*WIDE), b=zeros(3), **beside)
    assert found([layer]) == {"layerofnetwork1": {"weights": "[0].W", "biases": "[0].b"}}


def test_a_list_beside_a_list_of_tensors_holds_none() -> None:
    network = Holder(weights=[zeros(*WIDE)], biases=[zeros(3)], mt_w=[zeros(*WIDE)], vt_b=[zeros(3)])
    assert found(network) == {"layer1": {"weights": "weights[0]", "biases": "biases[0]"}}


def test_another_form_of_a_tensor_has_its_words_and_shape_and_no_gradient() -> None:
    assert list(found(Holder(W1=zeros(*WIDE), target_W1=zeros(*WIDE), W1_old=zeros(*WIDE)))) == ["layer1"]
    for other in ({"W_x": zeros(3, 3)}, {"W_x": zeros(*WIDE), "dW_x": zeros(*WIDE)}):
        assert list(found([LayerOfNetwork(W=zeros(*WIDE), **other)])["layerofnetwork1"]) == ["weights", "W_x"]


def test_an_array_that_layers_share_with_dictionaries_and_lists_belongs_to_its_layer() -> None:
    W, b = zeros(*WIDE), zeros(3)
    layer = LayerOfNetwork(W=W, b=b, dW=W + 1, db=b + 1)
    expected = {"Affine1": {"weights": "layers['Affine1'].W", "biases": "layers['Affine1'].b"}}

    for also in ({"params": {"W1": W, "b1": b}}, {"params": [W, b], "grads": [layer.dW, layer.db]}):
        network = Holder(**also, layers={"Affine1": layer}, optimizer=Holder(params=[W, b]))
        assert found(network) == expected
        assert gradients_of(network) == {
            "layers['Affine1'].W": "layers['Affine1'].dW",
            "layers['Affine1'].b": "layers['Affine1'].db",
        }
    network = Holder(params={"W1": W, "b1": b}, layers={"Affine1": layer})
    given = gradients_in({"W1": W + 2, "b1": b + 2}, find_layers(network), network)
    assert [str(place) for place in given.values()] == ["['W1']", "['b1']"]


def test_views_of_one_vector_are_the_tensors() -> None:
    theta = zeros(15)
    network = Holder(theta=theta, dtheta=theta + 1, W1=theta[:12].reshape(4, 3), b1=theta[12:])
    assert found(network) == {"layer1": {"weights": "W1", "biases": "b1"}}
    assert found(Holder(params=theta)) == {"layer1": {"weights": "params"}}
    kept = LayerOfNetwork(params={"w": (W := zeros(4, 2, 3))}, W=W.reshape(-1, 3))
    assert found([kept]) == {"layerofnetwork1": {"weights": "[0].params['w']"}}


class TensorWithOrigin:
    """A tensor that computes its own gradient."""

    def __init__(self, data: Any, *parents: Any, name: str = "data", requires_grad: bool = True) -> None:
        setattr(self, name, data)
        self.grad, self._prev, self.requires_grad = np.ones_like(data), list(parents), requires_grad

    @property
    def T(self) -> Any:
        return np.transpose(getattr(self, "data", 0.0))


@pytest.mark.parametrize("name", ["data", "value", "vals", "array", "buf", "tensor"])
def test_a_tensor_that_was_computed_is_no_parameter(name: str) -> None:
    weight, bias = TensorWithOrigin(zeros(*WIDE), name=name), TensorWithOrigin(zeros(3), name=name)
    hidden = TensorWithOrigin(zeros(5, 3), TensorWithOrigin(zeros(5, 3), weight, name=name), name=name)
    network = Holder(hidden=hidden, fc=LayerOfNetwork(weight=weight, bias=bias), parameters=[weight, bias])

    assert found(network) == {"fc": {"weights": f"fc.weight.{name}", "biases": f"fc.bias.{name}"}}
    assert gradients_of(network)[f"fc.weight.{name}"] == "fc.weight.grad"


def test_what_a_property_makes_of_a_tensor_is_none() -> None:
    class TensorWithTransposed:
        def __init__(self, data: Any) -> None:
            self.data, self.grad = data, np.ones_like(data)

        @property
        def T(self) -> Any:
            return TensorWithTransposed(self.data.T)

    network = Holder(W=TensorWithTransposed(zeros(*WIDE)), x=TensorWithTransposed(zeros(5, 4)))
    assert found(network) == {"layer1": {"weights": "W.data"}}


def test_tensor_objects_with_other_names_are_known_by_their_gradients() -> None:
    network = Holder(
        alpha=TensorWithOrigin(zeros(3)), U=TensorWithOrigin(zeros(*WIDE)), x=TensorWithOrigin(zeros(5, 4))
    )
    assert list(gradients_of(network).items()) == [("alpha.data", "alpha.grad"), ("U.data", "U.grad")]
    network.U.grad = None
    assert [str(location) for location in TensorSearch(network).untaken_matrices()] == ["U.data"]


def test_tensor_objects_of_a_list_are_layers_in_turn() -> None:
    tensors = [TensorWithOrigin(array) for array in (zeros(*WIDE), zeros(3), zeros(*HIGH), zeros(2))]
    fixed = TensorWithOrigin(zeros(2), requires_grad=False)

    expected = {
        "layer1": {"weights": "[0].data", "biases": "[1].data"},
        "layer2": {"weights": "[2].data", "biases": "[3].data"},
    }
    assert found(tensors) == expected
    assert found([*tensors, fixed]) == expected
    assert gradients_of(tensors)["[3].data"] == "[3].grad"


def test_an_array_of_a_class_of_its_own_may_hold_its_gradient() -> None:
    class ArrayWithGradient(np.ndarray[Any, Any]):
        grad: Any

    W = zeros(*WIDE).view(ArrayWithGradient)
    W.grad = zeros(*WIDE)
    assert gradients_of([LayerOfNetwork(W=W)]) == {"[0].W": "[0].W.grad"}


def test_a_list_of_tensors_may_be_an_array_of_objects() -> None:
    weights, biases = np.empty(2, object), np.empty(2, object)
    weights[:], biases[:] = [zeros(*WIDE), zeros(*HIGH)], [zeros(3), zeros(2)]
    assert found(Holder(weights=weights, biases=biases)) == {
        "layer1": {"weights": "weights[0]", "biases": "biases[0]"},
        "layer2": {"weights": "weights[1]", "biases": "biases[1]"},
    }


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_of_numpy_is_a_tensor() -> None:
    assert found(Holder(W=np.matrix(zeros(*WIDE)))) == {"layer1": {"weights": "W"}}


def test_what_is_no_part_of_a_network_is_not_looked_into() -> None:
    network = Holder(W=zeros(*WIDE), losses=pd.DataFrame({"b": [1.0, 2.0]}))
    network.watched = watch(network, labels=np.arange(3))
    assert [str(one.location) for one in TensorSearch(network).held] == ["W"]


@pytest.mark.parametrize("name", ["dW", "dLdW", "dl_dW", "dloss_dW", "d_L_d_W", "dCost_dW", "grad_wrt_W", "dEdW"])
def test_the_name_of_a_gradient_may_say_what_is_derived(name: str) -> None:
    assert gradients_of([LayerOfNetwork(W=zeros(*WIDE), **{name: zeros(*WIDE)})]) == {"[0].W": f"[0].{name}"}


def test_samples_that_a_network_holds_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    monkeypatch.setattr(tensor_search, "shape_of", lambda value: compared.append(value) or np.shape(value))
    network = Holder(weights=[zeros(*WIDE)], dw=[zeros(*WIDE)], samples=[])
    network.samples += [(zeros(4, 1), zeros(3, 1)) for _ in range(50)]
    assert list(gradients_of(network)) == ["weights[0]"]
    assert len(compared) < 2 * len(TensorSearch(network).held)


@pytest.mark.parametrize(
    ("of_weights", "of_biases"),
    [("['dw']", "['db']"), ("['dW']", "['db']"), ("['w']", "['b']"), ("['grad_w']", "['grad_b']")],
)
def test_a_dictionary_of_gradients_may_repeat_that_it_holds_gradients(of_weights: str, of_biases: str) -> None:
    names = [one.strip("[]'") for one in (of_weights, of_biases)]
    grads = dict(zip(names, (zeros(*WIDE), zeros(3)), strict=True))
    layer = LayerOfNetwork(params={"w": zeros(*WIDE), "b": zeros(3)}, grads=grads)
    assert list(gradients_of([layer]).values()) == [f"[0].grads{of_weights}", f"[0].grads{of_biases}"]


def test_the_gradient_of_another_tensor_is_told_apart() -> None:
    assert Location((("item", "grads"), ("item", "db"))).is_gradient_of(("b",))
    assert not Location((("item", "grads"), ("item", "db"))).is_gradient_of(("w",))
    assert not Location((("item", "dense"),)).is_gradient_of(("b",))


def test_layers_are_found_in_blocks_of_blocks() -> None:
    block: Any = LayerOfNetwork(weight=zeros(*WIDE))
    for _ in range(4):
        block = LayerOfNetwork(modules=[block])
    assert len(found(block)) == 1


def test_lists_of_what_is_computed_are_no_layers() -> None:
    assert found(Holder(layers=[zeros(5, 4), zeros(5, 3)], hidden_layers=[zeros(5, 3)])) == {}
    assert list(found(Holder(layers=[(zeros(*WIDE), zeros(3)), (zeros(*HIGH), zeros(2))]))) == ["layer1", "layer2"]
