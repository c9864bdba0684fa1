"""What the search for tensors finds in a network, in plain words."""

from __future__ import annotations

from typing import Any

from diagnostics.adapters.tensors import find_layers


def found(network: Any) -> dict[str, dict[str, str]]:
    """Where the tensors of each layer are, by their names."""
    return {layer.name: {one.name: str(one.location) for one in layer.tensors} for layer in find_layers(network)}


def gradients_of(network: Any) -> dict[str, str]:
    """Where the gradient of each tensor is, by the place of the tensor."""
    return {str(one.location): str(one.gradient) for layer in find_layers(network) for one in layer.tensors}
