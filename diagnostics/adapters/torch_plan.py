"""StepPlan: what is measured of a PyTorch model at each step, made in the first step, when all layers are known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.torch_layers import TorchLayer, TorchTensor, kernels_last, layers_of, tensor_infos
from diagnostics.adapters.torch_meter import StepNumbers
from diagnostics.adapters.torch_outputs import MeasuredOutputs, OutputAxes
from diagnostics.adapters.torch_tensors import GRADIENT, MeasuredTensors, measured, narrowed
from diagnostics.adapters.torch_trace import ForwardTrace
from diagnostics.adapters.torch_vector import StepVector
from diagnostics.measure.tensors import NONFINITE
from diagnostics.schema.columns import KINDS
from diagnostics.schema.measures import TENSOR_STATISTICS
from diagnostics.schema.tables import BINS, COUNTS, KERNELS, RANGES, SILENT
from lenet.errors import SettingsError
from lenet.hooks import LayerInfo


class TensorGroup:
    """Tensors of one optimiser on one device.

    Attributes:
        places: where they stand among all tensors.
    """

    def __init__(self, places: Sequence[int], tensors: Sequence[TorchTensor]) -> None:
        self.places = list(places)
        self.block = np.full((len(KINDS), len(TENSOR_STATISTICS), len(places)), np.nan)
        self._parameters = [tensors[place].parameter for place in places]
        self._tensors: MeasuredTensors = measured(self._parameters, self.block)

    def before(self, scale: float, vector: StepVector) -> None:
        """Before the update; ``scale`` is what the gradients are multiplied by."""
        self._tensors.before(self._gradients(scale), vector)

    def again(self, vector: StepVector) -> None:
        """The gradients once more, where the update has computed them itself."""
        self._tensors.gradients(self._gradients(1.0), vector)

    def after(self, vector: StepVector) -> None:
        """After the update."""
        self._tensors.after(vector)

    def histograms(self) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Histograms of the step, and their ranges."""
        return self._tensors.histograms(self._gradients(1.0))

    def _gradients(self, scale: float) -> list[Any]:
        found = [one.grad for one in self._parameters]
        return found if scale == 1 else [None if one is None else one.detach() * scale for one in found]


