"""Which arrays are the tensors of one layer in a list, of one unit, and of one network among several."""

from __future__ import annotations

from types import SimpleNamespace as Holder
from typing import Any

import numpy as np
import pytest

from diagnostics.adapters import Watch, watch
from diagnostics.adapters.tensors import find_layers, gradients_in
from tests.helpers.found_tensors import found, gradients_of

WIDE = (4, 3)


def zeros(*shape: int) -> Any:
    return np.zeros(shape)


@pytest.mark.parametrize(
    ("shapes", "layers"),
    [
        ([(4, 8), (8, 8), (8,)], [[0, 1, 2]]),
        ([(4, 12), (3, 12), (12,)], [[0, 1, 2]]),
        ([(8, 4), (8, 8), (8, 1)], [[0, 1, 2]]),
        ([(5, 4), (5, 5), (3, 5), (5, 1), (3, 1)], [[0, 1, 3], [2, 4]]),
        ([(5, 4), (5, 5), (5, 1), (3, 5), (3, 1)], [[0, 1, 2], [3, 4]]),
        ([(4, 3), (3, 2), (2,)], [[0], [1, 2]]),
        ([(4, 3), (3, 1)], [[0], [1]]),
        ([(3, 4), (1, 3)], [[0], [1]]),
        ([(4, 3), (3,), (3, 1), (1,)], [[0, 1], [2, 3]]),
        ([(5, 4), (5, 5), (5, 5), (5, 1), (5, 1), (4, 1)], []),
    ],
)  # fmt: skip
def test_weights_of_a_list_that_share_their_biases_are_one_layer(shapes: Any, layers: list[list[int]]) -> None:
    of_list = [
        [int(place.strip("[]")) for place in tensors.values()] for tensors in found([*map(np.zeros, shapes)]).values()
    ]
    assert of_list == layers


def test_the_weights_of_a_recurrent_layer_are_numbered() -> None:
    layer = Holder(params=[zeros(*WIDE), zeros(3, 3), zeros(3)])
    assert found([layer]) == {
        "simplenamespace1": {"weights1": "[0].params[0]", "weights2": "[0].params[1]", "biases": "[0].params[2]"}
    }


@pytest.mark.parametrize(
    ("unit", "names"),
    [
        ({"weights": zeros(4), "bias": 0}, ["weights", "bias"]),
        ({"w": zeros(4, 1), "b": 0.5}, ["w", "b"]),
        ({"w": zeros(4), "b": np.float32(0.5)}, ["w", "b"]),
        ({"w": zeros(4), "b": np.array(0.5)}, ["w", "b"]),
        ({"coef_": zeros(4), "intercept_": 0.0}, ["coef_", "intercept_"]),
        ({"theta": zeros(4)}, ["theta"]),
        ({"W": zeros(*WIDE), "bias": 1.0}, ["W"]),
        ({"w": zeros(4), "b1": 0.9}, ["w"]),
        ({"w": zeros(4), "bias": True}, ["w"]),
        ({"W1": zeros(*WIDE), "theta": zeros(12)}, ["W1"]),
    ],
)
def test_the_bias_of_one_unit_may_be_a_number(unit: dict[str, Any], names: list[str]) -> None:
    [tensors] = found(Holder(**unit)).values()
    assert [*tensors] == ["weights", "biases"][: len(names)]
    assert [*tensors.values()] == names


def test_the_gradient_of_such_a_bias_is_a_number_too() -> None:
    assert gradients_of(Holder(w=zeros(4), b=0.0, dw=zeros(4), db=0.1)) == {"w": "dw", "b": "db"}
    network = Holder(w=zeros(4), b=0.0)
    given = gradients_in({"dw": zeros(4), "db": 0.1}, find_layers(network), network)
    assert [str(place) for place in given.values()] == ["['dw']", "['db']"]


def stepped(network: Any, update: Any, **options: Any) -> Watch:
    watched = watch(network, lr=0.1, labels=np.array([0, 1] * 5), description={"optimizer": "SGD"}, **options)
    update()
    watched.step(loss=0.7, accuracy=0.5, inputs=np.ones((10, 4)))
    return watched


def row_of(watched: Watch) -> dict[str, float]:
    return dict(zip(watched.recorder.info.columns.names, watched.recorder.latest, strict=True))


def test_a_bias_that_begins_as_0_is_recorded_from_the_first_step_on() -> None:
    unit = Holder(weights=np.zeros(4), bias=0)

    def update() -> None:
        unit.weights, unit.bias = unit.weights - 0.1, unit.bias - 0.2

    row = row_of(stepped(unit, update))
    assert row["layer1/biases/gradient/norm"] == pytest.approx(2.0)
    assert row["layer1/biases/value/norm"] == 0


def test_a_network_may_be_one_array() -> None:
    theta = np.zeros((4, 1))

    def update() -> None:
        theta[:] = -0.1

    watched = stepped(lambda: theta, update)
    assert row_of(watched)["layer1/weights/gradient/norm"] == pytest.approx(2.0)
    assert watched.found["tensors"].tolist() == ["the array"]


def test_a_generator_and_a_discriminator_may_be_told_apart_by_a_letter() -> None:
    arrays = {f"{letter}_{name}": zeros(*WIDE) for letter in "GD" for name in ("W1", "W2")}
    expected = {letter: {"weights": f"{letter[0].upper()}_W{letter[1]}"} for letter in ("g1", "g2", "d1", "d2")}
    assert found(Holder(**arrays)) == expected

    gradients = {f"d{name}": array + 1 for name, array in arrays.items()}
    assert gradients_of(Holder(**arrays, **gradients)) == {name: f"d{name}" for name in arrays}
    assert gradients_of(Holder(**arrays, grads=dict(arrays)))["G_W1"] == "grads['G_W1']"
    assert gradients_of(Holder(W1=zeros(*WIDE), D_W1=zeros(*WIDE))) == {"W1": "D_W1"}


@pytest.mark.parametrize(
    ("first", "second", "is_copy"),
    [
        ("q", "target", True),
        ("policy_net", "target_net", True),
        ("net", "q_target", True),
        ("target_embedding", "context_embedding", False),
    ],
)
def test_a_target_network_is_a_copy(first: str, second: str, is_copy: bool) -> None:
    network = Holder(**{name: [Holder(W=zeros(*WIDE))] for name in (first, second)})
    assert len(found(network)) == 1 + (not is_copy)
    assert next(iter(found(network).values())) == {"weights": f"{first}[0].W"}


def test_the_biases_of_a_boltzmann_machine_are_tensors() -> None:
    machine = Holder(W=zeros(*WIDE), hbias=zeros(3), vbias=zeros(4))
    assert found(machine) == {"layer1": {"weights": "W", "hbias": "hbias", "vbias": "vbias"}}
