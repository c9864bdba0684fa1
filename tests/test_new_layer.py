"""To add a layer, one file is written and no other is touched: here it is a layer with weights and an activation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lenet.layers
from diagnostics import Recorder, open_run
from lenet import ActivationSoftmax, DenseLayer, Flatten, LayerTap, Model, load_state, save_state
from lenet.gradcheck import check_model
from lenet.layers.base import Layer
from lenet.rebuild import model_from
from tests.helpers.small_models import Everything, blobs, ready

SOURCE = '''
import numpy as np
from lenet.layers.activations import Activation, ActivationWorkspace
from lenet.layers.base import TrainableLayer
from lenet.layers.workspace import TrainableWorkspace


class ScaleLayer(TrainableLayer):
    """o[n, i] = x[n, i] w[0, i] + b[i]."""

    prefix = "scale"

    def __init__(self, inputs, **options):
        super().__init__(**options)
        self.inputs = inputs

    def describe(self):
        return {"layer": "ScaleLayer", "inputs": self.inputs}

    def parameter_shapes(self):
        return {"weights": (1, self.inputs), "biases": (self.inputs,)}

    def known_input_shape(self, following):
        return (self.inputs,)

    def output_shape(self, input_shape):
        return tuple(input_shape)

    def workspace(self, spec):
        return ScaleWorkspace(spec)


class ScaleWorkspace(TrainableWorkspace):
    def __init__(self, spec):
        self.output = spec.keep(spec.input_shape)

    def forward(self, x):
        self.x = x
        np.multiply(x, self.weights.T, out=self.output)
        self.output += self.biases[:, None]
        return self.output

    def backward(self, d):
        np.sum(d * self.x, axis=1, out=self.dweights[0])
        np.sum(d, axis=1, out=self.dbiases)
        return d * self.weights.T


class ArctanWorkspace(ActivationWorkspace):
    def forward(self, x):
        return np.arctan(x, out=self.output)

    def backward(self, d):
        return d * np.cos(self.output) ** 2


class ActivationArctan(Activation):
    """An activation of the dummy layer\'s file."""

    prefix, function, _arithmetic = "arctan", "arctan", ArctanWorkspace
'''


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module ``lenet.layers.scale``, as if its file lay in the folder of the layers."""
    folder = tmp_path_factory.mktemp("layers")
    (folder / "scale.py").write_text(SOURCE)
    lenet.layers.__path__.append(str(folder))
    import lenet.layers.scale as module  # type: ignore[import-not-found]

    yield module
    lenet.layers.__path__.remove(str(folder))
    del sys.modules["lenet.layers.scale"]


def model_with(new: Any, **options: Any) -> Model:
    layers: list[Layer] = [Flatten((8, 8, 1)), new.ScaleLayer(64), new.ActivationArctan()]
    return ready(Model(threads=2, **options), *layers, DenseLayer(64, 3), ActivationSoftmax())


def train(model: Model, **options: Any) -> Model:
    X, y = blobs(50)
    model.train(X, y, epochs=2, batch_size=20, print_every=0, **options)
    return model


def test_it_gets_its_name_and_describes_itself(new: Any) -> None:
    model = model_with(new)

    assert [layer.name for layer in model.layers] == ["flatten1", "scale1", "arctan1", "dense1", "softmax1"]
    assert {"name": "scale1", "layer": "ScaleLayer", "inputs": 64} in model.describe()["layers"]
    assert ready(Model(), new.ScaleLayer(4), ActivationSoftmax()).input_shape == (4,)


def test_it_is_trained_and_told_to_hooks(new: Any) -> None:
    heard = Everything()
    train(model_with(new, l2=0.01), hooks=[heard])
    start, losses = heard.of("on_run_start")[0], [event.loss for event in heard.of("on_step_end")]

    assert losses[-1] < 0.9 * losses[0]
    first = start.layers[0]
    assert (first.name, first.kind, first.activation) == ("scale1", "ScaleLayer", "arctan")
    assert [t.shape for t in start.tensors][:2] == [(1, 64), (64,)]


def test_its_state_is_taken_saved_and_restored(new: Any, tmp_path: Path) -> None:
    whole, first, second = model_with(new), model_with(new), model_with(new, seed=9)
    train(whole)
    train(first, steps=2)
    save_state(tmp_path / "state.npz", first.state())
    second.restore(load_state(tmp_path / "state.npz"))
    train(second)

    assert second.digest() == whole.digest()


def test_its_gradients_are_checked(new: Any) -> None:
    X, y = blobs(3)
    results = check_model(train(model_with(new)), X, y)

    assert {name: result.ok for name, result in results.items()} == dict.fromkeys(
        ("flatten1", "scale1", "arctan1", "dense1", "softmax1", "loss"), True
    )


def test_its_run_is_recorded(new: Any, tmp_path: Path) -> None:
    train(model_with(new), hooks=[Recorder(tmp_path / "run.h5")])
    run = open_run(tmp_path / "run.h5")

    assert set(run.tensors.index.get_level_values("layer")) == {"scale1", "dense1"}
    assert np.isfinite(run.tensors["norm"]).all()
    assert "scale1" in run.activations.index.get_level_values("layer")


def test_a_model_with_it_is_made_again_from_its_description(new: Any) -> None:
    model = model_with(new, seed=4)
    again = model_from(json.loads(json.dumps(model.describe())), seed=4)

    assert again.digest() == model.digest()


def test_a_loop_of_a_user_s_can_use_it_too(new: Any) -> None:
    layer = new.ScaleLayer(4)
    layer.backward(layer.forward(np.ones((2, 4))))

    assert LayerTap("scale", layer).info().output_shape == (4,)
