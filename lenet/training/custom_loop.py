"""Hooks for a training loop of one's own: whoever wrote a network from scratch keeps network and loop.

    layers = [OwnLayer("dense1", dense1, "relu", relu1), OwnLayer("dense2", dense2, "softmax", softmax)]
    with OwnTraining(layers, labels=y, batch_size=128, epochs=3, hooks=[Recorder("mine.h5")]) as training:
        for epoch in range(3):
            for start in range(0, len(X), 128):
                ...                                   # forward, loss, backward
                training.before_update(images, loss, accuracy, learning_rate)
                ...                                   # the optimiser changes weights and biases
                training.after_update()

The hooks hear the events that ``Model.train`` would send, in the same order, but
the start of the run comes with its first step, when the outputs are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import expect_number, expect_whole
from lenet.checks import check_hooks, check_kind
from lenet.errors import SettingsError, ShapeError
from lenet.hooks import (
    ActivationsReady,
    GradientsReady,
    Hook,
    RunEnd,
    RunStart,
    RunStatus,
    StepEnd,
    StepStart,
    StopTraining,
    UpdateDone,
    ValidationEnd,
)
from lenet.layers.base import Array
from lenet.losses import sparse_labels
from lenet.parameters import Parameters, read_only
from lenet.training.custom_layer import OwnLayer
from lenet.training.listeners import Listeners, Stopwatch
from lenet.training.loop import Progress

# What hooks are told of as if it were the output of a layer: the batch itself.
INPUT = "input"
# Hooks are told outputs in portions of at most so many samples, see ActivationsReady.
PORTION, KEPT_PORTIONS = 1024, 4


@dataclass
class _Step:
    """What was said before an update."""

    loss: float
    data_loss: float
    penalty: float
    accuracy: float
    learning_rate: float
    samples: int

    @property
    def numbers(self) -> tuple[float, float, float, float, float]:
        """As the events have them, in their order."""
        return self.loss, self.data_loss, self.penalty, self.accuracy, self.learning_rate


class OwnTraining:
    """Tells hooks of a training loop that is not this library's.

    ``layers``: the trainable ones, in the order of the forward pass. ``labels``: of
    the whole training set, (N,) or one-hot (N, classes); the shares of their classes
    are what a network that guesses can know. ``steps_per_epoch``: None for one that
    takes a last, smaller batch too. ``description``: what the log is to say of the
    model, plain types; ``{"optimizer": "Adam"}`` tells the detector of adaptive steps.

    It is a context manager: whatever ends the block, the hooks hear of it. A hook
    that asks to stop ends the block, and nothing is raised; ``status`` says how it
    ended. Raises SettingsError, ShapeError or DataError, naming the layer, where
    something does not fit.
    """

    def __init__(
        self,
        layers: Sequence[OwnLayer],
        *,
        labels: NDArray[Any],
        batch_size: int,
        epochs: int,
        hooks: Sequence[Hook],
        steps_per_epoch: int | None = None,
        seed: int = 0,
        description: Mapping[str, Any] | None = None,
    ) -> None:
        check_hooks(hooks)
        for name, value in (("batch_size", batch_size), ("epochs", epochs)):
            expect_whole(name, value, 1)
        expect_whole("seed", seed, 0)
        if not layers:
            raise SettingsError("layers: received none, expected those with weights, in the order of the forward pass")
        for layer in layers:
            check_kind("layers", layer, OwnLayer)
        names = [INPUT, *(layer.name for layer in layers)]
        if len(set(names)) < len(names):
            raise SettingsError(
                f"layers: received the names {', '.join(names[1:])}, expected different ones, none {INPUT}"
            )
        self.layers, self.labels = tuple(layers), np.asarray(labels)
        if not self.labels.ndim or not len(self.labels):
            raise SettingsError("labels: received none, expected those of the training set")
        self.batch_size, self.epochs, self.seed = min(batch_size, len(self.labels)), epochs, seed
        if steps_per_epoch is not None:
            expect_whole("steps_per_epoch", steps_per_epoch, 1)
        self.steps_per_epoch = steps_per_epoch or -(-len(self.labels) // self.batch_size)
        self._progress = Progress(steps_per_epoch=self.steps_per_epoch)
        self.description = dict(description or {})
        self.status: RunStatus | None = None
        self._listeners = self._heard = Listeners(hooks)
        precision = np.result_type(*(array for layer in layers for array in layer.values().values()))
        self._parameters = Parameters(self.layers, precision)
        self._portions: dict[int, dict[str, tuple[Array]]] = {}
        self._now: _Step | None = None

    def __enter__(self) -> Self:
        self._started = perf_counter()
        self._clock = Stopwatch()
        return self

    def before_update(
        self, inputs: NDArray[Any], data_loss: float, accuracy: float, learning_rate: float, penalty: float = 0.0
    ) -> None:
        """The gradients of a batch are there, its update is not made yet.

        ``inputs`` is the batch, (N, F), (N, H, W) or (N, H, W, C); ``data_loss`` and
        ``accuracy`` are means over it, ``penalty`` is what regularisation adds to the
        loss. The gradients are those of their sum.
        """
        if self._now is not None:
            raise SettingsError("before_update: called twice, expected after_update() in between")
        for name, value in (("data_loss", data_loss), ("accuracy", accuracy), ("penalty", penalty)):
            _expect_scalar(f"before_update: {name}", value)
        expect_number("before_update: learning_rate", learning_rate, "a finite number", lambda value: True)
        self._clock.stop()
        outputs = {INPUT: _batch(inputs), **{layer.name: layer.output() for layer in self.layers}}
        samples = _samples(outputs)
        self._take("")
        self._take("d")
        if self.step == 0:
            self._listeners.tell("on_run_start", self._run_start())
        loss = float(data_loss) + float(penalty)
        self._now = now = _Step(loss, float(data_loss), float(penalty), float(accuracy), float(learning_rate), samples)
        self._heard = heard = self._listeners.wanting(self.step)
        heard.tell("on_step_start", StepStart(self.step, self.epoch, self.step % self.steps_per_epoch))
        if heard.hears("on_activations_ready"):
            self._announce(outputs, samples)
        values, gradients = read_only(self._parameters.values), read_only(self._parameters.gradients)
        heard.tell("on_gradients_ready", GradientsReady(self.step, self.epoch, values, gradients, *now.numbers))
        self._clock.start()

    def after_update(self) -> None:
        """Weights and biases have been changed. Ends the ``with`` block where a hook asks for it."""
        now = self._now
        if now is None:
            raise SettingsError("after_update: called without before_update(), expected the two in turn")
        self._clock.stop()
        self._take("")
        step, epoch, step_in_epoch = self.step, self.epoch, self.step % self.steps_per_epoch
        seconds = self._clock.seconds
        self._heard.tell("on_update_done", UpdateDone(step, read_only(self._parameters.values)))
        self._heard.tell("on_step_end", StepEnd(step, epoch, step_in_epoch, *now.numbers, seconds, now.samples))
        self._now = None
        self._progress.count(now.loss, round(now.accuracy * now.samples), now.samples, seconds)
        if self.step % self.steps_per_epoch == 0:
            self._listeners.tell("on_epoch_end", self._progress.end_epoch(now.learning_rate))
        self._clock = Stopwatch()
        self._listeners.heed()

    def validated(self, loss: float, accuracy: float, samples: int, seconds: float = 0.0) -> None:
        """The network was validated; right after the last step of an epoch it counts as that epoch's."""
        if self.step == 0:
            raise SettingsError("validated: called before the first step, expected a step before it")
        ended = self.step % self.steps_per_epoch == 0
        epoch = self.step // self.steps_per_epoch if ended else None
        event = ValidationEnd(epoch, self.step - 1, float(loss), float(accuracy), int(samples), float(seconds))
        self._listeners.tell("on_validation_end", event)
        self._clock = Stopwatch()  # its time is not the next step's
        self._listeners.heed()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        reason = ""
        if error is None:
            self.status = "completed"
        elif isinstance(error, StopTraining):
            self.status, reason = "stopped", str(error)
        elif isinstance(error, KeyboardInterrupt | SystemExit):
            self.status, reason = "interrupted", type(error).__name__
        else:
            self.status, reason = "failed", f"{type(error).__name__}: {error}"
        seconds, stopped = perf_counter() - self._started, self.status == "stopped"
        end = RunEnd(self.status, reason, self.step, self._parameters.digest(), seconds, None if stopped else error)
        self._listeners.tell_all_before_raising("on_run_end", end)
        return stopped

    @property
    def step(self) -> int:
        """The step that comes next, counted from 0; so many were made."""
        return self._progress.step

    @property
    def epoch(self) -> int:
        """The epoch the next step is in, counted from 1."""
        return self.step // self.steps_per_epoch + 1

    # ---- inside

    def _run_start(self) -> RunStart:
        infos = tuple(layer.info() for layer in self.layers)
        classes = infos[-1].units
        labels = sparse_labels(self.labels, classes)
        return RunStart(
            tensors=self._parameters.tensors,
            layers=infos,
            values=read_only(self._parameters.values),
            first_step=0,
            total_steps=self.epochs * self.steps_per_epoch,
            steps_per_epoch=self.steps_per_epoch,
            epochs=self.epochs,
            batch_size=self.batch_size,
            samples=len(labels),
            prior=tuple(float(share) for share in np.bincount(labels, minlength=classes) / len(labels)),
            description=self.description,
            seed=self.seed,
            threads=1,
            digest=self._parameters.digest(),
        )

    def _take(self, prefix: Literal["", "d"]) -> None:
        """Copy values, or gradients, of all layers into their flat buffer."""
        flat = self._parameters.gradients if prefix else self._parameters.values
        for layer in self.layers:
            found = layer.gradients() if prefix else layer.values()
            for tensor, view in self._parameters.views(flat, layer.name).items():
                if found[tensor].shape != view.shape:
                    name = f"{layer.name}: {prefix}{tensor}"
                    raise ShapeError(f"{name}: received shape {found[tensor].shape}, expected {view.shape}")
                view[...] = found[tensor]

    def _announce(self, outputs: Mapping[str, Array], samples: int) -> None:
        """In portions that lie where those of the same size lay before, which listeners can rely on."""
        for first in range(0, samples, PORTION):
            size = min(PORTION, samples - first)
            if size not in self._portions:
                if len(self._portions) == KEPT_PORTIONS:
                    self._portions.clear()
                self._portions[size] = {name: (np.empty((size, *x.shape[1:]), x.dtype),) for name, x in outputs.items()}
            portion = self._portions[size]
            for name, output in outputs.items():
                kept = portion[name][0]
                if kept.shape[1:] != output.shape[1:]:
                    raise ShapeError(
                        f"{name}: received an output of {output.shape[1:]}, before it was {kept.shape[1:]}"
                    )
                kept[...] = output[first : first + size]
            self._heard.tell("on_activations_ready", ActivationsReady(self.step, portion, first, size, samples))


def _expect_scalar(name: str, value: object) -> None:
    """Raises SettingsError unless it is one number; NaN and infinity are what a run that dies may have."""
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise SettingsError(f"{name}: received {value!r}, expected one number") from None


def _batch(inputs: NDArray[Any]) -> Array:
    """The batch as (N, F) or (N, H, W, C). Raises ShapeError for any other shape."""
    batch = np.asarray(inputs)
    if batch.ndim == 3:
        batch = batch[..., np.newaxis]
    if batch.ndim not in (2, 4) or batch.dtype.kind not in "fiub":
        what = f"an array of {batch.dtype}, shape {batch.shape}"
        raise ShapeError(f"before_update: inputs: received {what}, expected numbers, (N, F), (N, H, W) or (N, H, W, C)")
    return batch


def _samples(outputs: Mapping[str, Array]) -> int:
    """The number of samples of the batch, the same in all outputs."""
    sizes = {name: len(output) for name, output in outputs.items()}
    if len(set(sizes.values())) > 1:
        words = ", ".join(f"{size} from {name}" for name, size in sizes.items())
        raise ShapeError(f"outputs: received {words} samples, expected the same batch from all layers")
    return next(iter(sizes.values()))
