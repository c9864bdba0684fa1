"""A bad argument is refused with one line: the layer or argument, what was received, what was expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lenet import (
    AccuracyCategorical,
    ActivationReLU,
    ActivationSoftmax,
    AveragePooling,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    LenetError,
    LossCategoricalCrossEntropy,
    Model,
    OptimizerAdam,
    OptimizerSGD,
    SettingsError,
    ShapeError,
)
from tests.helpers.small_models import blobs, ready, small_model

CONV = ConvolutionLayer
NAN, INF = float("nan"), float("inf")
Case = tuple[Callable[[], Any], type[LenetError], str]


def one_line(make: Callable[[], Any], kind: type[LenetError]) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# finalize checks the shapes through the network --------------------------------------------------


def network(*layers: Any) -> Callable[[], Model]:
    return lambda: ready(Model(), *layers)


def conv() -> ConvolutionLayer:
    return CONV(2, 3, "valid", (8, 8, 1))


NETWORKS: list[Case] = [
    (network(), SettingsError, "finalize: the model has no layers; add() some first"),
    (network(conv(), Flatten(), DenseLayer(70, 3), ActivationSoftmax()), ShapeError,
     "dense1: received input (72,), expected (70,)"),
    (network(conv(), DenseLayer(72, 3), ActivationSoftmax()), ShapeError,
     "dense1: received input (6, 6, 2), expected (72,); put a Flatten before it"),
    (network(conv(), conv(), ActivationSoftmax()), ShapeError,
     "conv2: received input (6, 6, 2), expected (8, 8, 1)"),
    (network(conv(), AveragePooling(7), ActivationSoftmax()), ShapeError,
     "pool1: received a window of 7x7, expected at most the input's 6x6"),
    (network(DenseLayer(4, 3), AveragePooling(), ActivationSoftmax()), ShapeError,
     "pool1: received input (3,), expected (H, W, C)"),
    (network(conv(), ActivationSoftmax()), ShapeError, "softmax1: received input (6, 6, 2), expected (classes,)"),
    (network(DenseLayer(4, 3)), SettingsError,
     "finalize: the last layer is dense1, expected ActivationSoftmax, which the cross-entropy needs"),
    (network(Flatten((2, 2, 1)), ActivationSoftmax()), SettingsError,
     "finalize: the model has no layer with weights, expected at least one"),
    (network(AveragePooling(), Flatten(), DenseLayer(4, 3), ActivationSoftmax()), SettingsError,
     "finalize: the first layer is pool1, which does not say how large its input is; expected a "
     "ConvolutionLayer, a DenseLayer or Flatten(input_size=(height, width, depth))"),
]  # fmt: skip


@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case[2][:60])
def test_finalize_refuses_layers_that_do_not_fit_together_naming_the_first(case: Case) -> None:
    make, kind, message = case

    assert one_line(make, kind) == message


def test_adding_a_layer_after_finalize_is_refused() -> None:
    message = one_line(lambda: small_model().add(DenseLayer(3, 3)), SettingsError)

    assert message == "add: the model is finalized; add DenseLayer before finalize()"


def test_a_layer_cannot_be_added_twice_nor_to_two_models() -> None:
    layer = DenseLayer(3, 3)
    model = Model()
    model.add(layer)
    ready(model, ActivationSoftmax())
    twice = Model()
    shared = DenseLayer(3, 3)
    twice.add(shared)

    assert one_line(lambda: twice.add(shared), SettingsError) == (
        "add: dense1 is in a model already; expected a new DenseLayer"
    )
    assert one_line(lambda: Model().add(layer), SettingsError) == (
        "add: dense1 is in a model already; expected a new DenseLayer"
    )


PARTS: list[tuple[Callable[[Model], Any], str]] = [
    (lambda m: m.add(ActivationReLU), "add: received the class ActivationReLU, not an object of it, expected an object "
     "of Layer"),  # type: ignore[arg-type]
    (lambda m: m.add(None), "add: received None, expected an object of Layer"),  # type: ignore[arg-type]
    (lambda m: m.set(loss=None, optimizer=OptimizerSGD(), accuracy=AccuracyCategorical()),  # type: ignore[arg-type]
     "set: loss: received None, expected an object of LossCategoricalCrossEntropy"),
    (lambda m: m.set(
        loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD, accuracy=AccuracyCategorical(),  # type: ignore[arg-type]
    ), "set: optimizer: received the class OptimizerSGD, not an object of it, expected an object of Optimizer"),
    (lambda m: m.set(
        loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(), accuracy=0.9,  # type: ignore[arg-type]
    ), "set: accuracy: received 0.9, expected an object of AccuracyCategorical"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), PARTS, ids=[case[1][:60] for case in PARTS])
def test_what_is_no_part_of_a_model_is_refused_by_add_and_set(call: Callable[[Model], Any], message: str) -> None:
    assert one_line(lambda: call(Model()), SettingsError) == message


def test_an_optimizer_remembers_its_run_so_a_second_model_may_not_have_it() -> None:
    optimizer = OptimizerAdam()
    first = small_model(optimizer=optimizer)
    first.set(
        loss=LossCategoricalCrossEntropy(), optimizer=optimizer, accuracy=AccuracyCategorical()
    )  # its own optimiser again

    assert one_line(lambda: small_model(optimizer=optimizer), SettingsError) == (
        "set: this OptimizerAdam is in a model already; expected a new OptimizerAdam"
    )


CALLS: dict[str, Callable[[Model], Any]] = {
    "train": lambda model: model.train(*blobs(10), print_every=0),
    "validate": lambda model: model.validate(blobs(10), print_every=0),
    "predict": lambda model: model.predict(blobs(10)[0]),
}


@pytest.mark.parametrize("call", CALLS)
def test_forgetting_finalize_is_said_before_anything_is_computed(call: str) -> None:
    model = Model()
    model.add(DenseLayer(64, 3))
    model.add(ActivationSoftmax())
    model.set(loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(), accuracy=AccuracyCategorical())

    assert one_line(lambda: CALLS[call](model), SettingsError) == ("the model is not finalized; call finalize() first")


@pytest.mark.parametrize("call", CALLS)
def test_forgetting_set_is_said_before_anything_is_computed(call: str) -> None:
    model = Model()
    model.add(DenseLayer(64, 3))
    model.add(ActivationSoftmax())
    model.finalize()

    assert one_line(lambda: CALLS[call](model), SettingsError) == (
        "the model has no loss; call set(loss=..., optimizer=..., accuracy=...) first"
    )


# Layers used by hand -----------------------------------------------------------------------------


def test_weights_of_another_shape_are_refused_by_the_layers_name() -> None:
    model = small_model()

    assert one_line(lambda: setattr(model.layers[-2], "weights", np.ones((3, 6))), ShapeError) == (
        "dense2: received weights (3, 6), expected (6, 3)"
    )


def test_a_layer_used_by_hand_says_what_it_needs() -> None:
    layer = DenseLayer(4, 2)

    assert one_line(lambda: layer.backward(np.ones((1, 2))), SettingsError) == (
        "DenseLayer: backward was called before forward"
    )
    assert one_line(lambda: layer.forward(np.ones(4)), ShapeError) == (
        "DenseLayer: received inputs (4,), expected (N, H, W, C) or (N, F)"
    )
    layer.forward(np.ones((3, 4)))
    assert one_line(lambda: layer.backward(np.ones((2, 2))), ShapeError) == (
        "DenseLayer: received dvalues (2, 2), expected (3, 2)"
    )
    activation = ActivationReLU()
    assert one_line(lambda: activation.forward(np.ones(4)), ShapeError).startswith("ActivationReLU: received")


def test_numbers_of_numpy_are_numbers() -> None:
    assert AveragePooling(np.int64(2)).window_size == (2, 2)  # type: ignore[arg-type]
    assert CONV(np.int64(2), np.int64(3), input_size=(8, 8, 1)).kernel_size == (3, 3)  # type: ignore[arg-type]
