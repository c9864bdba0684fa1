"""The model: layers, loss, optimiser and accuracy, put together much as in Keras.

model = Model(stats)
model.add(DenseLayer(784, 10)); model.add(ActivationSoftmax())
model.set(loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(0.5), accuracy=AccuracyCategorical())
model.finalize()
model.train(X, y, epochs=3, batch_size=128, print_every=64)
model.validate(validation_data=(X_test, y_test), batch_size=128, print_every=64)
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.arguments import expect_number, expect_whole, not_negative
from lenet.checks import (
    check_hooks,
    check_inputs,
    check_kind,
    check_lengths,
    check_pair,
    check_same_feeding,
    check_train_arguments,
    first_shape,
    precision,
)
from lenet.description import describe, layer_infos
from lenet.errors import SettingsError
from lenet.hooks import Hook, LayerInfo, StopTraining
from lenet.layers.activations import ActivationSoftmax
from lenet.layers.base import Array, Layer, TrainableLayer
from lenet.layers.initializers import Initializer
from lenet.losses import Labels, LossCategoricalCrossEntropy, sparse_labels
from lenet.metrics import AccuracyCategorical
from lenet.optim.optimizers import Optimizer
from lenet.optim.regularizers import Penalty
from lenet.parameters import Parameters
from lenet.training import state as states
from lenet.training.engine import Engine
from lenet.training.loop import Plan, Progress, run
from lenet.training.order import Order
from lenet.training.printing import PrintProgress
from lenet.training.tracking import Tracker, Tracking, check_tracker
from lenet.training.validation import validate


class Model:
    """A network and all it takes to train it.

    ``stats``: any :class:`Tracker`, or None. ``threads``: None for all cores;
    the result never depends on it. ``seed`` decides the initial weights and the
    order of shuffled batches. ``dtype``: float32 or float64, of all that is computed.
    ``initializer`` is for layers that name none. ``l1`` and ``l2`` penalise all
    weights, beside what single layers ask for. Raises SettingsError for anything else.
    """

    def __init__(
        self,
        stats: Tracker | None = None,
        threads: int | None = None,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        initializer: Initializer | str | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        if stats is not None:
            check_tracker(stats)
        if threads is not None:
            expect_whole("threads", threads, 1, ", or None for all cores")
        expect_whole("seed", seed, 0)
        expect_number("l1", l1, "0 or more", not_negative)
        expect_number("l2", l2, "0 or more", not_negative)
        if isinstance(initializer, str):
            initializer = Initializer(initializer)
        elif initializer is not None:
            check_kind("initializer", initializer, Initializer)
        self.stats = stats
        self.threads = int(threads) if threads is not None else _cores()
        self.seed = int(seed)
        self.dtype = precision(dtype)
        self.initializer = initializer
        self.l1, self.l2 = float(l1), float(l2)
        self.layers: list[Layer] = []
        self.progress = Progress()
        self._restored = False
        self._parameters: Parameters | None = None
        self._engine: Engine | None = None
        self._optimizer: Optimizer | None = None
        self._loss: LossCategoricalCrossEntropy | None = None
        self._accuracy: AccuracyCategorical | None = None

    # ---- putting it together

    def add(self, layer: Layer) -> None:
        """Append a layer. It gets its name here: conv1, relu1, pool1, conv2, ...

        Raises SettingsError after ``finalize``, and for a layer that is in a model already.
        """
        check_kind("add", layer, Layer)
        if self._parameters is not None:
            raise SettingsError(f"add: the model is finalized; add {type(layer).__name__} before finalize()")
        if layer.name:
            # Its weights would be in two places of the buffers, or in two models' buffers.
            raise SettingsError(f"add: {layer.name} is in a model already; expected a new {type(layer).__name__}")
        layer.name = f"{layer.prefix}{1 + Counter(one.prefix for one in self.layers)[layer.prefix]}"
        self.layers.append(layer)

    def set(self, *, loss: LossCategoricalCrossEntropy, optimizer: Optimizer, accuracy: AccuracyCategorical) -> None:
        """Choose loss, optimiser and accuracy.

        Raises SettingsError for an optimiser that another model has: what it keeps
        from step to step would be mixed up.
        """
        check_kind("set: loss", loss, LossCategoricalCrossEntropy)
        check_kind("set: optimizer", optimizer, Optimizer)
        check_kind("set: accuracy", accuracy, AccuracyCategorical)
        if optimizer.is_taken and optimizer is not self._optimizer:
            kind = type(optimizer).__name__
            raise SettingsError(f"set: this {kind} is in a model already; expected a new {kind}")
        optimizer.is_taken = True
        self._loss, self._optimizer, self._accuracy = loss, optimizer, accuracy
        self._engine = None

    def finalize(self) -> None:
        """Check all shapes through the network, draw the weights, and move them into one flat buffer.

        Raises ShapeError naming the first layer that does not fit.
        """
        if self._parameters is not None:
            return
        if not self.layers:
            raise SettingsError("finalize: the model has no layers; add() some first")
        self.input_shape = first_shape(self.layers)
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
        self.penalty = Penalty(
            parameters, {layer.name: (self.l1 + layer.l1, self.l2 + layer.l2) for layer in trainable}
        )

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
    def optimizer(self) -> Optimizer:
        """The optimiser. Raises SettingsError before ``set``."""
        if self._optimizer is None:
            raise SettingsError("the model has no optimizer; call set(loss=..., optimizer=..., accuracy=...) first")
        return self._optimizer

    @property
    def classes(self) -> int:
        """The number of outputs."""
        return self.shapes[-1][0]

    @property
    def layer_infos(self) -> tuple[LayerInfo, ...]:
        """What hooks are told of the trainable layers."""
        return layer_infos(self.layers, self.shapes)

    def describe(self) -> dict[str, Any]:
        """Layers, optimiser and penalties in plain types."""
        return {**describe(self), **(self._optimizer.describe() if self._optimizer else {})}

    # ---- training and validating

    def train(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        epochs: int = 1,
        batch_size: int | None = None,
        print_every: int | None = 100,
        *,
        hooks: Sequence[Hook] = (),
        validation_data: tuple[NDArray[Any], NDArray[Any]] | None = None,
        shuffle: bool = False,
        steps: int | None = None,
        order: Order | None = None,
    ) -> None:
        """Train on X (N, H, W, C) or (N, F) and labels y, (N,) or one-hot (N, classes).

        ``batch_size`` None takes all samples at once. ``print_every`` prints the
        report's lines every so many steps of an epoch (0 or None: never).
        ``validation_data`` is evaluated after each epoch. ``steps`` ends the run
        after that many steps, wherever it is. ``order`` says in which order the samples
        of each epoch are trained on, in place of ``shuffle``: see
        :mod:`lenet.training.order`. After :meth:`restore` the run goes on from where the
        state was taken, and epochs and steps count from its beginning, so it has to be
        given the same data, batch size and shuffling (or order); otherwise it starts at
        step 0, with the weights and the optimiser as they are.

        Raises SettingsError, ShapeError or DataError before the first step where
        something does not fit; errors of hooks are passed on.
        """
        engine = self._ready()
        check_train_arguments(epochs, batch_size, steps, print_every)
        check_hooks(hooks)
        if order is not None and shuffle:
            raise SettingsError("order: received an order and shuffle=True, expected one of the two")
        X = check_inputs("X", X, self.input_shape)
        labels = sparse_labels(y, self.classes)
        check_lengths("X", X, labels)
        batch = min(batch_size or len(X), len(X))
        steps_per_epoch = -(-len(X) // batch)
        total = epochs * steps_per_epoch
        validation = None
        if validation_data is not None:
            validation = self._checked_pair(validation_data)
        if not self._restored:
            self.progress = Progress()
        elif self.progress.step:
            shuffle_now = shuffle if order is None else self.progress.shuffle
            check_same_feeding(self.progress.steps_per_epoch, self.progress.shuffle, steps_per_epoch, shuffle_now)
        self._restored = False
        self.progress.steps_per_epoch = steps_per_epoch
        if order is None:
            self.progress.shuffle = bool(shuffle)
        plan = Plan(X, labels, epochs, batch, min(total, steps or total), steps_per_epoch, shuffle, order, validation)
        listening = [*hooks]
        if self.stats is not None:
            listening.append(Tracking(self.stats))
        if print_every:
            listening.append(PrintProgress(print_every))
        self._training_seconds = run(self, engine, plan, listening)

    def validate(
        self,
        validation_data: tuple[NDArray[Any], NDArray[Any]],
        batch_size: int | None = None,
        print_every: int | None = 100,
    ) -> tuple[float, float]:
        """Mean loss and accuracy on (inputs, labels), without training; told to the tracker.

        Prints the report's lines every ``print_every`` batches and at the end (0 or None: never):
        ``validation, step:64, acc:0.938, loss:0.208`` and ``final validation - acc:0.962, loss:0.131``,
        each with the seconds it took.
        """
        engine = self._ready()
        check_train_arguments(1, batch_size, None, print_every)
        X, labels = self._checked_pair(validation_data)
        batch = min(batch_size or len(X), len(X))
        loss, accuracy, seconds = validate(engine, X, labels, batch, print_every)
        if self.stats is not None:
            self.stats.record_validation_accuracy(accuracy)
            self.stats.add_time("validation", seconds)
            self.stats.add_time("combined", getattr(self, "_training_seconds", 0.0) + seconds)
        return loss, accuracy

    def predict(self, X: NDArray[Any]) -> Array:
        """Probabilities (N, classes) for inputs X."""
        engine = self._ready()
        with engine.running():
            return engine.probabilities(check_inputs("X", X, self.input_shape))

    # ---- exact state

    @property
    def step(self) -> int:
        """Steps made since the beginning of the run."""
        return self.progress.step

    def digest(self) -> str:
        """SHA-256 of all parameters: equal only where they are equal bit for bit."""
        return self.parameters.digest()

    def state(self) -> dict[str, NDArray[Any]]:
        """All that training depends on, as copies: see :mod:`lenet.training.state`."""
        return states.collect(self)

    def restore(self, state: dict[str, NDArray[Any]], *, position: bool = True) -> None:
        """Take over a state; the next ``train`` goes on from there.

        ``position=False`` takes the parameters alone, to start a new run from
        trained weights. Raises SettingsError where the state is another network's.
        """
        states.apply(self, state, position)
        self._restored = position

    # ---- inside

    def _checked_pair(self, data: tuple[NDArray[Any], NDArray[Any]]) -> tuple[Array, Labels]:
        """Validation data in the form that the engine takes. Raises as :meth:`train` does."""
        inputs, truth = check_pair("validation_data", data)
        X = check_inputs("validation_data", inputs, self.input_shape)
        labels = sparse_labels(truth, self.classes)
        check_lengths("validation_data", X, labels)
        return X, labels

    def _ready(self) -> Engine:
        """The engine, once everything is there."""
        parameters = self.parameters
        if self._loss is None or self._accuracy is None:
            raise SettingsError("the model has no loss; call set(loss=..., optimizer=..., accuracy=...) first")
        if self._engine is None:
            self._engine = Engine(self.layers, parameters, self.input_shape, self._loss, self._accuracy, self.threads)
        return self._engine


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


__all__ = ["Model", "StopTraining", "Tracker"]
