"""The inputs and the outputs of the layers of a Keras model with the torch backend, taken by forward hooks.

Layers of that backend are modules of PyTorch. They are hooked where the model is Sequential or Functional and has one
input of a known shape: then every layer is called at every step, with outputs of the same shape.
"""

from __future__ import annotations

from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.tap import Read
from diagnostics.adapters.torch_hooks import HookSet
from lenet.training.custom_layer import Function

LINEAR = (None, "linear")


class KerasOutputs:
    """What the newest training step put through a model.

    ``batch`` is its input, None before the first step. ``has_any`` says whether outputs of any layer were seen.
    """

    def __init__(self) -> None:
        self.batch: NDArray[Any] | None = None
        self._hooks, self._found, self._called = HookSet(), dict[int, Any](), set[int]()
        self._places: dict[int, tuple[Any, Function | None]] = {}

    @property
    def has_any(self) -> bool:
        return bool(self._found)

    def attach(self, model: Any) -> None:
        """Hang hooks on the layers of a model where all of them can be known; does nothing for any other model."""
        self.detach()
        if not _is_static(model):
            return
        self._hooks.add(model.register_forward_pre_hook, self._on_batch)
        after = {id(_tensor(layer, "input")): layer for layer in _all_layers(model) if _only_activates(layer)}
        for layer in _all_layers(model):
            function, place = _function(layer), layer
            follower = after.get(id(_tensor(layer, "output")))
            if function in LINEAR and follower is not None:
                function, place = _function(follower), follower
            if len({one.path.rpartition("/")[0] for one in layer.trainable_variables}) == 1:
                for variable in layer.trainable_variables:
                    self._places[id(variable)] = place, _known(function)
                self._hooks.add(place.register_forward_hook, self._on_output)

    def detach(self) -> None:
        """Take the hooks off."""
        self._hooks.remove()
        self._places, self._found, self.batch = {}, {}, None

    def of(self, variable: Any) -> tuple[Read | None, Function | None]:
        """Reads the outputs of the layer that has a variable, and the function that made them; None, None without."""
        place, function = self._places.get(id(variable), (None, None))
        if place is None:
            return None, None
        return lambda: self._found.get(id(place)), function

    # ---- what the hooks call

    def _on_batch(self, module: Any, inputs: Any) -> None:
        if inputs and _is_training():
            batch = _array(inputs[0])
            batch = batch.reshape(-1, 1) if batch.ndim == 1 else batch
            self._called.clear()
            self.batch = batch if batch.ndim < 5 else batch.reshape(len(batch), -1)

    def _on_output(self, module: Any, inputs: Any, output: Any) -> None:
        is_plain = hasattr(output, "is_floating_point") and output.ndim > 1
        if id(module) in self._called:  # a shared layer has several outputs
            self._found.pop(id(module), None)
        elif is_plain and self.batch is not None and _is_training() and len(output) == len(self.batch):
            array = _array(output)
            is_first = getattr(module, "data_format", None) == "channels_first" and array.ndim > 2
            self._found[id(module)] = np.moveaxis(array, 1, -1) if is_first else array
        if _is_training():
            self._called.add(id(module))


def _is_training() -> bool:
    """Validations and predictions differentiate nothing."""
    import torch

    return bool(torch.is_grad_enabled())


def _array(x: Any) -> NDArray[Any]:
    found: NDArray[Any] = (x if "float64" in str(x.dtype) else x.float()).detach().cpu().numpy()
    return found


def _is_static(model: Any) -> bool:
    """Whether a model calls all its layers at every step, with one input of a shape that is known."""
    names = {base.__name__ for base in type(model).__mro__}
    if not names & {"Sequential", "Functional"} or getattr(model, "jit_compile", False) is True:
        return False
    shape = getattr(model, "input_shape", None)
    return isinstance(shape, tuple) and all(isinstance(side, int) for side in shape[1:])


def _all_layers(model: Any) -> list[Any]:
    """The layers of a model, and those of the models within it, which are called as they are."""
    found = []
    for layer in model.layers:
        found += _all_layers(layer) if hasattr(layer, "layers") and _is_static(layer) else [layer]
    return found


def _tensor(layer: Any, name: str) -> Any:
    """The symbolic input or output of a layer; the layer itself where it has none, or several calls."""
    try:
        return getattr(layer, name)
    except (AttributeError, ValueError):
        return layer


def _only_activates(layer: Any) -> bool:
    kind = type(layer).__name__
    is_plain_relu = kind == "ReLU" and layer.max_value is None and not layer.negative_slope and not layer.threshold
    return kind in ("Activation", "Softmax") or is_plain_relu


def _function(layer: Any) -> str | None:
    """The name of the function that is the last thing a layer does."""
    kind = type(layer).__name__
    if kind in ("ReLU", "Softmax"):
        return kind.lower()
    if kind in ("LSTM", "GRU"):  # their outputs are products with gates
        return None
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return None if name is None else str(name)


def _known(function: str | None) -> Function | None:
    return cast(Function, function) if function in get_args(Function) else None
