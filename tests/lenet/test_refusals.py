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
    OptimizerRMSprop,
    OptimizerSGD,
    ReportConvolutionLayer,
    SettingsError,
    ShapeError,
    load_dataset,
    network_layers,
)
from lenet.layers.initializers import Initializer
from lenet.optim.schedules import Cosine, Exponential, InverseTime, StepDecay, Warmup
from tests.helpers.small_models import blobs, ready, small_model

CONV = ConvolutionLayer
NAN, INF = float("nan"), float("inf")
Case = tuple[Callable[[], Any], type[LenetError], str]


def one_line(make: Callable[[], Any], kind: type[LenetError]) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Single layers, optimisers and schedules ---------------------------------------------------------

ARGUMENTS: list[Case] = [
    (lambda: CONV(0, 3, input_size=(8, 8, 1)), SettingsError,
     "ConvolutionLayer: depth: received 0, expected at least 1"),
    (lambda: CONV(2, (3, 0), input_size=(8, 8, 1)), SettingsError,
     "ConvolutionLayer: kernel_size: received 0, expected at least 1"),
    (lambda: CONV(2, 3), SettingsError, "ConvolutionLayer: received input_size=None, expected (height, width, depth)"),
    (lambda: CONV(2, 3, input_size=(8, 8)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: received input_size=(8, 8), expected (height, width, depth)"),
    (lambda: CONV(2, 3, "valide", (8, 8, 1)), SettingsError,
     "ConvolutionLayer: received padding='valide', expected one of valid, same, full"),
    (lambda: CONV(2, (9, 3), input_size=(8, 8, 1)), ShapeError,
     "ConvolutionLayer: received a kernel of 9x3, expected at most the input's 8x8 with padding 'valid'"),
    (lambda: CONV(2, (3, 9), "same", input_size=(8, 8, 1)), ShapeError,
     "ConvolutionLayer: received a kernel of 3x9, expected at most the input's 8x8 with padding 'same'"),
    (lambda: ReportConvolutionLayer(2, 3, input_size=(8, 8, 3)), ShapeError,
     "ReportConvolutionLayer: received depth=2, expected at least the 3 input channels "
     "(the paper's gradient pairs each of them with an output channel)"),
    (lambda: CONV(2, 3, input_size=(8, 8, 1), l1=-1), SettingsError,
     "ConvolutionLayer: l1: received -1, expected 0 or more"),
    (lambda: DenseLayer(3, 2, l2=NAN), SettingsError, "DenseLayer: l2: received nan, expected 0 or more"),
    (lambda: DenseLayer(0, 3), SettingsError,
     "DenseLayer: n_inputs: received 0, expected at least 1"),
    (lambda: AveragePooling(0), SettingsError,
     "AveragePooling: window_size: received 0, expected at least 1"),
    (lambda: AveragePooling(2, (1, 0)), SettingsError,
     "AveragePooling: stride: received 0, expected at least 1"),
    (lambda: CONV(2.5, 3, input_size=(8, 8, 1)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: depth: received 2.5, expected a whole number"),
    (lambda: CONV("6", 3, input_size=(8, 8, 1)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: depth: received '6', expected a whole number"),
    (lambda: CONV(2, (2.5, 3), input_size=(8, 8, 1)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: kernel_size: received 2.5, expected a whole number"),
    (lambda: CONV(2, None, input_size=(8, 8, 1)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: kernel_size: received None, expected a whole number"),
    (lambda: CONV(2, (3, 3, 3), input_size=(8, 8, 1)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: kernel_size: received (3, 3, 3), expected one whole number or two, (height, width)"),
    (lambda: CONV(2, 3, input_size=(8, 8.5, 1)), SettingsError,  # type: ignore[arg-type]
     "ConvolutionLayer: input_size: received 8.5, expected a whole number"),
    (lambda: DenseLayer(2.5, 3), SettingsError,  # type: ignore[arg-type]
     "DenseLayer: n_inputs: received 2.5, expected a whole number"),
    (lambda: DenseLayer(2, 3, initializer=3), SettingsError,  # type: ignore[arg-type]
     "DenseLayer: received initializer=3, expected an Initializer or its name"),
    (lambda: DenseLayer(2, 3, l1=INF), SettingsError, "DenseLayer: l1: received inf, expected 0 or more"),
    (lambda: DenseLayer(2, 3, seed=-1), SettingsError, "DenseLayer: seed: received -1, expected at least 0"),
    (lambda: AveragePooling(2.5), SettingsError,  # type: ignore[arg-type]
     "AveragePooling: window_size: received 2.5, expected a whole number"),
    (lambda: OptimizerSGD(-0.5), SettingsError, "learning_rate: received -0.5, expected 0 or more"),
    (lambda: OptimizerSGD(NAN), SettingsError, "learning_rate: received nan, expected 0 or more"),
    (lambda: OptimizerSGD(INF), SettingsError, "learning_rate: received inf, expected 0 or more"),
    (lambda: OptimizerSGD("0.5"), SettingsError,  # type: ignore[arg-type]
     "learning_rate: received '0.5', expected a number, 0 or more"),
    (lambda: OptimizerSGD(0.1, schedule=Cosine), SettingsError,  # type: ignore[arg-type]
     "schedule: received the class Cosine, expected a schedule, Cosine(...)"),
    (lambda: OptimizerAdam(schedule=0.5), SettingsError,
     "schedule: received 0.5, expected a schedule such as InverseTime(3e-4)"),
    (lambda: OptimizerAdam(epsilon=0), SettingsError, "epsilon: received 0, expected above 0"),
    (lambda: OptimizerRMSprop(epsilon=NAN), SettingsError, "epsilon: received nan, expected above 0"),
    (lambda: OptimizerSGD(0.1, decay=-1), SettingsError, "decay: received -1, expected 0 or more"),
    (lambda: OptimizerSGD(0.1, momentum=1), SettingsError, "momentum: received 1, expected at least 0 and below 1"),
    (lambda: OptimizerSGD(0.1, nesterov=True), SettingsError,
     "nesterov: received momentum=0, expected a momentum above 0"),
    (lambda: OptimizerSGD(0.1, decay=0.1, schedule=Cosine(5)), SettingsError,
     "decay: received decay=0.1 and schedule=Cosine(steps=5, floor=0.0), expected one of the two"),
    (lambda: OptimizerAdam(clip_norm=0), SettingsError, "clip_norm: received 0, expected above 0"),
    (lambda: OptimizerAdam(clip_value=-1), SettingsError, "clip_value: received -1, expected above 0"),
    (lambda: OptimizerAdam(weight_decay=-1), SettingsError, "weight_decay: received -1, expected 0 or more"),
    (lambda: OptimizerAdam(beta_1=1), SettingsError, "beta_1: received 1, expected at least 0 and below 1"),
    (lambda: OptimizerAdam(beta_2=-1), SettingsError, "beta_2: received -1, expected at least 0 and below 1"),
    (lambda: OptimizerRMSprop(rho=1.5), SettingsError, "rho: received 1.5, expected at least 0 and below 1"),
    (lambda: InverseTime(-1), SettingsError, "decay rate: received -1, expected 0 or more"),
    (lambda: StepDecay(2, 5), SettingsError, "decay rate: received 2, expected above 0 and at most 1"),
    (lambda: Exponential(0, 5), SettingsError, "decay rate: received 0, expected above 0 and at most 1"),
    (lambda: Exponential(0.5, 0), SettingsError, "steps of the schedule: received 0, expected at least 1"),
    (lambda: Cosine(5, 2), SettingsError, "cosine floor: received 2, expected between 0 and 1"),
    (lambda: Warmup(2.5), SettingsError,  # type: ignore[arg-type]
     "steps of the schedule: received 2.5, expected a whole number"),
    (lambda: Warmup(2, 0.5), SettingsError,  # type: ignore[arg-type]
     "schedule after the warm-up: received 0.5, expected a schedule such as InverseTime(3e-4)"),
    (lambda: Warmup(0), SettingsError, "steps of the schedule: received 0, expected at least 1"),
    (lambda: Initializer("xavier"), SettingsError,
     "initializer: received 'xavier', expected one of paper, lecun, glorot, he"),
    (lambda: DenseLayer(2, 2, initializer="xavier"), SettingsError,
     "initializer: received 'xavier', expected one of paper, lecun, glorot, he"),
    (lambda: Initializer("he", "gamma"), SettingsError,
     "distribution: received 'gamma', expected one of normal, uniform"),
    (lambda: Model(threads=0), SettingsError, "threads: received 0, expected at least 1, or None for all cores"),
    (lambda: Model(seed=-1), SettingsError, "seed: received -1, expected at least 0"),
    (lambda: Model(seed=1.5), SettingsError, "seed: received 1.5, expected a whole number"),  # type: ignore[arg-type]
    (lambda: Model(threads="2"), SettingsError,  # type: ignore[arg-type]
     "threads: received '2', expected a whole number"),
    (lambda: Model(l1=-1), SettingsError, "l1: received -1, expected 0 or more"),
    (lambda: Model(l2=NAN), SettingsError, "l2: received nan, expected 0 or more"),
    (lambda: Model(l2=INF), SettingsError, "l2: received inf, expected 0 or more"),
    (lambda: Model(dtype=int), SettingsError, "dtype: received int64, expected float32 or float64"),
    (lambda: Model(dtype="wide"), SettingsError, "dtype: received 'wide', expected float32 or float64"),
    (lambda: Model(initializer=3), SettingsError,  # type: ignore[arg-type]
     "initializer: received 3, expected an object of Initializer"),
    (lambda: Model(3), SettingsError,  # type: ignore[arg-type]
     "stats: received 3, expected a tracker with add_time(), or None"),
    (lambda: network_layers("resnet"), SettingsError,
     "network: received 'resnet', expected one of feedforward, conv, conv2, conv-pool, lenet"),
    (lambda: network_layers("lenet", image=(8, 8, 1)), ShapeError,
     "ConvolutionLayer: received a kernel of 5x5, expected at most the input's 4x4 with padding 'valid'"),
    (lambda: load_dataset(limit=0), SettingsError, "limit=0, expected at least 1 training image, or None for all"),
]  # fmt: skip


@pytest.mark.parametrize("case", ARGUMENTS, ids=lambda case: case[2][:60])
def test_an_argument_that_cannot_be_is_refused_when_the_object_is_made(case: Case) -> None:
    make, kind, message = case

    assert one_line(make, kind) == message


# finalize checks the shapes through the network --------------------------------------------------


def network(*layers: Any) -> Callable[[], Model]:
    return lambda: ready(Model(), *layers)


def conv(depth: int = 2, padding: str = "valid", size: tuple[int, int, int] = (8, 8, 1)) -> ConvolutionLayer:
    return CONV(depth, 3, padding, size)


NETWORKS: list[Case] = [
    (network(), SettingsError, "finalize: the model has no layers; add() some first"),
    (network(conv(), Flatten(), DenseLayer(70, 3), ActivationSoftmax()), ShapeError,
     "dense1: received input (72,), expected (70,)"),
    (network(conv(), DenseLayer(72, 3), ActivationSoftmax()), ShapeError,
     "dense1: received input (6, 6, 2), expected (72,); put a Flatten before it"),
    (network(conv(), conv(2), ActivationSoftmax()), ShapeError,
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
