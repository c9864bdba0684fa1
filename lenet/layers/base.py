"""The public interface of all layers, with the batch first.

``forward(inputs)`` and ``backward(dvalues)`` take (N, H, W, C) or (N, F), and set
``output``, ``dinputs``, ``dweights`` and ``dbiases``: the convention of "Neural Networks
from Scratch" (nnfs.io) that the paper follows. Both call a workspace, the implementation
that training uses (:mod:`lenet.layers.workspace`), so each layer is implemented once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lenet.arguments import expect_number, expect_whole, not_negative
from lenet.errors import SettingsError, ShapeError
from lenet.html_tables import histogram_line, shape_words, table
from lenet.layers.initializers import Initializer
from lenet.layers.workspace import Array, Shape, TrainableWorkspace, Workspace, WorkspaceSpec, batch_first, batch_last


class Layer:
    """Base of all layers. A model gives the ``name``: conv1, relu1, pool1, ..., from ``prefix``."""

    prefix = "layer"
    name: str = ""
    output: Array
    dinputs: Array
    # The workspace behind forward and backward, and the inputs' shape and type that it was made for.
    _standalone_workspace: Workspace | None = None
    _standalone_key: tuple[Shape, np.dtype[Any]] | None = None

    @property
    def title(self) -> str:
        """The name of the layer in messages: its name in the model, else its class."""
        return self.name or type(self).__name__

    def known_input_shape(self, following: Layer | None) -> Shape | None:
        """Shape of one input sample, if the layer and the one ``following`` it tell it; None if they take any."""
        return None

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one sample after the layer. Raises ShapeError where the input does not fit."""
        raise NotImplementedError

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """The arrays and the arithmetic for one shard."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """The layer's class and arguments, in plain types."""
        return {"layer": type(self).__name__}

    def __repr__(self) -> str:
        kind, *arguments = self.describe().items()
        return f"<{' '.join([kind[1], ', '.join(f'{name}={value}' for name, value in arguments)]).rstrip()}>"

    def _repr_html_(self) -> str:
        """Its arguments, and of its parameters the shapes and how they are spread."""
        kind, *arguments = self.describe().items()
        rows = [(name, str(value), "") for name, value in arguments]
        return table(f"{kind[1]} {self.name}".rstrip(), ("argument", "value", ""), [*rows, *self._parameter_rows()])

    def _parameter_rows(self) -> list[tuple[str, str, str]]:
        """Name, shape and spread of each parameter: none here."""
        return []

    def compute_dtype(self, inputs: Array) -> np.dtype[Any]:
        """Float64 where the inputs are float64, else float32."""
        return np.dtype(np.float64 if inputs.dtype == np.float64 else np.float32)

    def forward(self, inputs: Array) -> Array:
        """Output (N, ...) for inputs (N, ...); also kept as ``output``."""
        inputs = np.asarray(inputs)
        if inputs.ndim not in (2, 4):
            raise ShapeError(f"{self.title}: received inputs {inputs.shape}, expected (N, H, W, C) or (N, F)")
        self.output_shape(inputs.shape[1:])
        dtype = self.compute_dtype(inputs)
        key = (inputs.shape, dtype)
        if self._standalone_workspace is None or self._standalone_key != key:
            self._standalone_workspace = self.workspace(WorkspaceSpec(inputs.shape[1:], len(inputs), dtype))
            self._standalone_key = key
        self._prepare(self._standalone_workspace, dtype)
        x = np.ascontiguousarray(batch_last(inputs), dtype=dtype)
        self.output = batch_first(self._standalone_workspace.forward(x)).copy()
        return self.output

    def _prepare(self, workspace: Workspace, dtype: np.dtype[Any]) -> None:
        """Is called before each forward pass of the standalone workspace. Layers with parameters override it."""

    def backward(self, dvalues: Array) -> Array:
        """Gradient by the inputs of the last ``forward``, for dvalues shaped like ``output``.

        Raises SettingsError before the first ``forward``, ShapeError where dvalues do not fit.
        """
        if self._standalone_workspace is None or self._standalone_key is None:
            raise SettingsError(f"{self.title}: backward was called before forward")
        dvalues = np.asarray(dvalues)
        if dvalues.shape != self.output.shape:
            raise ShapeError(f"{self.title}: received dvalues {dvalues.shape}, expected {self.output.shape}")
        d = np.array(batch_last(dvalues), dtype=self._standalone_key[1], order="C", copy=True)
        dinputs = self._standalone_workspace.backward(d)
        if dinputs is None:
            raise AssertionError("a standalone workspace always computes the input gradient")
        self.dinputs = batch_first(dinputs).copy()
        return self.dinputs


