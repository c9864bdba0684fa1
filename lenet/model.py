"""The model: a network with its loss, its optimiser and its accuracy, built much as in Keras.

model = Model(stats)
model.add(DenseLayer(784, 10)); model.add(ActivationSoftmax())
model.set(loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(0.5), accuracy=AccuracyCategorical())
model.finalize()
model.train(X, y, epochs=3, batch_size=128, print_every=64)
model.validate(validation_data=(X_test, y_test), batch_size=128, print_every=64)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.arguments import expect_whole
from lenet.checks import (
    check_hooks,
    check_inputs,
    check_kind,
    check_lengths,
    check_pair,
    check_same_feeding,
    check_train_arguments,
)
from lenet.errors import SettingsError
from lenet.hooks import Hook, RunEnd, ValidationEnd
from lenet.layers.initializers import Initializer
from lenet.layers.workspace import Array
from lenet.losses import Labels, LossCategoricalCrossEntropy, sparse_labels
from lenet.metrics import AccuracyCategorical
from lenet.network import Network
from lenet.optim.optimizers import Optimizer
from lenet.training import state as states
from lenet.training.announcer import Announcer
from lenet.training.engine import Engine, cores
from lenet.training.listeners import Listeners
from lenet.training.loop import TrainingLoop, TrainingPlan
from lenet.training.order import Order
from lenet.training.printing import PrintProgress
from lenet.training.progress import TrainingProgress
from lenet.training.tracking import Tracker, Tracking, check_tracker
from lenet.training.validation import validate


class Model(Network):
    """A network with everything that its training needs.

    Args:
        stats: a tracker of times and accuracies, any object with the methods of
            :class:`lenet.training.tracking.Tracker`; None (default) for none.
        threads: how many threads compute, 1 or more; None (default) for all cores. The result
            never depends on it.
        seed: decides the initial weights and the order of shuffled batches; 0 or more, default 0.
        dtype: precision of all that is computed, float32 (default) or float64.
        initializer: how the weights of layers start that name no initializer of their own;
            an :class:`Initializer` or the name of its scheme, None (default) for the paper's.
        l1: strength of the L1 penalty of all weights, 0 or more, default 0; added to a layer's own.
        l2: strength of the L2 penalty of all weights, 0 or more, default 0; added to a layer's own.

    Raises:
        SettingsError: an argument out of its range.
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
        super().__init__(seed=seed, dtype=dtype, initializer=initializer, l1=l1, l2=l2)
        self.stats = stats
        self.threads = int(threads) if threads is not None else cores()
        self.progress = TrainingProgress()
        self._tracking = [Tracking(stats)] if stats is not None else []
        self._listeners = Listeners(self._tracking)
        self._announcer: Announcer | None = None
        self._restored = False
        self._engine: Engine | None = None
        self._optimizer: Optimizer | None = None
        self._loss: LossCategoricalCrossEntropy | None = None
        self._accuracy: AccuracyCategorical | None = None

    def set(self, *, loss: LossCategoricalCrossEntropy, optimizer: Optimizer, accuracy: AccuracyCategorical) -> None:
        """Choose loss, optimiser and accuracy.

        Args:
            loss: the loss to minimise.
            optimizer: makes the updates. It keeps memory from step to step, so no other model may have it.
            accuracy: counts the right guesses.

        Raises:
            SettingsError: an object of another kind, or an optimiser that another model has.
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

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser. Raises SettingsError before ``set``."""
        if self._optimizer is None:
            raise SettingsError("the model has no optimizer; call set(loss=..., optimizer=..., accuracy=...) first")
        return self._optimizer

    def describe(self) -> dict[str, Any]:
        """Layers, optimiser and penalties in plain types, for hooks, logs and pages."""
        return {**super().describe(), **(self._optimizer.describe() if self._optimizer else {})}

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
        """Train; :attr:`run_end` then says how the training ended.

        After :meth:`restore` the run goes on from where the state was taken, and epochs and
        steps count from its beginning. It then has to be given the same data, batch size and
        shuffling (or order). Otherwise it starts at step 0, with the weights and the optimiser as they are.

        Args:
            X: inputs, (N, H, W, C) or (N, F).
            y: their classes, (N,) or one-hot (N, classes).
            epochs: how many times the data are gone through, 1 or more, default 1.
            batch_size: samples a step, 1 or more; None (default) for all samples at once.
            print_every: print the paper's lines every so many steps of an epoch, default 100;
                0 or None for never.
            hooks: the hooks of the run, default none.
            validation_data: inputs and labels that are evaluated after each epoch, or None (default).
            shuffle: whether every epoch has an order of its own, default False.
            steps: end the run after so many steps, also within an epoch; None (default) for all epochs.
            order: the order of the samples in each epoch, in place of ``shuffle``
                (see :mod:`lenet.training.order`); None (default) for that of ``shuffle``.

        Raises:
            SettingsError, ShapeError, DataError: something does not fit; raised before the first step.
            Any error of a hook, and KeyboardInterrupt: raised when every hook was told of the end of the run.
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
            self.progress = TrainingProgress()
        elif self.progress.step:
            shuffle_now = shuffle if order is None else self.progress.shuffle
            check_same_feeding(self.progress.steps_per_epoch, self.progress.shuffle, steps_per_epoch, shuffle_now)
        self._restored = False
        self.progress.steps_per_epoch = steps_per_epoch
        if order is None:
            self.progress.shuffle = bool(shuffle)
        plan = TrainingPlan(X, labels, epochs, batch, min(total, steps or total), shuffle, order, validation)
        printing = [PrintProgress(print_every)] if print_every else []
        self._listeners = Listeners([*hooks, *self._tracking, *printing])
        self._announcer = announcer = Announcer(self._listeners, self.parameters, self.progress)
        TrainingLoop(self, self.optimizer, engine, plan, self.progress, announcer).run()

    def validate(
        self,
        validation_data: tuple[NDArray[Any], NDArray[Any]],
        batch_size: int | None = None,
        print_every: int | None = 100,
    ) -> tuple[float, float]:
        """Mean loss and accuracy on data that are not trained on.

        The tracker and the hooks of the last training get the result, as for a validation within
        ``train``; the event has no epoch. Two kinds of lines are printed, each with its seconds:
        ``validation, step:64, acc:0.938, loss:0.208`` and ``final validation - acc:0.962, loss:0.131``.

        Args:
            validation_data: inputs, (N, H, W, C) or (N, F), and labels, (N,) or one-hot (N, classes).
            batch_size: samples at a time, 1 or more; None (default) for all at once.
            print_every: print every so many batches and at the end, default 100; 0 or None for never.

        Raises:
            SettingsError, ShapeError, DataError: something does not fit.
        """
        engine = self._ready()
        check_train_arguments(1, batch_size, None, print_every)
        X, labels = self._checked_pair(validation_data)
        batch = min(batch_size or len(X), len(X))
        loss, accuracy, seconds = validate(engine, X, labels, batch, print_every)
        event = ValidationEnd(None, self.progress.step - 1, loss, accuracy, len(X), seconds)
        self._listeners.emit("on_validation_end", event)
        return loss, accuracy

    @property
    def run_end(self) -> RunEnd:
        """How the last training ended, also where it raised an error or an interrupt.

        Raises SettingsError before the first training.
        """
        if self._announcer is None or self._announcer.end is None:
            raise SettingsError("run_end: the model has not been trained; call train() first")
        return self._announcer.end

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

    def state(self) -> dict[str, NDArray[Any]]:
        """The exact state of the training, as copies: see :mod:`lenet.training.state`."""
        return states.collect(self, self.optimizer, self.progress)

    def restore(self, state: dict[str, NDArray[Any]], *, position: bool = True) -> None:
        """Set the model to a state; the next ``train`` goes on from it.

        Args:
            state: from :meth:`state` or ``load_state``.
            position: False takes the parameters alone, to start a new run from trained weights; default True.

        Raises:
            SettingsError: the state is another network's.
            DataError: a part of the state is missing.
        """
        if position:
            states.apply(state, self, self.optimizer, self.progress)
        else:
            states.apply_parameters(state, self)
        self._restored = position

    # ---- inside

    def _checked_pair(self, data: tuple[NDArray[Any], NDArray[Any]]) -> tuple[Array, Labels]:
        """Validation data in the form that the engine takes. Raises as :meth:`validate` does."""
        inputs, truth = check_pair("validation_data", data)
        X = check_inputs("validation_data", inputs, self.input_shape)
        labels = sparse_labels(truth, self.classes)
        check_lengths("validation_data", X, labels)
        return X, labels

    def _ready(self) -> Engine:
        """The engine. Raises SettingsError where the model is not complete."""
        parameters = self.parameters
        if self._loss is None or self._accuracy is None:
            raise SettingsError("the model has no loss; call set(loss=..., optimizer=..., accuracy=...) first")
        if self._engine is None:
            self._engine = Engine(self.layers, parameters, self.input_shape, self._loss, self._accuracy, self.threads)
        return self._engine
