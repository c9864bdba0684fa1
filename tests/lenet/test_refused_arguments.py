"""Arguments of layers, optimisers, schedules and models that cannot be are refused when the object is made."""

from __future__ import annotations

import pytest

from lenet import (
    AveragePooling,
    DenseLayer,
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
from tests.lenet.test_refusals import CONV, INF, NAN, Case, one_line

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
