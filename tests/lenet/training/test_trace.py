"""A trace against the training step itself, and the gradients of samples against the gradient of the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import ReportConvolutionLayer
from lenet.training.trace import LayerGradient, Tracer
from tests.helpers.small_models import Everything, blobs, report_model, small_model

NAMES = ("conv1", "conv2", "dense1", "dense2")


class Step(Everything):
    """Keeps the outputs and the gradients of its last step."""

    outputs: dict[str, Any]
    gradients: Any

    def on_activations_ready(self, event: Any) -> None:
        portion = {name: np.concatenate(parts) for name, parts in event.outputs.items()}
        before = self.outputs if event.first_sample else {name: part[:0] for name, part in portion.items()}
        self.outputs = {name: np.concatenate([before[name], part]) for name, part in portion.items()}

    def on_gradients_ready(self, event: Any) -> None:
        self.gradients, self.loss = event.gradients.copy(), event.data_loss


def stepped(model: Any, samples: int) -> tuple[Step, Any, Any]:
    """A step on ``samples`` samples; the model is left as it was before it."""
    X, y = blobs(samples)
    model.train(X, y, epochs=2, batch_size=samples, print_every=0)
    state, step = model.state(), Step()
    model.train(X, y, epochs=1, batch_size=samples, print_every=0, hooks=[step])
    model.restore(state)
    return step, X, y


@pytest.mark.parametrize("samples", [1, 20, 50, 1300])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_trace_has_the_numbers_of_the_step_bit_for_bit(samples: int, dtype: str) -> None:
    model = small_model(dtype=dtype)
    step, X, y = stepped(model, samples)
    found = Tracer(model).follow(X, y, NAMES, backward=True)
    for name in NAMES:
        assert np.array_equal(found.layers[name].outputs, step.outputs[name])
    assert np.array_equal(found.layers["conv1"].inputs, step.outputs["input"])
    assert found.losses.mean(dtype=np.float64) == pytest.approx(step.loss, rel=1e-6)
    assert np.array_equal(found.probabilities, step.outputs["dense2"])
    relu = np.maximum(found.layers["dense1"].preactivations, 0)
    assert np.array_equal(relu, found.layers["dense1"].outputs)
    assert (found.layers["dense1"].preactivations < 0).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradients_of_the_samples_add_up_to_that_of_the_step(dtype: str) -> None:
    model = small_model(dtype=dtype, seed=2)
    step, X, y = stepped(model, 50)
    found = Tracer(model).follow(X, y, NAMES, backward=True)
    for layer in model.trainable_layers:
        one, all_of_them = LayerGradient(layer, 1, 50), LayerGradient(layer, 50, 50)
        layer_trace = found.layers[layer.name]
        total = np.sum(
            [one.of(layer_trace.inputs[i : i + 1], layer_trace.gradients[i : i + 1]).astype(float) for i in range(50)],
            axis=0,
        )
        offset = next(t.offset for t in model.parameters.tensors if t.layer == layer.name)
        logged = step.gradients[offset : offset + len(total)]
        np.testing.assert_allclose(total, logged, rtol=1e-4, atol=1e-6)
        together = all_of_them.of(layer_trace.inputs, layer_trace.gradients)
        np.testing.assert_allclose(together, logged, rtol=1e-4, atol=1e-6)


def test_with_the_report_s_convolution_the_rest_is_what_the_step_before_left() -> None:
    model = report_model(seed=2)
    X, y = blobs(50)
    model.train(X, y, epochs=2, batch_size=50, print_every=0)
    state, step = model.state(), Step()
    left = {layer.name: {k: v.copy() for k, v in layer.memory().items()} for layer in model.trainable_layers}
    model.restore(state)
    model.train(X, y, epochs=3, batch_size=50, print_every=0, hooks=[step])
    model.restore(state)
    found = Tracer(model).follow(X, y, NAMES, backward=True)
    for layer in model.trainable_layers:
        gradient = LayerGradient(layer, 50, 50).of(found.layers[layer.name].inputs, found.layers[layer.name].gradients)
        if isinstance(layer, ReportConvolutionLayer):
            kept = left[layer.name]
            gradient = gradient + np.concatenate([kept["dweights"].ravel(), kept["dbiases"]]) / 50
        offset = next(t.offset for t in model.parameters.tensors if t.layer == layer.name)
        np.testing.assert_allclose(gradient, step.gradients[offset : offset + len(gradient)], rtol=1e-3, atol=1e-6)


def test_part_of_a_batch_has_the_gradients_it_has_in_the_whole() -> None:
    model = small_model()
    X, y = blobs(64)
    whole = Tracer(model).follow(X, y, ["dense1"], backward=True).layers["dense1"]
    part = Tracer(model).follow(X[:32], y[:32], ["dense1"], backward=True, batch_samples=64).layers["dense1"]
    assert np.allclose(part.gradients, whole.gradients[:32], rtol=1e-5, atol=1e-8)
    assert Tracer(model).follow(X, y, ["dense1"]).layers["dense1"].gradients.size == 0