class StepPlan:
    """Layers, tensors and outputs of a model, and where their numbers go.

    Args:
        model: the model.
        optimizers: the optimisers.
        trace: what the first forward pass told.
        activations: the functions that the user named, by the names of layers.

    Raises:
        SettingsError: a model without parameters, or an activation of a layer that there is not.
    """

    def __init__(
        self,
        model: Any,
        optimizers: Sequence[Any],
        trace: ForwardTrace,
        activations: Mapping[str, str | None],
    ) -> None:
        self.layers: list[TorchLayer] = layers_of(model, trace.called)
        if not self.layers:
            raise SettingsError(f"model: found no parameters in {type(model).__name__}, expected some")
        names = [layer.name for layer in self.layers]
        if unknown := sorted(set(activations) - set(names)):
            raise SettingsError(
                f"activations: received {', '.join(unknown)}, expected some of the layers {', '.join(names)}"
            )
        self.tensors = [tensor for layer in self.layers for tensor in layer.tensors]
        seen = trace.functions()
        found = {layer.name: seen[layer.module] for layer in self.layers if layer.module in seen}
        self.functions = {name: one for name, one in {**found, **activations}.items() if one is not None}
        is_layer = not any(True for _ in model.children())
        seen_layers = [layer for layer in self.layers if layer.module in trace.outputs]
        self._seen = [layer for layer in seen_layers if is_layer or layer.module is not model]
        axes = [trace.outputs[layer.module].axes for layer in self._seen]
        self.infos = tuple(self._info(layer, one) for layer, one in zip(self._seen, axes, strict=True))
        self.numbers = StepNumbers(len(self.tensors), len(axes), sum(one.units for one in axes))
        self.groups = self._groups(optimizers)
        self._outputs = self._places_of_outputs(axes)
        self._batch: MeasuredOutputs | None = None
        self.still: list[str] = []
        self._optimized = 0
        if (batch := trace.batch) is not None:
            silent = np.zeros(batch.axes.units, np.float32)
            self._batch = MeasuredOutputs(batch.axes, None, self.numbers.outputs[:, 0], silent)
        self.tensor_infos = tensor_infos(self.tensors)

    @property
    def has_batch(self) -> bool:
        """Whether the inputs are measured: not where they are no floating-point numbers, or the model is not called."""
        return self._batch is not None

    def take_trace(self, trace: ForwardTrace, vector: StepVector) -> None:
        """Take in the outputs of the first step."""
        if (batch := trace.batch) is not None and self._batch is not None:
            self._batch.waiting(batch.sample, batch.low, batch.high, vector)
        for layer in self._seen:
            one = trace.outputs[layer.module]
            self._outputs[layer.module].waiting(one.sample, one.low, one.high, vector)

    def take_batch(self, x: Any, vector: StepVector) -> None:
        """Take in the input of the model."""
        if self._batch is not None:
            self._batch.measure(x, vector)

    def take_output(self, module: Any, output: Any, vector: StepVector) -> None:
        """Take in the output of a module."""
        measured_outputs = self._outputs.get(module)
        if measured_outputs is not None:
            measured_outputs.measure(output, vector)

    def finish(self, vector: StepVector) -> None:
        """The update is done: bring all numbers of the step to their places."""
        for one in (self._batch, *self._outputs.values()):
            if one is not None:
                one.finish(vector)
        vector.deliver()
        for groups in self.groups.values():
            for group in groups:
                self.numbers.tensors[:, :, group.places] = group.block

    def find_still(self, stepped: Collection[Any]) -> None:
        """Find the tensors that have no gradient: frozen ones, and those that nothing has used.

        ``stepped``: the optimisers that have made the first step; the others may have gradients later.
        """
        bare = set(np.flatnonzero(np.isnan(self.numbers.tensors[GRADIENT, NONFINITE])).tolist())
        waiting = [groups for one, groups in self.groups.items() if one is not None and one not in stepped]
        later = {place for groups in waiting for group in groups for place in group.places}
        places = [i for i in bare if i not in later or not self.tensors[i].parameter.requires_grad]
        self.still = [self.tensors[place].path for place in sorted(places)]

    def surprising(self) -> list[str]:
        """The tensors that were without a gradient at first, and have one now."""
        has_one = ~np.isnan(self.numbers.tensors[GRADIENT, NONFINITE])
        return [one.path for one, has in zip(self.tensors, has_one, strict=True) if has and one.path in self.still]

    def new_parameters(self, model: Any, optimizers: Sequence[Any]) -> list[str]:
        """The parameters that have come to the model; looked for where the optimisers have got others."""
        count = sum(len(group["params"]) for one in optimizers for group in one.param_groups)
        if count == self._optimized:
            return []
        self._optimized = count
        known = {id(one.parameter) for one in self.tensors}
        return [name for name, one in model.named_parameters() if id(one) not in known and not one.is_complex()]

    def in_words(self) -> list[dict[str, str]]:
        """What was found, a row a layer."""
        seen = {layer.name for layer in self._seen}
        return [
            {
                "layer": layer.name,
                "class": layer.kind,
                "tensors": ", ".join(one.name for one in layer.tensors),
                "without gradient": ", ".join(one.name for one in layer.tensors if one.path in self.still),
                "activation": self.functions.get(layer.name, "none"),
                "outputs": "measured" if layer.name in seen else "not seen",
            }
            for layer in self.layers
        ]

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """The arrays of a snapshot of the step, by path."""
        count = len(self.tensors)
        counts, ranges = np.zeros((len(KINDS), count, BINS), np.uint32), np.zeros((len(KINDS), count, 2), np.float32)
        for groups in self.groups.values():
            for group in groups:
                counts[:, group.places], ranges[:, group.places] = group.histograms()
        first = next((one for one in self.tensors if one.name == "weights" and len(one.shape) == 4), None)
        kernels = np.zeros(0, np.float32)
        if first is not None:
            held = first.parameter.detach()
            in_order = held if held.shape == first.shape else kernels_last(held)
            kernels = narrowed(in_order).cpu().contiguous().numpy().ravel()
        silent = self.numbers.silent.astype(np.uint8)
        return {COUNTS.path: counts, RANGES.path: ranges, SILENT.path: silent, KERNELS.path: kernels}

    # ---- inside

    def _info(self, layer: TorchLayer, axes: OutputAxes) -> LayerInfo:
        return LayerInfo(layer.name, layer.kind, self.functions.get(layer.name), axes.shape, axes.units)

    def _groups(self, optimizers: Sequence[Any]) -> dict[Any, list[TensorGroup]]:
        """The tensors by their optimiser, None for those of no optimiser, and by device."""
        owner = {id(p): one for one in optimizers for group in one.param_groups for p in group["params"]}
        by_place: dict[tuple[Any, Any], list[int]] = {}
        for place, tensor in enumerate(self.tensors):
            key = (owner.get(id(tensor.parameter)), tensor.parameter.device)
            by_place.setdefault(key, []).append(place)
        groups: dict[Any, list[TensorGroup]] = {}
        for (optimizer, _), places in by_place.items():
            groups.setdefault(optimizer, []).append(TensorGroup(places, self.tensors))
        return groups

    def _places_of_outputs(self, axes: Sequence[OutputAxes]) -> dict[Any, MeasuredOutputs]:
        found, start = {}, 0
        for place, (layer, one) in enumerate(zip(self._seen, axes, strict=True), 1):
            silent = self.numbers.silent[start : start + one.units]
            column = self.numbers.outputs[:, place]
            found[layer.module] = MeasuredOutputs(one, self.functions.get(layer.name), column, silent)
            start += one.units
        return found
