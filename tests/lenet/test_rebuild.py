"""A model made again from its description, through JSON as a log keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import (
    NETWORKS,
    ActivationReLU,
    ActivationSigmoid,
    ActivationSoftmax,
    ActivationTanh,
    AveragePooling,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    Initializer,
    Model,
    OptimizerSGD,
    ReportConvolutionLayer,
    Settings,
    SettingsError,
    Warmup,
)
from lenet.optim.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay
from lenet.rebuild import OPTIMIZERS, SCHEDULES, layer_kinds, model_from, schedule_from
from tests.helpers.examples import examples
from tests.helpers.small_models import OPTIMIZERS as SMALL_OPTIMIZERS
from tests.helpers.small_models import blobs, ready, small_model

strength = st.floats(0, 1, allow_nan=False)
initializers = st.none() | st.builds(
    Initializer, st.sampled_from(["report", "lecun", "glorot", "he"]), st.sampled_from(["normal", "uniform"])
)
plain_schedules = st.one_of(
    st.builds(Constant),
    st.builds(InverseTime, strength, st.integers(1, 9)),
    st.builds(StepDecay, st.floats(0.01, 1), st.integers(1, 9)),
    st.builds(Exponential, st.floats(0.01, 1), st.integers(1, 9)),
    st.builds(Cosine, st.integers(1, 99), strength),
)
schedules = plain_schedules | st.builds(Warmup, st.integers(1, 9), plain_schedules)


@st.composite
def optimizers(draw: Any) -> Any:
    kind = draw(st.sampled_from(sorted(OPTIMIZERS)))
    options: dict[str, Any] = {
        "schedule": draw(schedules),
        "weight_decay": draw(strength),
        "clip_norm": draw(st.none() | st.floats(0.001, 9)),
        "clip_value": draw(st.none() | st.floats(0.001, 9)),
    }
    share = st.floats(0.001, 0.999)
    if kind == "OptimizerSGD":
        options |= {"momentum": draw(share), "nesterov": draw(st.booleans())}
    elif kind == "OptimizerRMSprop":
        options |= {"rho": draw(share), "epsilon": draw(st.floats(1e-9, 1e-3))}
    else:
        options |= {"beta_1": draw(share), "beta_2": draw(share), "epsilon": draw(st.floats(1e-9, 1e-3))}
    return OPTIMIZERS[kind](draw(st.floats(0, 2)), **options)


@st.composite
def models(draw: Any) -> Model:
    own = {"initializer": initializers, "l1": strength, "l2": strength}
    model = Model(
        threads=1,
        seed=draw(st.integers(0, 2**40)),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        **{name: draw(kind) for name, kind in own.items()},
    )
    activation = st.sampled_from([ActivationReLU, ActivationSigmoid, ActivationTanh])
    shape: tuple[int, ...] = (8, 8, 1)
    layers: list[Any] = []
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from([ConvolutionLayer, ReportConvolutionLayer]))
        padding = draw(st.sampled_from(["valid", "same", "full"]))
        options = {name: draw(one) for name, one in own.items()}
        layers.append(kind(draw(st.integers(shape[2], 3)), draw(st.integers(1, 3)), padding, shape, **options))
        shape = layers[-1].output_shape(shape)
        layers.append(draw(activation)())
        if min(shape[:2]) > 2 and draw(st.booleans()):
            layers.append(AveragePooling(draw(st.integers(1, 2)), draw(st.integers(1, 2))))
            shape = layers[-1].output_shape(shape)
    layers.append(Flatten(None if layers else (8, 8, 1)))
    width = int(layers[-1].output_shape(shape)[0])
    layers += [DenseLayer(width, 4, **{name: draw(one) for name, one in own.items()}), draw(activation)()]
    return ready(model, *layers, DenseLayer(4, 3), ActivationSoftmax(), optimizer=draw(optimizers()))


@given(models())
@examples(60)
def test_any_model_of_the_library_comes_back_bit_for_bit(model: Model) -> None:
    about = json.loads(json.dumps(model.describe()))
    again = model_from(about, seed=model.seed, threads=1)
    assert again.describe() == model.describe()
    assert again.digest() == model.digest()
    X, y = blobs(20)
    for one in (model, again):
        one.train(X, y, epochs=1, batch_size=8, print_every=0)
    assert again.digest() == model.digest()


@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_of_the_command_line_come_back(network: str) -> None:
    chosen = Settings(network=network, seed=4, init="he", l2="dense1=0.01", optimizer="adam", lr_decay="cosine")
    model = chosen.build_model(samples=256)
    again = model_from(json.loads(json.dumps(model.describe())), seed=4)
    assert again.describe() == model.describe()
    assert again.digest() == model.digest()


def test_every_class_of_the_library_that_can_be_in_a_model_is_known() -> None:
    import lenet
    from lenet.layers.base import Layer
    from lenet.optim.optimizers import Optimizer

    public = [getattr(lenet, name) for name in lenet.__all__]
    kinds = [kind for kind in public if isinstance(kind, type)]
    bases = ("Layer", "TrainableLayer", "Optimizer")
    for base, known in ((Layer, layer_kinds()), (Optimizer, OPTIMIZERS)):
        assert {k.__name__ for k in kinds if issubclass(k, base) and k.__name__ not in bases} == set(known)
    for kind in SMALL_OPTIMIZERS.values():
        assert type(kind()).__name__ in OPTIMIZERS
    assert set(SCHEDULES) == {"Constant", "Cosine", "Exponential", "InverseTime", "StepDecay", "Warmup"}


@given(schedules)
def test_a_schedule_is_read_from_its_text(schedule: Any) -> None:
    assert schedule_from(str(schedule)) == schedule


@pytest.mark.parametrize(
    "text",
    [
        "<function f at 0x7f>",
        "Unknown(steps=3)",
        "Cosine(steps=0)",
        "Cosine(3)",
        "Cosine(stops=3)",
        "Cosine",
        "",
        "__import__('os').system('true')",
        "Warmup(steps=2, then=print(end=1))",
    ],
)
def test_no_other_text_is_a_schedule(text: str) -> None:
    with pytest.raises(SettingsError, match="schedule") as error:
        schedule_from(text)
    assert "\n" not in str(error.value)


def test_what_is_not_of_the_library_is_refused_by_name() -> None:
    class Mine(ActivationReLU):
        def describe(self) -> dict[str, Any]:
            return {"layer": "Mine"}

    model = ready(Model(), DenseLayer(4, 3), Mine(), DenseLayer(3, 3), ActivationSoftmax(), optimizer=OptimizerSGD(0.1))
    with pytest.raises(SettingsError, match="layer: received Mine"):
        model_from(model.describe(), seed=0)


@pytest.mark.parametrize("missing", ["layers", "optimizer", "schedule", "dtype", "l1"])
def test_an_incomplete_description_is_refused_by_name(missing: str) -> None:
    about = small_model().describe()
    del about[missing]
    with pytest.raises(SettingsError, match=missing):
        model_from(about, seed=0)


def test_a_layer_with_arguments_it_does_not_know_is_refused_by_name() -> None:
    about = small_model().describe()
    about["layers"][0]["dilation"] = 2
    with pytest.raises(SettingsError, match="ConvolutionLayer: cannot be made"):
        model_from(about, seed=0)
