"""The layers of a Keras model with trainable variables, as a loop monitor reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from diagnostics.adapters.keras_arrays import as_array, backend
from diagnostics.adapters.keras_outputs import KerasOutputs
from diagnostics.adapters.keras_step import KerasStep
from diagnostics.adapters.read_layer import ReadLayer
from diagnostics.adapters.tap import Read, Tap
from lenet.training.observed_outputs import INPUT

TENSORS = {"kernel": "weights", "bias": "biases", "embeddings": "weights"}
"""What logs call the variables of Keras."""


def find_layers(model: Any, outputs: KerasOutputs, step: KerasStep) -> list[ReadLayer]:
    """The layers with trainable variables, in the order of the model."""
    groups: dict[str, dict[str, Any]] = {}
    for variable in model.trainable_variables:
        parts = variable.path.split("/")
        layer = "/".join(parts[1:-1] if len(parts) > 2 and parts[0] == model.name else parts[:-1]) or model.name
        variables = groups.setdefault(f"{layer}_" if layer == INPUT else layer, {})
        variables[_unlike(TENSORS.get(variable.name, variable.name), variables)] = variable
    layers = []
    for name, variables in groups.items():
        tensors = {tensor: _value(one) for tensor, one in variables.items()}
        has_gradients = backend() == "torch"
        gradients = {tensor: _gradient(one, step) for tensor, one in variables.items()} if has_gradients else {}
        output, function = outputs.of(next(iter(variables.values())))
        layers.append(ReadLayer(Tap(name, tensors, gradients, output, function, unit_axis=-1)))
    return layers


def forget_unseen(layers: list[ReadLayer], has_gradients: bool) -> None:
    """Let layers have no outputs where the first step showed none, and no gradients where nobody sees those."""
    for layer in layers:
        if layer.tap.output is not None and layer.tap.output() is None:
            layer.tap = replace(layer.tap, output=None, activation=None)
        if not has_gradients:
            layer.tap = replace(layer.tap, gradients={})


def _unlike(name: str, taken: Mapping[str, Any]) -> str:
    """A name that no other variable of the layer has."""
    return name if name not in taken else next(f"{name}_{n}" for n in range(2, 99) if f"{name}_{n}" not in taken)


def _value(variable: Any) -> Read:
    return lambda: np.atleast_1d(as_array(variable))


def _gradient(variable: Any, step: KerasStep) -> Read:
    """The gradient with the torch backend; 0 for a variable that no loss depends on."""

    def read() -> Any:
        found = step.gradient(variable)
        return np.zeros(variable.shape or (1,), np.float32) if found is None else found

    return read
