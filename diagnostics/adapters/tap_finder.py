"""TapFinder: finds the taps of the layers of a network that a user wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.adapters.stages import FoundStage, find_stage, guessed_function, numbered_output
from diagnostics.adapters.tap import Read, Tap
from diagnostics.adapters.tensors import FoundLayer, find_layers, gradients_in
from lenet.errors import SettingsError
from lenet.gradcheck.foreign.locations import Location
from lenet.training.custom_layer import Function


@dataclass(frozen=True)
class FoundTap:
    """A tap, and how it was found.

    Attributes:
        tap: where the layer is read.
        tensors: where each tensor is, by its name.
        gradients: where each gradient is, by the name of its tensor.
        output: where the outputs are; "" where nothing keeps them.
        how: how the activation function was found.
    """

    tap: Tap
    tensors: Mapping[str, str]
    gradients: Mapping[str, str]
    output: str
    how: str

    @classmethod
    def told(cls, tap: Tap) -> FoundTap:
        """A tap that the user made."""
        said = dict.fromkeys(tap.tensors, "as you said")
        return cls(
            tap, said, dict.fromkeys(tap.gradients, "as you said"), "as you said" if tap.output else "", "as you said"
        )

    def in_words(self) -> dict[str, str]:
        """What was found, by the columns of a table."""
        missing = [name for name in self.tensors if name not in self.gradients]
        gradients = [*self.gradients.values(), *(f"{name}: derived from the update" for name in missing)]
        return {
            "layer": self.tap.name,
            "class": self.tap.kind,
            "tensors": ", ".join(self.tensors.values()),
            "gradients": ", ".join(gradients),
            "activation": f"{self.tap.activation or 'none'} ({self.how})",
            "outputs": self.output or "not found",
        }


@dataclass(frozen=True)
class TapFinder:
    """Finds the taps of all layers with tensors, once a batch has gone forward and backward.

    Args:
        network: returns the network as it is now.
        gradients: returns the gradients where the network does not hold them, else None.
        outputs: returns outputs by the name of the layer, or under names such as A1, where the network keeps none.
        activations: the activation functions that the user named, by the name of the layer.
        unit_axis: the axis of the units in the outputs; None to find it.
    """

    network: Read
    gradients: Read
    outputs: Callable[[], Mapping[str, Any]]
    activations: Mapping[str, Function | None]
    unit_axis: int | None

    def find(self, samples: int) -> list[FoundTap]:
        """The taps, after a batch of so many samples.

        Raises SettingsError where no trainable tensor is found, and for an activation of a layer that there is not.
        """
        network = self.network()
        found = find_layers(network)
        if not found:
            raise SettingsError(
                f"network: found no trainable arrays in {type(network).__name__}, expected some called weights, W, "
                "kernel, biases or b, or arrays whose gradients have their names; say where they are with "
                "taps=[Tap(...)]"
            )
        if unknown := set(self.activations) - {layer.name for layer in found}:
            names = ", ".join(layer.name for layer in found)
            raise SettingsError(f"activations: received {', '.join(sorted(unknown))}, expected some of {names}")
        elsewhere = gradients_in(self.gradients(), found, network)
        owners = {layer.owner for layer in found}
        return [
            self._tap(layer, number, find_stage(network, layer, owners, samples), elsewhere, samples)
            for number, layer in enumerate(found, 1)
        ]

    def _tap(
        self, layer: FoundLayer, number: int, stage: FoundStage, elsewhere: Mapping[Location, Location], samples: int
    ) -> FoundTap:
        """The tap of one layer; ``elsewhere`` has the places of gradients that were handed over, by their tensors."""
        gradients: dict[str, tuple[Read, str]] = {}
        for tensor in layer.tensors:
            if tensor.location in elsewhere:
                gradients[tensor.name] = _reader(self.gradients, elsewhere[tensor.location]), "given"
            elif tensor.gradient is not None:
                gradients[tensor.name] = _reader(self.network, tensor.gradient), str(tensor.gradient)
        read, where = self._output(layer, layer.number or str(number), stage, samples)
        activation, how = stage.activation, stage.how
        if layer.name in self.activations:
            activation, how = self.activations[layer.name], "as you said"
        elif activation is None and read is not None:
            activation, how = guessed_function(np.asarray(read()))
        tap = Tap(
            layer.name,
            {tensor.name: _reader(self.network, tensor.location) for tensor in layer.tensors},
            {name: gradient for name, (gradient, _) in gradients.items()},
            read,
            activation,
            self.unit_axis,
            type(layer.owner.get(self.network())).__name__,
        )
        tensors = {tensor.name: str(tensor.location) for tensor in layer.tensors}
        return FoundTap(tap, tensors, {name: place for name, (_, place) in gradients.items()}, where, how)

    def _output(self, layer: FoundLayer, number: str, stage: FoundStage, samples: int) -> tuple[Read | None, str]:
        """How the outputs of a layer are read, and where from: as the user says, from its stage, or by their number."""
        if layer.name in self.outputs():
            return _reader(self.outputs, Location((("item", layer.name),))), "given"
        if (location := numbered_output(self.outputs(), number, samples)) is not None:
            return _reader(self.outputs, location), "given"
        if stage.output is not None:
            return stage.output.read, stage.output.what
        if (location := numbered_output(self.network(), number, samples)) is not None:
            return _reader(self.network, location), str(location)
        return None, ""


def _reader(root: Read, location: Location) -> Read:
    """Reads what is at ``location`` of what ``root`` returns. Raises SettingsError where it is not there any more."""

    def read() -> Any:
        held = root()
        try:
            return location.get(held)
        except (LookupError, AttributeError, TypeError):
            raise SettingsError(
                f"{location}: not found in {type(held).__name__} at this step, expected there as at the first one"
            ) from None

    return read
