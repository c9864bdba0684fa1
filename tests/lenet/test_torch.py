"""The trainer against PyTorch: layers, the five networks, and ten steps of every optimiser.

``make test-torch`` installs PyTorch and runs these tests. Without PyTorch they fail, since a
comparison that was left out must not look like one that was passed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
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
    Hook,
    Model,
    Optimizer,
    OptimizerAdam,
    OptimizerRMSprop,
    OptimizerSGD,
    network_layers,
)
from tests.helpers.examples import examples
from tests.helpers.small_models import mnist, ready

pytestmark = pytest.mark.torch


def load() -> Any:
    """PyTorch, imported by the first test that needs it, so that the tests are collected without it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
    return torch


class Mirror:
    """The same network with the same weights in PyTorch, in the layouts of PyTorch."""

    def __init__(self, model: Model) -> None:
        self.torch, self.model = load(), model
        self.tensors = {
            (layer.name, kind): self.torch.tensor(getattr(layer, kind).copy(), requires_grad=True)
            for layer in model.trainable_layers
            for kind in ("weights", "biases")
        }

    def scores(self, X: Any) -> Any:
        """The input of the softmax."""
        functions = self.torch.nn.functional
        x = self.torch.tensor(X)
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2)
        for layer in self.model.layers:
            w, b = (self.tensors.get((layer.name, kind)) for kind in ("weights", "biases"))
            if isinstance(layer, ConvolutionLayer):
                padding = tuple(k - 1 for k in layer.kernel_size) if layer.padding == "full" else layer.padding
                x = functions.conv2d(x, w.permute(3, 2, 0, 1).contiguous(), b, padding=padding)
            elif isinstance(layer, DenseLayer):
                x = x @ w + b
            elif isinstance(layer, AveragePooling):
                x = functions.avg_pool2d(x, layer.window_size, layer.stride)
            elif isinstance(layer, Flatten):
                x = x.permute(0, 2, 3, 1).flatten(1)
            elif not isinstance(layer, ActivationSoftmax):
                functions_of = {ActivationReLU: "relu", ActivationSigmoid: "sigmoid", ActivationTanh: "tanh"}
                x = getattr(self.torch, functions_of[type(layer)])(x)
        return x

    def loss(self, X: Any, y: Any) -> Any:
        return self.torch.nn.functional.cross_entropy(self.scores(X), self.torch.tensor(y))

    def flat(self, of: Callable[[Any], Any] = lambda tensor: tensor.detach()) -> dict[str, Any]:
        return {f"{layer} {kind}": of(tensor).numpy() for (layer, kind), tensor in self.tensors.items()}


class Gradients(Hook):
    """Keeps the loss of the last step, and the gradient of every tensor."""

    def on_run_start(self, event: Any) -> None:
        self.tensors = event.tensors

    def on_gradients_ready(self, event: Any) -> None:
        self.loss = event.loss
        self.of = {
            f"{t.layer} {t.tensor}": event.gradients[t.offset : t.offset + t.size].reshape(t.shape).copy()
            for t in self.tensors
        }


def distance(ours: Any, theirs: Any) -> float:
    """Normwise relative error."""
    return float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-30))


def network(name: str, optimizer: Optimizer, dtype: Any, activation: str = "relu", **options: Any) -> Model:
    model = Model(seed=5, threads=2, dtype=dtype, initializer="he", **options)
    return ready(model, *network_layers(name, activation=activation), optimizer=optimizer)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("name", NETWORKS)
def test_all_five_networks_agree_forward_and_backward_in_single_precision(name: str, activation: str) -> None:
    model = network(name, OptimizerSGD(0.0), np.float32, activation)
    data, batch = mnist(), slice(0, 128)
    X, y = data.X_train[batch].reshape(-1, *model.input_shape), data.y_train[batch]
    mirror, heard = Mirror(model), Gradients()
    loss = mirror.loss(X, y)
    loss.backward()
    probabilities = mirror.torch.softmax(mirror.scores(X), dim=1).detach().numpy()
    model.train(X, y, print_every=0, hooks=[heard])

    assert distance(model.predict(X), probabilities) < 1e-4
    assert heard.loss == pytest.approx(loss.item(), rel=1e-4)
    theirs = mirror.flat(lambda tensor: tensor.grad)
    assert {
        name: distance(ours, theirs[name]) for name, ours in heard.of.items() if distance(ours, theirs[name]) >= 1e-4
    } == {}


Pair = tuple[Callable[[], Optimizer], Callable[[Any, Any], Any]]
TEN_STEPS: dict[str, Pair] = {
    "SGD": (lambda: OptimizerSGD(0.1), lambda optim, p: optim.SGD(p, lr=0.1)),
    "momentum": (lambda: OptimizerSGD(0.05, momentum=0.9), lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9)),
    "Nesterov": (
        lambda: OptimizerSGD(0.05, momentum=0.8, nesterov=True),
        lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True),
    ),
    "RMSprop": (
        lambda: OptimizerRMSprop(0.002, rho=0.95, epsilon=1e-6),
        lambda optim, p: optim.RMSprop(p, lr=0.002, alpha=0.95, eps=1e-6),
    ),
    "Adam": (lambda: OptimizerAdam(0.003), lambda optim, p: optim.Adam(p, lr=0.003)),
    "Adam with other numbers": (
        lambda: OptimizerAdam(0.003, beta_1=0.8, beta_2=0.9, epsilon=1e-5),
        lambda optim, p: optim.Adam(p, lr=0.003, betas=(0.8, 0.9), eps=1e-5),
    ),
    "Adam with decoupled decay": (
        lambda: OptimizerAdam(0.003, weight_decay=0.1),
        lambda optim, p: optim.AdamW(p, lr=0.003, weight_decay=0.1),
    ),
}


