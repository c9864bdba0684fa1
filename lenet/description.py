"""A model in plain words and numbers, for hooks, logs and pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lenet.hooks import LayerInfo
from lenet.layers.activations import Activation
from lenet.layers.base import Layer, Shape, TrainableLayer

if TYPE_CHECKING:
    from lenet.model import Model


def layer_infos(layers: Sequence[Layer], shapes: Sequence[Shape]) -> tuple[LayerInfo, ...]:
    """What hooks are told of the trainable layers; ``shapes`` are a sample's before each and after the last."""
    infos = []
    for position, layer in enumerate(layers):
        if isinstance(layer, TrainableLayer):
            after = layers[position + 1] if position + 1 < len(layers) else None
            function = after.function if isinstance(after, Activation) else None
            shape = shapes[position + 1]
            infos.append(LayerInfo(layer.name, type(layer).__name__, function, shape, layer.units))
    return tuple(infos)


def describe(model: Model) -> dict[str, Any]:
    """Layers and penalties in plain types."""
    return {
        "layers": [{"name": layer.name, **layer.describe(), **_own_penalties(layer)} for layer in model.layers],
        "parameters": int(model.parameters.values.size),
        "l1": model.l1,
        "l2": model.l2,
        "dtype": str(model.dtype),
    }


def _own_penalties(layer: Layer) -> dict[str, float]:
    """What a layer asks for beside the model's penalties, where it asks for any."""
    if not isinstance(layer, TrainableLayer):
        return {}
    return {name: value for name, value in (("l1", layer.l1), ("l2", layer.l2)) if value}
