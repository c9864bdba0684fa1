"""Announces a training loop that a user wrote to hooks.

    layers = [LayerTap("dense1", dense1, "relu", relu1), LayerTap("dense2", dense2, "softmax", softmax)]
    with LoopMonitor(layers, labels=y, batch_size=128, epochs=3, hooks=[Recorder("mine.h5")]) as monitor:
        for epoch in range(3):
            for start in range(0, len(X), 128):
                ...                                   # forward, loss, backward
                monitor.before_update(images, loss, accuracy, learning_rate)
                ...                                   # the optimiser changes weights and biases
                monitor.after_update()

The hooks get the events that ``Model.train`` sends, in the same order. The start of
the run comes with its first step, since the shapes of the outputs are known only then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import expect_number, expect_scalar, expect_share, expect_unmasked, expect_whole
from lenet.checks import check_hooks, check_kind
from lenet.errors import SettingsError, ShapeError
from lenet.hooks import Hook, RunStatus
from lenet.layers.workspace import Array
from lenet.losses import sparse_labels
from lenet.parameters import Parameters
from lenet.training.announcer import Announcer, StepResult
from lenet.training.custom_layer import LayerTap, ObservedLayer
from lenet.training.listeners import Listeners
from lenet.training.observed_outputs import INPUT, ObservedOutputs
from lenet.training.progress import ENDLESS, TrainingProgress

UNKNOWN_SEED, UNKNOWN_THREADS = -1, 0


class LoopMonitor:
    """A context manager around a user's training loop that announces its steps to hooks.

    Whatever ends the block, the hooks get the end of the run. A hook that asks to stop ends
    the block after the step, and nothing is raised.

    Args:
        layers: the layers with weights, in the order of the forward pass.
        labels: classes of the whole training set, (N,) or one-hot (N, classes). Their shares
            decide which loss and accuracy a network reaches by guessing. None (default) where
            there are no classes, or nobody knows them before the first step.
        batch_size: samples a step, 1 or more.
        epochs: how many times the data are gone through, 1 or more.
        hooks: the hooks of the run.
        samples: the size of the training set; None (default) for that of ``labels``. Where both
            are missing, and ``steps_per_epoch`` too, the run is one epoch as long as it goes on.
        steps_per_epoch: None (default) where a last, smaller batch is trained on too.
        seed: the seed for the log, 0 or more; None (default) where it is not known.
        description: the model in plain types, for the log, default nothing.
            ``{"optimizer": "Adam"}`` tells the detector that steps are adaptive.

    Raises:
        SettingsError, ShapeError, DataError: something does not fit; the message names the layer.
    """

    def __init__(
        self,
        layers: Sequence[ObservedLayer],
        *,
        labels: NDArray[Any] | None = None,
        batch_size: int,
        epochs: int,
        hooks: Sequence[Hook],
        samples: int | None = None,
        steps_per_epoch: int | None = None,
        seed: int | None = None,
        description: Mapping[str, Any] | None = None,
    ) -> None:
        check_hooks(hooks)
        for name, value in (("batch_size", batch_size), ("epochs", epochs)):
            expect_whole(name, value, 1)
        if seed is not None:
            expect_whole("seed", seed, 0)
        if not layers:
            raise SettingsError("layers: received none, expected those with weights, in the order of the forward pass")
        for layer in layers:
            check_kind("layers", layer, ObservedLayer, LayerTap.__name__)
        names = [INPUT, *(layer.name for layer in layers)]
        if len(set(names)) < len(names):
            raise SettingsError(
                f"layers: received the names {', '.join(names[1:])}, expected different ones, none {INPUT}"
            )
        self.layers, self.labels = tuple(layers), None
        if labels is not None:
            expect_unmasked("labels", labels)
            self.labels = np.asarray(labels)
            if not self.labels.ndim or not len(self.labels):
                raise SettingsError("labels: received none, expected those of the training set")
            samples = len(self.labels)
        if steps_per_epoch is not None:
            expect_whole("steps_per_epoch", steps_per_epoch, 1)
        if samples is not None:
            expect_whole("samples", samples, 1)
            batch_size = min(batch_size, samples)
        self.batch_size, self.epochs, self.seed = batch_size, epochs, seed
        if steps_per_epoch is None:
            steps_per_epoch = ENDLESS if samples is None else -(-samples // batch_size)
        self.steps_per_epoch = steps_per_epoch
        is_endless = steps_per_epoch == ENDLESS
        self.samples = samples or (batch_size if is_endless else steps_per_epoch * batch_size)
        self.total_steps = 0 if is_endless else epochs * steps_per_epoch
        self.description = dict(description or {})
        precision = np.result_type(*(array for layer in layers for array in layer.values().values()))
        self._parameters = Parameters(self.layers, precision)
        self._progress = TrainingProgress(steps_per_epoch=self.steps_per_epoch)
        self._announcer = Announcer(Listeners(hooks), self._parameters, self._progress)
        self._outputs = ObservedOutputs(self.layers)
        self._result: StepResult | None = None

    @property
    def step(self) -> int:
        """The number of the step that comes next, counted from 0, which is the number of steps made."""
        return self._progress.step

    @property
    def epoch(self) -> int:
        """The epoch that the next step is in, counted from 1."""
        return self._progress.epoch

    @property
    def status(self) -> RunStatus | None:
        """How the run ended; None before its end."""
        return self._announcer.end.status if self._announcer.end else None

    def __enter__(self) -> Self:
        self._announcer.__enter__()
        self._announcer.clock.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._announcer.__exit__(kind, error, traceback)

    def before_update(
        self,
        inputs: NDArray[Any] | None,
        data_loss: float,
        accuracy: float | None,
        learning_rate: float | None,
        penalty: float = 0.0,
        samples: int | None = None,
    ) -> None:
        """Call it when the gradients of a batch are there, and before its update.

        Args:
            inputs: the batch, (N, F), (N, H, W) or (N, H, W, C); None where nobody sees it, nor any outputs.
            data_loss: mean loss of the batch, without penalty.
            accuracy: share of the batch that was guessed right, 0 to 1; None where there is none.
            learning_rate: the learning rate of the update that comes next; None where it is not known.
            penalty: what regularisation adds to the loss, default 0; the gradients are those
                of data loss and penalty together.
            samples: the size of the batch where there are no inputs; None (default) for that of ``inputs``, or else
                of every batch.
        """
        if self._result is not None:
            raise SettingsError("before_update: called twice, expected after_update() in between")
        for name, value in (("data_loss", data_loss), ("penalty", penalty)):
            expect_scalar(f"before_update: {name}", value)
        if accuracy is not None:
            expect_scalar("before_update: accuracy", accuracy)
            expect_share("before_update: accuracy", float(accuracy))
        if learning_rate is not None:
            expect_number("before_update: learning_rate", learning_rate, "a finite number", lambda value: True)
        announcer = self._announcer
        with announcer.clock.paused():
            outputs: dict[str, Array] = {}
            if inputs is not None:
                outputs = self._outputs.with_batch(inputs)
                samples = len(outputs[INPUT])
            samples = samples or self.batch_size
            self._copy("")
            self._copy("d")
            if self.step == 0:
                self._announce_start()
            self._result = StepResult(
                data_loss=float(data_loss),
                penalty=float(penalty),
                accuracy=math.nan if accuracy is None else float(accuracy),
                correct=math.nan if accuracy is None else _whole(float(accuracy) * samples),
                samples=samples,
                learning_rate=math.nan if learning_rate is None else float(learning_rate),
            )
            announcer.step_start()
            if outputs and announcer.wants_activations():
                for portion, first, size in self._outputs.portions(outputs, samples):
                    announcer.activations_ready(portion, first, size, samples)
            announcer.gradients_ready(self._result)

    def after_update(self, seconds: float | None = None) -> None:
        """Call it after weights and biases were changed. It ends the ``with`` block where a hook asks for that.

        seconds: the time of the step; None (default) for that since the step before.
        """
        result, announcer = self._result, self._announcer
        if result is None:
            raise SettingsError("after_update: called without before_update(), expected the two in turn")
        with announcer.clock.paused():
            self._copy("")
            self._result = None
            announcer.step_end(result, seconds)
            if self._progress.ended_epoch is not None:
                announcer.epoch_end(result.learning_rate)
        announcer.clock.restart()
        announcer.raise_if_stopped()

    def validated(self, loss: float, accuracy: float | None, samples: int, seconds: float = 0.0) -> None:
        """Call it after a validation. Right after the last step of an epoch it belongs to that epoch.

        Args:
            loss: mean loss over the validation data.
            accuracy: share that was guessed right, 0 to 1; None where there is none.
            samples: number of validation samples; 0 where it is not known.
            seconds: the time of the validation, default 0.
        """
        if self.step == 0:
            raise SettingsError("validated: called before the first step, expected a step before it")
        expect_scalar("validated: loss", loss)
        if accuracy is not None:
            expect_scalar("validated: accuracy", accuracy)
            expect_share("validated: accuracy", float(accuracy))
        expect_whole("validated: samples", samples, 0)
        right = math.nan if accuracy is None else float(accuracy)
        self._announcer.validation_end(float(loss), right, int(samples), float(seconds))
        self._announcer.clock.restart()  # the time of a validation does not count for the next step
        self._announcer.raise_if_stopped()

    # ---- inside

    def _announce_start(self) -> None:
        seen = [layer for layer, _ in self._outputs.seen()]
        infos = tuple(layer.info() for layer in seen)
        labels, classes = None, 0
        if self.labels is not None:
            one_hot = self.labels.shape[1] if self.labels.ndim == 2 else int(self.labels.max()) + 1
            classes = infos[-1].units if self.layers[-1] in seen else one_hot
            labels = sparse_labels(self.labels, classes)
        self._announcer.run_start(
            layers=infos,
            inputs=None,
            labels=labels,
            classes=classes,
            samples=self.samples,
            epochs=self.epochs,
            batch_size=self.batch_size,
            total_steps=self.total_steps,
            description=self.description,
            seed=UNKNOWN_SEED if self.seed is None else self.seed,
            threads=UNKNOWN_THREADS,
        )
        self._announcer.raise_if_stopped()

    def _copy(self, prefix: Literal["", "d"]) -> None:
        """Copy values, or gradients, of all layers into their flat buffer."""
        flat = self._parameters.gradients if prefix else self._parameters.values
        for layer in self.layers:
            found = layer.gradients() if prefix else layer.values()
            for tensor, view in self._parameters.views(flat, layer.name).items():
                if found[tensor].shape != view.shape:
                    name = f"{layer.name}: {prefix}{tensor}"
                    raise ShapeError(f"{name}: received shape {found[tensor].shape}, expected {view.shape}")
                with np.errstate(over="ignore"):
                    view[...] = found[tensor]
                if found[tensor].dtype.itemsize > view.dtype.itemsize:
                    _keep_finite(view, found[tensor])


def _whole(right: float) -> float:
    """A number of right answers, without the rounding of their share; answers to parts of samples need not be whole."""
    return round(right) if math.isclose(right, round(right), rel_tol=1e-5, abs_tol=1e-3) else right


def _keep_finite(view: Array, given: Array) -> None:
    """Let what is finite in ``given``, but not in the narrower ``view``, be the largest number of its sign there."""
    lost = np.isinf(view) & np.isfinite(given)
    if lost.any():
        view[lost] = np.copysign(np.finfo(view.dtype).max, given[lost])