@pytest.mark.parametrize("name", TEN_STEPS)
def test_ten_steps_of_every_optimizer_agree_in_double_precision(name: str) -> None:
    ours, theirs = TEN_STEPS[name]
    model = network("lenet", ours(), np.float64)
    mirror = Mirror(model)
    data = mnist()
    X, y = data.X_train[:320].astype(np.float64), data.y_train[:320]
    optimizer = theirs(mirror.torch.optim, list(mirror.tensors.values()))
    for first in range(0, 320, 32):
        optimizer.zero_grad()
        mirror.loss(X[first : first + 32], y[first : first + 32]).backward()
        optimizer.step()
    model.train(X, y, batch_size=32, print_every=0)
    expected = np.concatenate([array.ravel() for array in mirror.flat().values()])

    assert model.step == 10
    np.testing.assert_allclose(model.parameters.values, expected, rtol=0, atol=1e-9)


def test_ten_steps_with_penalties_and_clipping_by_value_agree_in_double_precision() -> None:
    # With tanh: equal clipped steps bring biases back to 0, where ReLU has no derivative.
    model = network("conv-pool", OptimizerSGD(0.1, clip_value=0.01), np.float64, "tanh", l1=1e-4, l2=1e-3)
    mirror = Mirror(model)
    torch, data = mirror.torch, mnist()
    X, y = data.X_train[:320].astype(np.float64), data.y_train[:320]
    parameters = list(mirror.tensors.values())
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for first in range(0, 320, 32):
        optimizer.zero_grad()
        weights = [tensor for (_, kind), tensor in mirror.tensors.items() if kind == "weights"]
        penalty = sum(1e-4 * w.abs().sum() + 1e-3 * (w**2).sum() for w in weights)
        (mirror.loss(X[first : first + 32], y[first : first + 32]) + penalty).backward()
        torch.nn.utils.clip_grad_value_(parameters, 0.01)
        optimizer.step()
    model.train(X, y, batch_size=32, print_every=0)
    expected = np.concatenate([array.ravel() for array in mirror.flat().values()])

    np.testing.assert_allclose(model.parameters.values, expected, rtol=0, atol=1e-9)


# Single layers -----------------------------------------------------------------------------------


@examples(60)
@given(
    padding=st.sampled_from(["valid", "same", "full"]),
    image=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    samples=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_convolution_agrees_for_every_padding_and_kernel_rectangular_and_even_ones_too(
    padding: str, image: tuple[int, int], kernel: tuple[int, int], channels: tuple[int, int], samples: int, seed: int
) -> None:
    torch, rng = load(), np.random.default_rng(seed)
    layer = ConvolutionLayer(channels[1], kernel, padding, (*image, channels[0]))
    layer.weights, layer.biases = rng.standard_normal((*kernel, *channels)), rng.standard_normal(channels[1])
    inputs = rng.standard_normal((samples, *image, channels[0]))
    x, w, b = (torch.tensor(array, requires_grad=True) for array in (inputs, layer.weights, layer.biases))
    width = tuple(k - 1 for k in kernel) if padding == "full" else padding
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of a copy for an even kernel with "same"
        out = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1).contiguous(), b, padding=width)
    out = out.permute(0, 2, 3, 1)
    d = rng.standard_normal(out.shape)
    out.backward(torch.tensor(d))

    assert distance(layer.forward(inputs), out.detach().numpy()) < 1e-12
    assert distance(layer.backward(d), x.grad.numpy()) < 1e-12
    assert distance(layer.dweights, w.grad.numpy()) < 1e-12
    assert distance(layer.dbiases, b.grad.numpy()) < 1e-12


@examples(60)
@given(
    image=st.tuples(st.integers(4, 10), st.integers(4, 10), st.integers(1, 3)),
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    samples=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_pooling_agrees_for_every_window_and_stride_overlapping_ones_and_borders_too(
    image: tuple[int, int, int], window: tuple[int, int], stride: tuple[int, int], samples: int, seed: int
) -> None:
    torch, rng = load(), np.random.default_rng(seed)
    layer, inputs = AveragePooling(window, stride), rng.standard_normal((samples, *image))
    x = torch.tensor(inputs, requires_grad=True)
    out = torch.nn.functional.avg_pool2d(x.permute(0, 3, 1, 2), window, stride).permute(0, 2, 3, 1)
    d = rng.standard_normal(out.shape)
    out.backward(torch.tensor(d))

    assert distance(layer.forward(inputs), out.detach().numpy()) < 1e-12
    assert distance(layer.backward(d), x.grad.numpy()) < 1e-12


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (ActivationReLU, "relu"),
        (ActivationSigmoid, "sigmoid"),
        (ActivationTanh, "tanh"),
        (ActivationSoftmax, "softmax"),
    ],
)
def test_activation_functions_agree_over_a_wide_range(kind: Any, function: str) -> None:
    torch, layer = load(), kind()
    inputs = np.random.default_rng(1).standard_normal((50, 7)) * np.logspace(-3, 2, 50)[:, None]
    x = torch.tensor(inputs, requires_grad=True)
    out = torch.softmax(x, dim=1) if function == "softmax" else getattr(torch, function)(x)
    d = np.random.default_rng(2).standard_normal(out.shape)
    out.backward(torch.tensor(d))

    np.testing.assert_allclose(layer.forward(inputs), out.detach().numpy(), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(layer.backward(d), x.grad.numpy(), rtol=1e-9, atol=1e-14)
