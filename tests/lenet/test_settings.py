"""Settings: the paper's defaults, what they build, and every value that is refused."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import (
    NETWORKS,
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OptimizerAdam,
    OptimizerRMSprop,
    OptimizerSGD,
    Settings,
    SettingsError,
    StepDecay,
    Warmup,
)
from lenet.architectures import network_layers
from lenet.layers.initializers import Initializer
from lenet.settings import OPTIMIZERS
from tests.helpers.examples import examples

NAN, INF = float("nan"), float("inf")
ONE_OF = {
    "network": "feedforward, conv, conv2, conv-pool, lenet",
    "activation": "relu, sigmoid, tanh",
    "convolution": "exact, paper",
    "init": "paper, lecun, glorot, he",
    "init_shape": "normal, uniform",
    "optimizer": "sgd, momentum, rmsprop, adam",
    "lr_decay": "none, inverse-time, step, exponential, cosine",
}


def refusal(**options: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults_are_the_reports() -> None:
    s = Settings()

    assert (s.network, s.activation, s.convolution, s.init, s.optimizer) == ("lenet", "relu", "exact", "report", "sgd")
    assert (s.lr, s.batch_size, s.epochs, s.seed, s.shuffle, s.lr_decay) == (0.5, 128, 3, 0, False, "none")
    assert (s.l1, s.l2, s.weight_decay, s.warmup, s.nesterov) == (0.0, 0.0, 0.0, 0, False)
    unset = ("steps", "momentum", "decay_rate", "decay_every", "clip_norm", "clip_value", "data", "limit", "threads")
    assert [getattr(s, name) for name in unset] == [None] * 9


@pytest.mark.parametrize(("name", "known"), ONE_OF.items())
def test_an_unknown_choice_is_refused_with_the_known_ones(name: str, known: str) -> None:
    option = "--" + name.replace("_", "-")

    hint = {"network": "; did you mean lenet?", "init": "; did you mean lecun?"}.get(name, "")
    assert refusal(**{name: "LeNet"}) == f"{option}: received 'LeNet', expected one of {known}{hint}"


def test_the_paper_and_the_report_are_one() -> None:
    assert Settings(init="paper", convolution="paper") == Settings(init="report", convolution="report")
    assert Settings(init="paper").to_dict()["init"] == "report", "logs keep the name they always had"
    assert Initializer("paper").describe() == Initializer("report").describe()
    kinds = [[type(one) for one in network_layers("conv", convolution=name)] for name in ("paper", "report")]
    assert kinds[0] == kinds[1]
    with pytest.raises(SettingsError, match="no effect without --init lecun, glorot or he"):
        Settings(init="paper", init_shape="uniform")


AT_LEAST_1 = ("epochs", "batch_size", "steps", "decay_every", "limit", "threads")
SHARES = ("lr", "momentum", "decay_rate", "l1", "l2", "weight_decay")
TOO_SMALL = [
    *((name, 0, 1) for name in AT_LEAST_1),
    *((name, -1, 0) for name in ("seed", "warmup")),
    *((name, -0.5, 0) for name in SHARES),
]


@pytest.mark.parametrize(("name", "value", "least"), TOO_SMALL)
def test_a_number_too_small_is_refused(name: str, value: float, least: int) -> None:
    option = "--" + name.replace("_", "-")

    assert refusal(**{name: value}) == f"{option}: received {value}, expected at least {least}"


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("name", [*SHARES, "clip_norm", "clip_value"])
def test_a_number_that_is_not_finite_is_refused(name: str, value: float) -> None:
    option = "--" + name.replace("_", "-")

    assert refusal(**{name: value}) == f"{option}: received {value}, expected a finite number"


NEEDS_DECAY = "has no effect without --lr-decay inverse-time, step"
NOT_TOGETHER = [
    ({"clip_norm": 0.0}, "--clip-norm: received 0.0, expected more than 0"),
    ({"clip_value": -1.0}, "--clip-value: received -1.0, expected more than 0"),
    ({"optimizer": "momentum", "momentum": 1.0}, "--momentum: received 1.0, expected at least 0 and below 1"),
    ({"optimizer": "adam", "momentum": 0.9}, "--momentum: goes with --optimizer momentum, not adam"),
    ({"optimizer": "rmsprop", "momentum": 0.9}, "--momentum: goes with --optimizer momentum, not rmsprop"),
    ({"nesterov": True}, "--nesterov: needs momentum; add --optimizer momentum"),
    ({"nesterov": True, "optimizer": "adam"}, "--nesterov: needs momentum; add --optimizer momentum"),
    ({"decay_rate": 0.1}, f"--decay-rate: received 0.1, {NEEDS_DECAY} or exponential"),
    ({"lr_decay": "cosine", "decay_rate": 0.1}, f"--decay-rate: received 0.1, {NEEDS_DECAY} or exponential"),
    ({"decay_every": 9}, f"--decay-every: received 9, {NEEDS_DECAY}, exponential or cosine"),
    ({"init_shape": "uniform"}, "--init-shape: received uniform, has no effect without --init lecun, glorot or he"),
    ({"lr_decay": "step", "decay_rate": 2.0}, "--decay-rate: received 2.0, expected above 0 and at most 1"),
    ({"lr_decay": "exponential", "decay_rate": 0.0}, "--decay-rate: received 0.0, expected above 0 and at most 1"),
]


@pytest.mark.parametrize(("options", "message"), NOT_TOGETHER, ids=str)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    assert refusal(**options) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": "0.5"}, "--lr: received '0.5', expected a number"),
        ({"epochs": 1.5}, "--epochs: received 1.5, expected a whole number"),
        ({"seed": True}, "--seed: received True, expected a whole number"),
        ({"epochs": None}, "--epochs: received None, expected a whole number"),
        ({"shuffle": 1}, "--shuffle: received 1, expected True or False"),
        ({"data": 3}, "--data: received 3, expected text"),
        ({"clip_norm": "1"}, "--clip-norm: received '1', expected a number"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_refused(options: dict[str, Any], message: str) -> None:
    assert refusal(**options) == message


def test_numbers_of_numpy_and_paths_become_pythons_own() -> None:
    made = Settings(seed=np.int64(3), lr=np.float64(0.1), l2=1, shuffle=np.bool_(True), data=Path("x"))  # type: ignore[arg-type]

    assert made == Settings(seed=3, lr=0.1, l2=1.0, shuffle=True, data="x")
    assert Settings.from_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().lr = 0.1  # type: ignore[misc]


# There and back ----------------------------------------------------------------------------------

some_settings = st.builds(
    Settings,
    network=st.sampled_from(NETWORKS),
    activation=st.sampled_from(["relu", "sigmoid", "tanh"]),
    epochs=st.integers(1, 9),
    steps=st.none() | st.integers(1, 99),
    shuffle=st.booleans(),
    optimizer=st.sampled_from(OPTIMIZERS),
    lr=st.floats(0, 10),
    lr_decay=st.sampled_from(["inverse-time", "step", "exponential"]),
    decay_rate=st.none() | st.floats(0.1, 1),
    warmup=st.integers(0, 20),
    l2=st.floats(0, 1) | st.just("dense1=0.01"),
    clip_norm=st.none() | st.floats(0.1, 10),
    data=st.none() | st.text(max_size=5),
)


@given(some_settings)
def test_a_dictionary_through_json_gives_the_same_settings_again(asked: Settings) -> None:
    kept = json.loads(json.dumps(asked.to_dict()))

    assert Settings.from_dict(kept) == asked
    assert list(kept) == [field.name for field in fields(Settings)]


def test_an_unknown_name_in_a_dictionary_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_dict({"lr": 0.1, "learning_rate": 0.1})

    assert str(caught.value).startswith("settings: received unknown 'learning_rate', expected some of activation, ")


def test_a_dictionary_with_some_names_leaves_the_rest_at_the_defaults() -> None:
    assert Settings.from_dict({"lr": 0.1}) == Settings(lr=0.1)


# What they build ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "kind", "momentum"),
    [
        ({}, OptimizerSGD, 0.0),
        ({"momentum": 0.5}, OptimizerSGD, 0.5),
        ({"optimizer": "momentum"}, OptimizerSGD, 0.9),
        ({"optimizer": "momentum", "momentum": 0.8, "nesterov": True}, OptimizerSGD, 0.8),
        ({"optimizer": "rmsprop"}, OptimizerRMSprop, None),
        ({"optimizer": "adam"}, OptimizerAdam, None),
    ],
    ids=str,
)
def test_the_optimizer_is_built_with_all_its_options(options: dict[str, Any], kind: type, momentum: float) -> None:
    optimizer = Settings(lr=0.2, weight_decay=0.1, clip_norm=2.0, clip_value=3.0, **options).build_optimizer(
        samples=100
    )

    assert type(optimizer) is kind
    assert (optimizer.learning_rate, optimizer.weight_decay) == (0.2, 0.1)
    assert (optimizer.clip_norm, optimizer.clip_value) == (2.0, 3.0)
    assert getattr(optimizer, "momentum", None) == momentum
    assert getattr(optimizer, "nesterov", False) == options.get("nesterov", False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Constant()),
        ({"lr_decay": "inverse-time"}, InverseTime(3e-4)),
        ({"lr_decay": "inverse-time", "decay_rate": 0.1, "decay_every": 50}, InverseTime(0.1, 50)),
        ({"lr_decay": "step"}, StepDecay(0.5, 8)),
        ({"lr_decay": "step", "decay_rate": 0.1, "decay_every": 3}, StepDecay(0.1, 3)),
        ({"lr_decay": "exponential"}, Exponential(0.5, 8)),
        ({"lr_decay": "cosine"}, Cosine(24)),
        ({"lr_decay": "cosine", "steps": 10}, Cosine(10)),
        ({"lr_decay": "cosine", "warmup": 4}, Warmup(4, Cosine(20))),
        ({"warmup": 4}, Warmup(4)),
    ],
    ids=str,
)
def test_the_schedule_knows_how_long_an_epoch_and_the_run_are(options: dict[str, Any], expected: Any) -> None:
    # 1,000 samples in batches of 128 are 8 steps an epoch, 24 in all.
    assert Settings(**options).build_optimizer(samples=1000).schedule == expected


@pytest.mark.parametrize(
    ("network", "kernels", "width"),
    [
        ("feedforward", 0, 784),
        ("conv", 6 * 26, 4704),
        ("conv2", 6 * 26 + 16 * 151, 9216),
        ("conv-pool", 6 * 26, 1176),
        ("lenet", 6 * 26 + 16 * 151, 400),
    ],
)
def test_the_five_networks_have_the_reports_sizes(network: str, kernels: int, width: int) -> None:
    model = Settings(network=network).build_model(samples=10)

    assert model.parameters.values.size == kernels + 120 * (width + 1) + 84 * 121 + 10 * 85


@pytest.mark.parametrize("convolution", ["exact", "report"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_activation_and_convolution_are_used_throughout(activation: str, convolution: str) -> None:
    infos = Settings(activation=activation, convolution=convolution).build_model(samples=10).layer_infos
    kind = {"exact": "ConvolutionLayer", "report": "ReportConvolutionLayer"}[convolution]

    assert [info.activation for info in infos] == [*4 * [activation], "softmax"]
    assert [info.kind for info in infos] == [kind, kind, "DenseLayer", "DenseLayer", "DenseLayer"]


@examples(15)
@given(some_settings)
def test_every_settings_object_builds_a_model(asked: Settings) -> None:
    model = asked.build_model(samples=300)

    assert model.describe()["learning_rate"] == asked.lr
    assert model.seed == asked.seed


def test_images_of_another_size_and_other_numbers_of_classes_are_built_too() -> None:
    model = Settings().build_model(samples=10, image=(20, 24, 3), classes=26)

    assert model.shapes[0] == (20, 24, 3)
    assert model.classes == 26
