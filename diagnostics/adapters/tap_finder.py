"""TapFinder: finds the taps of the layers of a network that a user wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.labelled_outputs import LabelledOutputs
from diagnostics.adapters.read_layer import units_of
from diagnostics.adapters.stages import FoundStage, can_be_of, find_stage, fits, guessed_function
from diagnostics.adapters.tap import Read, Tap
from diagnostics.adapters.tensor_search import TensorSearch
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

    def without_gradients(self) -> FoundTap:
        """The same without the places of its gradients, which are then derived from the update."""
        return replace(self, tap=replace(self.tap, gradients={}), gradients={})

    def in_words(self, derives: bool, divides: bool) -> dict[str, str]:
        """What was found, by the columns of a table.

        derives: whether the gradients that were not found are derived from the updates.
        divides: whether those that were found are divided by the batch size.
        """
        missing = [name for name in self.tensors if name not in self.gradients]
        instead = "derived from the update" if derives else "not recorded"
        divided = " / batch size" if divides else ""
        found = [f"{place}{divided}" for place in self.gradients.values()]
        gradients = [*found, *(f"{name}: {instead}" for name in missing)]
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

    def find(self, batch: NDArray[Any]) -> list[FoundTap]:
        """The taps, after a batch of inputs, samples first.

        Raises SettingsError where no trainable tensor is found, where each unit has its own, and for an activation of
        a layer that there is not.
        """
        network = self.network()
        found = find_layers(network)
        if not found:
            raise SettingsError(nothing_found(network))
        if len(found) > 1 and all(np.ndim(one.location.get(network)) < 2 for layer in found for one in layer.tensors):
            raise SettingsError(
                "network: received the weights of each unit in an array of its own, such as "
                f"{found[0].tensors[0].location}, expected an array for each layer; stack them: "
                'watch(lambda: {"W1": np.stack([unit.weights for unit in ...], axis=1), ...}, ...)'
            )
        if unknown := set(self.activations) - {layer.name for layer in found}:
            names = ", ".join(layer.name for layer in found)
            raise SettingsError(f"activations: received {', '.join(sorted(unknown))}, expected some of {names}")
        elsewhere = gradients_in(self.gradients(), found, network)
        labels = [layer.label or str(number) for number, layer in enumerate(found, 1)]
        given, own = (LabelledOutputs(root, batch, labels) for root in (self.outputs(), network))
        taps: list[FoundTap] = []
        for layer, label in zip(found, labels, strict=True):
            stage = find_stage(network, layer, found, len(batch))
            output = self._output(layer, stage, given.of(label), own.of(label))
            taps.append(self._tap(layer, stage, output, elsewhere, len(batch)))
        return taps

    def _tap(
        self,
        layer: FoundLayer,
        stage: FoundStage,
        output: tuple[Read | None, str],
        elsewhere: Mapping[Location, Location],
        samples: int,
    ) -> FoundTap:
        """The tap of one layer; ``elsewhere`` has the places of gradients that were handed over, by their tensors."""
        gradients: dict[str, tuple[Read, str]] = {}
        for tensor in layer.tensors:
            if tensor.location in elsewhere:
                gradients[tensor.name] = _reader(self.gradients, elsewhere[tensor.location]), "given"
            elif tensor.gradient is not None:
                gradients[tensor.name] = _reader(self.network, tensor.gradient), str(tensor.gradient)
        tensors = {tensor.name: _reader(self.network, tensor.location) for tensor in layer.tensors}
        read, where = output
        units = units_of({name: tensor() for name, tensor in tensors.items()})
        if read and where != "given" and not fits(layer.name, np.asarray(read()), samples, units, self.unit_axis):
            read, where = None, ""
        activation, how = stage.activation, stage.how
        if read is not None and not can_be_of(activation, np.asarray(read())):
            activation = None
        if layer.name in self.activations:
            activation, how = self.activations[layer.name], "as you said"
        elif activation is None and read is not None:
            activation, how = guessed_function(np.asarray(read()))
        tap = Tap(
            layer.name,
            tensors,
            {name: gradient for name, (gradient, _) in gradients.items()},
            read,
            activation,
            self.unit_axis,
            type(layer.owner.get(self.network())).__name__,
        )
        places = {tensor.name: str(tensor.location) or "the array" for tensor in layer.tensors}
        return FoundTap(tap, places, {name: place for name, (_, place) in gradients.items()}, where, how)

    def _output(
        self, layer: FoundLayer, stage: FoundStage, given: Location | None, own: Location | None
    ) -> tuple[Read | None, str]:
        """How the outputs of a layer are read, and where from: as the user says, from its stage, or by their label."""
        if layer.name in self.outputs():
            return _reader(self.outputs, Location((("item", layer.name),))), "given"
        if given is not None:
            return _reader(self.outputs, given), "given"
        if stage.output is not None:
            return stage.output.read, stage.output.what
        return (None, "") if own is None else (_reader(self.network, own), str(own))


def nothing_found(network: Any) -> str:
    """What to say where no array of a network is trained as far as the names say."""
    search = TensorSearch(network)
    others = ", ".join([f"{location} {array.shape}" for location, array in search.untaken_matrices().items()][:6])
    holds = f", which holds {others}" if others else "" if search.held else ", which holds no floating-point arrays"
    return (
        f"network: found no trainable arrays in {type(network).__name__}{holds}, expected some called weights, W, "
        "kernel, biases or b, or arrays whose gradients have their names; say which they are: "
        'watch(lambda: {"W1": np.array(...), "b1": np.array(...)}, ...), or taps=[Tap(...)]'
    )


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
