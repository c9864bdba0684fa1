"""Penalties of single layers, as settings spell them."""

from __future__ import annotations

import numpy as np
import pytest

from lenet import NETWORKS, Settings
from lenet.architectures import layers_with_weights
from tests.lenet.test_settings import refusal

LAYERS = "a number for all layers, or LAYER=NUMBER for some of conv1, conv2, dense1, dense2, dense3"
STRENGTH = "dense1=NUMBER with 0 or more"
NO_PENALTIES = [
    ("conv9=1", "'conv9=1'", LAYERS),
    ("0.1,dense1=1", "'0.1'", LAYERS),
    ("dense1", "'dense1'", STRENGTH),
    ("dense1=x", "'dense1=x'", STRENGTH),
    ("dense1=inf", "'dense1=inf'", STRENGTH),
    ("dense1=-1", "'dense1=-1'", STRENGTH),
    ("dense1=1,dense1=2", "dense1 twice in 'dense1=1,dense1=2'", "every layer once"),
]


@pytest.mark.parametrize(("text", "received", "expected"), NO_PENALTIES)
def test_a_penalty_by_layer_that_cannot_be_is_refused(text: str, received: str, expected: str) -> None:
    assert refusal(l2=text) == f"--l2: received {received}, expected {expected}"


def test_a_penalty_by_layer_is_that_layers_in_loss_and_gradient() -> None:
    by_name = Settings(network="conv-pool", l1="dense2=0.5", l2="dense1=0.01, conv1=0.002").build_model(samples=9)
    strengths = {layer.name: (layer.l1, layer.l2) for layer in by_name.trainable_layers}
    weights = {layer.name: layer.weights.astype(np.float64) for layer in by_name.trainable_layers}
    gradients = np.zeros_like(by_name.parameters.values)
    penalty = by_name.penalty.add(by_name.parameters.values, gradients)
    views = {name: by_name.parameters.views(gradients, name)["weights"] for name in weights}

    assert strengths == {"conv1": (0, 0.002), "dense1": (0, 0.01), "dense2": (0.5, 0), "dense3": (0, 0)}
    expected = 0.01 * (weights["dense1"] ** 2).sum() + 0.002 * (weights["conv1"] ** 2).sum()
    assert penalty == pytest.approx(expected + 0.5 * np.abs(weights["dense2"]).sum(), rel=1e-5)
    np.testing.assert_allclose(views["dense1"], 0.02 * weights["dense1"], rtol=1e-5)
    np.testing.assert_allclose(views["dense2"], 0.5 * np.sign(weights["dense2"]))
    assert not views["dense3"].any()


def test_a_penalty_of_all_layers_by_name_is_that_of_one_number() -> None:
    everywhere = ",".join(f"{name}=0.01" for name in ("conv1", "conv2", "dense1", "dense2", "dense3"))
    models = [Settings(l2=l2).build_model(samples=9) for l2 in (0.01, everywhere)]
    penalties = [m.penalty.add(m.parameters.values, np.zeros_like(m.parameters.values)) for m in models]

    assert penalties[0] == penalties[1] > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_layers_with_weights_are_called_as_in_the_model(network: str) -> None:
    model = Settings(network=network).build_model(samples=9)

    assert layers_with_weights(network) == tuple(layer.name for layer in model.trainable_layers)


def test_the_model_tells_of_penalties_by_layer() -> None:
    about = Settings(l2="dense1=0.01").build_model(samples=9).describe()

    assert about["l2"] == 0
    assert {layer["name"]: layer["l2"] for layer in about["layers"] if "l2" in layer} == {"dense1": 0.01}
