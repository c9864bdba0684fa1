"""The network of a watched loop: its layers are found once a batch has gone through them, and read at every step."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.batch_layout import BatchLayout, Tensors
from diagnostics.adapters.kept_gradients import kind_of
from diagnostics.adapters.optimizer_state import optimizer_state
from diagnostics.adapters.read_layer import Array, HeldStep, ReadLayer, as_tensor
from diagnostics.adapters.tap import Read, Tap
from diagnostics.adapters.tap_finder import FoundTap, TapFinder
from diagnostics.adapters.tensor_search import TensorSearch
from diagnostics.adapters.tensors import find_layers
from diagnostics.adapters.walk import arrays_of
from diagnostics.adapters.watch_arguments import expect_used
from lenet.errors import SettingsError
from lenet.gradcheck.foreign.locations import Location
from lenet.losses import sparse_labels
from lenet.training.custom_layer import Function

Kept = dict[str, dict[str, Array]]
"""Copies of tensors, by layer and tensor."""


@dataclass
class HandedOver:
    """What the call of a step handed over.

    Attributes:
        gradients: the gradients; None (default) where it had none.
        outputs: the outputs by the names of the layers; default none.
    """

    gradients: Any = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


class WatchedNetwork:
    """Reads the layers of a network that a user wrote; the arguments are those of :class:`~diagnostics.watch`.

    Attributes:
        layers: the layers; none before :meth:`find`.
        optimizer_state: where the network keeps momentum or moments, see :func:`optimizer_state`; after :meth:`find`.
        of_step: what the current step handed over.
    """

    def __init__(
        self,
        network: Any,
        gradients: Read | None,
        activations: Mapping[str, Function | None],
        unit_axis: int | None,
        sample_axis: int | None,
        taps: Sequence[Tap] | None,
    ) -> None:
        self._network: Read = network if callable(network) and not _holds_layers(network) else lambda: network
        self.of_step = of_step = HandedOver()  # the taps read it: they do not hold this object, which holds them
        given = gradients or (lambda: of_step.gradients)
        self._finder = TapFinder(self._network, given, lambda: of_step.outputs, dict(activations), unit_axis)
        self._taps = taps
        self._layout = BatchLayout(sample_axis, unit_axis)
        self.layers: list[ReadLayer] = []
        self.optimizer_state: list[Location] = []
        self._found: list[FoundTap] = []
        self._held: list[HeldStep] = []
        self._kept = self._tensors_so_far()
        self._untaken = {} if taps is not None else self._untaken_now()

    def in_words(self, derives: bool) -> list[dict[str, Any]]:
        """What was found, a row a layer: after :meth:`find` all of it, before it the tensors alone.

        derives: whether gradients that were not found are derived from the updates.
        """
        if self._found:
            divides = self.layers[0].divides
            return [one.in_words(derives, divides) for one in self._found]
        return [
            {"layer": layer.name, "tensors": ", ".join(str(one.location) or "the array" for one in layer.tensors)}
            for layer in find_layers(self._network())
        ]

    def find(self, batch: NDArray[Any]) -> None:
        """Look for the layers, once a batch has gone through them."""
        if self._taps is not None:
            self._found = [FoundTap.told(tap) for tap in self._taps]
        else:
            self._found = self._finder.find(batch)
            expect_used(self._found, self.of_step.gradients, self.of_step.outputs)
        self.layers = [ReadLayer(one.tap) for one in self._found]
        if self._taps is None:
            tensors = [tensor for layer in self.layers for tensor in layer.live().values()]
            self.optimizer_state = optimizer_state(self._network(), tensors, len(batch))

    def were_known(self) -> bool:
        """Whether all tensors existed before the step; if not, the next step is the first that can be measured."""
        return {layer.name: layer.parameter_shapes() for layer in self.layers} == {
            name: {tensor: array.shape for tensor, array in tensors.items()} for name, tensors in self._kept.items()
        }

    def is_unchanged(self) -> bool:
        """Whether the update changed no tensor, though not all gradients that the network keeps are 0."""
        if not all(
            np.array_equal(self._kept[layer.name][name], now)
            for layer in self.layers
            for name, now in layer.live().items()
        ):
            return False
        gradients = [
            gradient for layer in self.layers if layer.tap.gradients for gradient in layer.gradients().values()
        ]
        return not gradients or any(gradient.any() for gradient in gradients)

    def forget_gradients_of_zero(self) -> bool:
        """Let gradients be derived where all that the network keeps are 0 after an update that changed the tensors.

        Returns whether they are. A network that sets its gradients to 0 right after its update keeps none to read.
        """
        kept = [layer.gradients()[name] for layer in self.layers for name in layer.tap.gradients]
        if self._taps is not None or self.of_step.gradients is not None or not kept or any(one.any() for one in kept):
            return False
        self._forget_gradients()
        return True

    def _forget_gradients(self) -> None:
        self._found = [one.without_gradients() for one in self._found]
        for layer, one in zip(self.layers, self._found, strict=True):
            layer.tap = one.tap

    def settle_gradients(self) -> dict[str, bool]:
        """Take the gradients that the network keeps for what the first update says that they are.

        Many networks keep sums over the batch, and divide the learning rate instead: these are divided, as the loss is
        a mean. What is a step and no gradient is left out, and the gradient is derived. Returns what the description of
        the run says of it. Raises SettingsError for gradients that come with the last layer first.
        """
        kind, is_given = kind_of(self.layers), self._taps is not None or self.of_step.gradients is not None
        if kind == "sums":
            for layer in self.layers:
                layer.divides = True
            return {"divided_gradients": True}
        if kind == "steps" and not is_given:
            self._forget_gradients()
        return {}

    def derived_updates(self) -> tuple[list[Array], float]:
        """The updates of the tensors whose gradients are derived, and the learning rate, at the step that is shown."""
        gradients = [(layer, layer.gradients()) for layer in self.layers]
        updates = [
            layer.rate * array
            for layer, of_layer in gradients
            for name, array in of_layer.items()
            if name not in layer.tap.gradients
        ]
        return updates, self.layers[0].rate

    def changed_without_being_taken(self) -> list[str]:
        """The matrices that the first step changed, though nothing says that they are trained, or of the batch."""
        now = {} if self._taps is not None else self._untaken_now()
        samples = {layer.samples for layer in self.layers}
        changed: list[str] = []
        for location, (shape, total) in now.items():
            shape_before, total_before = self._untaken.get(location, (shape, total))
            if shape_before == shape and total_before != total and not samples.intersection((shape[0], shape[-1])):
                changed.append(f"{location} {shape}")
        return changed

    def keep(self) -> None:
        """Copy the tensors as they are before the next step."""
        self._kept = {layer.name: layer.keep() for layer in self.layers}

    def show_before(self, samples: int, rate: float) -> None:
        """Let the layers return the tensors from before the update, which changed them with this learning rate."""
        for layer in self.layers:
            layer.samples, layer.rate, layer.before = samples, rate, self._kept[layer.name]

    def hold(self) -> None:
        """Keep what the layers show of this step, to announce it later."""
        self._held = [layer.hold() for layer in self.layers]

    def show_held(self) -> None:
        """Let the layers show the step that was held, from before its update."""
        for layer, held in zip(self.layers, self._held, strict=True):
            layer.show(held)

    def show_present(self) -> None:
        """Let the layers show the present step again."""
        for layer in self.layers:
            layer.show(None)

    def show_after(self) -> None:
        """Let the layers return the tensors from after the update."""
        for layer in self.layers:
            layer.before = None

    def batch(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """The batch with its samples first and its channels last."""
        return self._layout.read(inputs, self._first_layer)

    def accuracy(self, targets: NDArray[Any] | None, is_binary: bool = False) -> float:
        """The share of the batch whose largest output of the last layer is at its class.

        targets: those of the batch. is_binary: whether each output is a yes or no of its own; default False. The share
        is then that of the outputs which are right.

        Raises SettingsError where there are no targets or no outputs.
        """
        if targets is None:
            raise SettingsError("accuracy: received none, expected a share, or targets to count it with")
        answers = self.layers[-1].output()
        if answers is None:
            raise SettingsError("accuracy: received none, and the outputs of the last layer were not found to count it")
        if answers.shape[-1] == 1 or (is_binary and np.shape(targets) == answers.shape):  # each output is yes or no
            middle = 0.0 if self.layers[-1].tap.activation is None else 0.5
            return float(((answers.reshape(-1) > middle) == (np.asarray(targets).reshape(-1) > 0.5)).mean())
        targets = np.asarray(targets)
        if targets.ndim == 2 and targets.shape == answers.shape[::-1]:
            targets = targets.T
        if len(targets) != len(answers):
            raise SettingsError(f"targets: received {len(targets)}, expected {len(answers)}, one for each sample")
        classes = sparse_labels(targets, answers.shape[-1])
        return float((answers.argmax(axis=-1) == classes).mean())

    def _first_layer(self) -> Tensors:
        """The tensors of the first layer as they are now."""
        if self._taps is not None:
            return ReadLayer(self._taps[0]).live() if self._taps else {}
        network = self._network()
        return {
            one.name: as_tensor(layer.name, one.name, one.location.get(network))
            for layer in find_layers(network)[:1]
            for one in layer.tensors
        }

    def _untaken_now(self) -> dict[Location, tuple[tuple[int, ...], float]]:
        """Shape and sum of each matrix that is not among the tensors; a copy of it could be as large as the data."""
        with np.errstate(all="ignore"):
            matrices = TensorSearch(self._network()).untaken_matrices()
            return {location: (array.shape, float(array.sum())) for location, array in matrices.items()}

    def _tensors_so_far(self) -> Kept:
        """Copies of the tensors that are there before the first step."""
        if self._taps is not None:
            with suppress(LookupError, AttributeError, TypeError, SettingsError):  # they may come with the first batch
                return {tap.name: ReadLayer(tap).keep() for tap in self._taps}
            return {}
        network = self._network()
        return {
            layer.name: {
                one.name: as_tensor(layer.name, one.name, one.location.get(network)).copy() for one in layer.tensors
            }
            for layer in find_layers(network)
        }


def _holds_layers(network: Any) -> bool:
    """Whether something that can be called is a network all the same."""
    return not inspect.isroutine(network) and bool(arrays_of(network))