class TrainableLayer(Layer):
    """A layer with weights and biases.

    Alone, it owns its parameters and draws them when they are first asked for. In a model
    they are views into the model's flat buffers. Weights that were set by hand before
    ``finalize`` are kept.

    Args:
        initializer: how the weights start, an :class:`Initializer` or the name of its scheme;
            None (default) for the model's.
        l1: strength of the L1 penalty of this layer's weights, 0 or more, default 0; added to the model's.
        l2: strength of the L2 penalty of this layer's weights, 0 or more, default 0; added to the model's.
        seed: the seed of the weights of a layer that is in no model, 0 or more, default 0.

    Raises:
        SettingsError: an argument out of its range.
    """

    def __init__(
        self, initializer: Initializer | str | None = None, l1: float = 0.0, l2: float = 0.0, seed: int = 0
    ) -> None:
        kind = type(self).__name__
        expect_number(f"{kind}: l1", l1, "0 or more", not_negative)
        expect_number(f"{kind}: l2", l2, "0 or more", not_negative)
        expect_whole(f"{kind}: seed", seed, 0)
        if not (initializer is None or isinstance(initializer, (str, Initializer))):
            raise SettingsError(f"{kind}: received initializer={initializer!r}, expected an Initializer or its name")
        self.initializer = Initializer(initializer) if isinstance(initializer, str) else initializer
        self.l1, self.l2 = float(l1), float(l2)
        self.seed = seed
        self._is_bound = False
        self._parameters: dict[str, Array] = {}
        self._gradients: dict[str, Array] = {}

    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes of ``weights`` and ``biases``."""
        raise NotImplementedError

    @property
    def units(self) -> int:
        """Number of channels or neurons."""
        return self.parameter_shapes()["biases"][0]

    @property
    def has_parameters(self) -> bool:
        """Whether weights were drawn or set already."""
        return bool(self._parameters)

    def draw(self, generator: np.random.Generator, initializer: Initializer | None = None) -> None:
        """Draw new weights and set the biases to 0, in float32."""
        shapes = self.parameter_shapes()
        chosen = self.initializer or initializer or Initializer()
        self._parameters = {
            "weights": chosen.draw(shapes["weights"], generator).astype(np.float32),
            "biases": np.zeros(shapes["biases"], np.float32),
        }

    def bind(self, values: dict[str, Array], gradients: dict[str, Array]) -> None:
        """Move the parameters into ``values`` and ``gradients``, views of a model's buffers."""
        for name, view in values.items():
            view[...] = self._arrays()[name]
        self._parameters, self._gradients = values, gradients
        self._is_bound = True
        self._standalone_key = None

    def complete_gradients(self, samples: int) -> None:
        """Is called once a step after the shards' gradients were summed. The paper's convolution overrides it."""

    def gradient_factor(self, samples: int) -> float:
        """What :meth:`complete_gradients` multiplies the shards' sum of a batch of ``samples`` by: 1."""
        return 1.0

    def _parameter_rows(self) -> list[tuple[str, str, str]]:
        drawn = self._parameters if self.has_parameters else {}
        return [
            (name, shape_words(shape), histogram_line(drawn[name]) if name in drawn else "not drawn yet")
            for name, shape in self.parameter_shapes().items()
        ]

    def memory(self) -> dict[str, Array]:
        """Arrays that the layer carries from step to step beside its parameters: none."""
        return {}

    def compute_dtype(self, inputs: Array) -> np.dtype[Any]:
        """Float64 where weights or inputs are, else float32."""
        wide = np.float64 in (inputs.dtype, self.weights.dtype)
        return np.dtype(np.float64 if wide else np.float32)

    def backward(self, dvalues: Array) -> Array:
        """As :meth:`Layer.backward`; also fills ``dweights`` and ``dbiases``."""
        dinputs = super().backward(dvalues)
        if self._is_bound:
            for name, part in self._standalone_gradients.items():
                self._gradients[name][...] = part
        else:
            self._gradients = {name: part.copy() for name, part in self._standalone_gradients.items()}
        self.complete_gradients(len(dvalues))
        return dinputs

    def _prepare(self, workspace: Workspace, dtype: np.dtype[Any]) -> None:
        if not isinstance(workspace, TrainableWorkspace):
            raise AssertionError("the workspace of a trainable layer is a trainable one")
        self._standalone_gradients = {name: np.empty(shape, dtype) for name, shape in self.parameter_shapes().items()}
        workspace.bind(self._arrays(), self._standalone_gradients)

    def _arrays(self) -> dict[str, Array]:
        if not self.has_parameters:
            self.draw(np.random.default_rng(self.seed))
        return self._parameters

    def _set(self, name: str, value: Array) -> None:
        expected = self.parameter_shapes()[name]
        value = np.asarray(value)
        if value.shape != expected:
            raise ShapeError(f"{self.title}: received {name} {value.shape}, expected {expected}")
        arrays = self._arrays()
        if self._is_bound:
            arrays[name][...] = value
            return
        wide = value.dtype == np.float64
        arrays[name] = np.array(value, dtype=np.float64 if wide else np.float32)

    def _gradient(self, name: str) -> Array:
        if name not in self._gradients:
            raise AttributeError(f"{self.title}: d{name} is not there before backward")
        return self._gradients[name]

    @property
    def weights(self) -> Array:
        """Weights; setting them checks the shape, and copies into the model where there is one."""
        return self._arrays()["weights"]

    @weights.setter
    def weights(self, value: Array) -> None:
        self._set("weights", value)

    @property
    def biases(self) -> Array:
        """Biases, (units,); settable like the weights."""
        return self._arrays()["biases"]

    @biases.setter
    def biases(self, value: Array) -> None:
        self._set("biases", value)

    @property
    def dweights(self) -> Array:
        """Gradient by the weights after ``backward``."""
        return self._gradient("weights")

    @property
    def dbiases(self) -> Array:
        """Gradient by the biases after ``backward``."""
        return self._gradient("biases")
