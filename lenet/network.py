"""A network: its layers, the shapes between them, and their parameters in one flat buffer.

The training loop and the saved state need no more of a model than this.
:class:`lenet.model.Model` adds the loss, the optimiser, training and validation.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lenet.arguments import expect_number, expect_whole, not_negative
from lenet.checks import check_kind, precision
from lenet.errors import SettingsError
from lenet.hooks import LayerInfo
from lenet.html_tables import shape_words, share_bar, table
from lenet.layers.activations import Activation, ActivationSoftmax
from lenet.layers.base import Layer, TrainableLayer
from lenet.layers.initializers import Initializer
from lenet.layers.workspace import Shape
from lenet.optim.regularizers import Penalty
from lenet.parameters import Parameters


class Network:
    """Layers in order, and after :meth:`finalize` their shapes and parameters.

    Its arguments are those of :class:`lenet.model.Model` with the same names.

    Raises:
        SettingsError: an argument out of its range.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        initializer: Initializer | str | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        expect_whole("seed", seed, 0)
        expect_number("l1", l1, "0 or more", not_negative)
        expect_number("l2", l2, "0 or more", not_negative)
        if initializer is None or isinstance(initializer, str):
            initializer = Initializer() if initializer is None else Initializer(initializer)
        check_kind("initializer", initializer, Initializer)
        self.seed = int(seed)
        self.dtype = precision(dtype)
        self.initializer = initializer
        self.l1, self.l2 = float(l1), float(l2)
        self.layers: list[Layer] = []
        self._parameters: Parameters | None = None

    def add(self, layer: Layer) -> None:
        """Append a layer and give it its name: conv1, relu1, pool1, conv2, ...

        Raises SettingsError after ``finalize``, and for a layer that is in a model already.
        """
        check_kind("add", layer, Layer)
        if self._parameters is not None:
            raise SettingsError(f"add: the model is finalized; add {type(layer).__name__} before finalize()")
        if layer.name:
            # The weights would be in two places of the buffers, or in the buffers of two models.
            raise SettingsError(f"add: {layer.name} is in a model already; expected a new {type(layer).__name__}")
        layer.name = f"{layer.prefix}{1 + Counter(one.prefix for one in self.layers)[layer.prefix]}"
        self.layers.append(layer)

    def finalize(self) -> None:
        """Check all shapes through the network, draw the weights, and move them into one flat buffer.

        Raises ShapeError naming the first layer that does not fit, and SettingsError for a
        network without layers, without weights, or without a softmax at its end.
        """
        if self._parameters is not None:
            return
        if not self.layers:
            raise SettingsError("finalize: the model has no layers; add() some first")
        self.input_shape = self._first_shape()
        self.shapes = [self.input_shape]
        for layer in self.layers:
            self.shapes.append(layer.output_shape(self.shapes[-1]))
        if not isinstance(self.layers[-1], ActivationSoftmax):
            raise SettingsError(
                f"finalize: the last layer is {self.layers[-1].title}, expected ActivationSoftmax, "
                "which the cross-entropy needs"
            )
        trainable = self.trainable_layers
        if not trainable:
            raise SettingsError("finalize: the model has no layer with weights, expected at least one")
        for position, layer in enumerate(trainable):
            if not layer.has_parameters:
                seeds = np.random.SeedSequence(self.seed, spawn_key=(0, position))
                layer.draw(np.random.default_rng(seeds), self.initializer)
        parameters = Parameters(trainable, self.dtype)
        for layer in trainable:
            layer.bind(
                parameters.views(parameters.values, layer.name), parameters.views(parameters.gradients, layer.name)
            )
        self._parameters = parameters
        strengths = {layer.name: (self.l1 + layer.l1, self.l2 + layer.l2) for layer in trainable}
        self.penalty = Penalty(parameters, strengths)

    def _first_shape(self) -> Shape:
        """Shape of one input sample, as the first layer knows it."""
        first, *rest = self.layers
        shape = first.known_input_shape(rest[0] if rest else None)
        if shape is None:
            raise SettingsError(
                f"finalize: the first layer is {first.title}, which does not say how large its input is; expected a "
                "ConvolutionLayer, a DenseLayer or Flatten(input_size=(height, width, depth))"
            )
        return shape

    @property
    def trainable_layers(self) -> list[TrainableLayer]:
        """The layers with weights and biases, in order."""
        return [layer for layer in self.layers if isinstance(layer, TrainableLayer)]

    @property
    def parameters(self) -> Parameters:
        """All weights and biases, flat. Raises SettingsError before ``finalize``."""
        if self._parameters is None:
            raise SettingsError("the model is not finalized; call finalize() first")
        return self._parameters

    @property
    def classes(self) -> int:
        """The number of outputs."""
        return self.shapes[-1][0]

    @property
    def layer_infos(self) -> tuple[LayerInfo, ...]:
        """The trainable layers, for the events of hooks."""
        infos = []
        followers: list[Layer | None] = [*self.layers[1:], None]
        for layer, follower, shape in zip(self.layers, followers, self.shapes[1:], strict=True):
            if isinstance(layer, TrainableLayer):
                function = follower.function if isinstance(follower, Activation) else None
                infos.append(LayerInfo(layer.name, type(layer).__name__, function, shape, layer.units))
        return tuple(infos)

    def describe(self) -> dict[str, Any]:
        """Layers, penalties and initial weights in plain types, for hooks, logs and pages.

        :func:`lenet.rebuild.model_from` makes the same network from it.
        """
        return {
            "layers": [{"name": layer.name, **layer.describe(), **_own_options(layer)} for layer in self.layers],
            "parameters": int(self.parameters.values.size),
            "l1": self.l1,
            "l2": self.l2,
            "dtype": str(self.dtype),
            "input_shape": list(self.input_shape),
            "initializer": self.initializer.describe(),
        }

    def __repr__(self) -> str:
        layers = ", ".join(layer.name for layer in self.trainable_layers) or "no layers with weights"
        return f"<{type(self).__name__} of {layers}>"

    def _repr_html_(self) -> str:
        """The layers in their order: what comes out of each, and how many of the parameters it has."""
        counts = [sum(int(np.prod(shape)) for shape in shapes_of(layer).values()) for layer in self.layers]
        outputs = [shape_words(shape) for shape in self.shapes[1:]] if self._parameters else ["" for _ in self.layers]
        rows = [
            (
                layer.name or type(layer).__name__,
                type(layer).__name__,
                output,
                f"{n:,}" if n else "",
                share_bar(n / sum(counts)) if n else "",
            )
            for layer, output, n in zip(self.layers, outputs, counts, strict=True)
        ]
        title = f"{type(self).__name__} with {sum(counts):,} parameters"
        return table(title, ("layer", "kind", "output", "parameters", "share of all"), rows)

    def digest(self) -> str:
        """SHA-256 of all parameters: equal only where they are equal bit for bit."""
        return self.parameters.digest()


def shapes_of(layer: Layer) -> dict[str, Shape]:
    """The shapes of a layer's parameters, by their names; none for a layer without."""
    return layer.parameter_shapes() if isinstance(layer, TrainableLayer) else {}


def _own_options(layer: Layer) -> dict[str, Any]:
    """A layer's own penalties and initialiser."""
    if not isinstance(layer, TrainableLayer):
        return {}
    options: dict[str, Any] = {name: value for name, value in (("l1", layer.l1), ("l2", layer.l2)) if value}
    if layer.initializer is not None:
        options["initializer"] = layer.initializer.describe()
    return options
