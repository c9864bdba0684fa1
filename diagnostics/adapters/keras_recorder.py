"""KerasRecorder: records a ``model.fit`` of Keras 3, as one of its callbacks.

    model.fit(X, y, callbacks=[KerasRecorder("mine.h5", labels=y)])

With the torch backend losses, accuracies, weights, gradients and updates are recorded, and inputs and outputs of the
layers of Sequential and Functional models. The JAX and TensorFlow backends keep no gradients: they are derived from the
updates of plain SGD, else the log says "not recorded: gradients". Inputs and outputs are not seen by a callback there,
and the log says so.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.keras_arrays import as_array, backend
from diagnostics.adapters.keras_layers import find_layers, forget_unseen
from diagnostics.adapters.keras_means import BatchMeans
from diagnostics.adapters.keras_outputs import KerasOutputs
from diagnostics.adapters.keras_penalties import Penalties
from diagnostics.adapters.keras_step import KerasStep, describe, follows_from_update
from diagnostics.adapters.keras_task import counts_right_answers, task_of, with_labels
from diagnostics.adapters.read_layer import ReadLayer
from diagnostics.record.recorder import Recorder
from diagnostics.schema.task import Task
from lenet.errors import SettingsError
from lenet.hooks import StopTraining
from lenet.training.custom_loop import LoopMonitor

MISSING: ModuleNotFoundError | None = None
try:
    from keras.callbacks import Callback
except ModuleNotFoundError as error:  # told where it is used
    MISSING, Callback = error, object

log = logging.getLogger("lenet-diag")
LOSSES = ("loss", "total_loss")
ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")
USUAL_BATCH = 32


class KerasRecorder(Callback):
    """A callback that records one ``model.fit``.

    ``path``: the log; None (default) measures and judges without one.
    ``labels``: the targets of the whole training set, (N,), one-hot (N, classes), or the numbers of a regression. None
    (default) where they are not known; the loss of guessing is then not known, and the run is judged by its losses.
    ``task``: what the model is trained for; None (default) goes by its loss.
    ``batch_size``: samples a step; None (default) is that of the first batch where the backend shows it, else follows
    from the numbers of labels and of steps, or is Keras' 32.
    ``seed``: kept in the log; None (default) where it is not known.
    ``recorder``: options of the Recorder, such as ``{"on_defect": "stop"}``, default none.

    The attribute ``recorder`` is the recorder, with ``diagnosis`` at the end.

    Raises SettingsError where training begins, for a model without trainable variables, for one that the TensorFlow
    backend builds in its first step only, or with ``steps_per_execution`` above 1.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        labels: NDArray[Any] | None = None,
        task: Task | None = None,
        batch_size: int | None = None,
        seed: int | None = None,
        recorder: Mapping[str, Any] | None = None,
    ) -> None:
        if MISSING is not None:
            raise SettingsError(
                f'{MISSING}; expected Keras and the backend that KERAS_BACKEND names: pip install "lenet-diag[keras]"'
            ) from MISSING
        super().__init__()
        self._labels = None if labels is None else np.asarray(labels)
        self._task, self._batch_size, self._seed = task, batch_size, seed
        self._path, self._options = path, dict(recorder or {})
        self.recorder = Recorder(path, task=task, **self._options)
        self.recorder.check()
        self._monitor: LoopMonitor | None = None
        self._outputs, self._step, self._means, self._penalties = KerasOutputs(), KerasStep(), BatchMeans(), Penalties()
        self._layers: list[ReadLayer] = []
        self._accuracy, self._is_off = "", False
        self._first_epoch: int | None = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Find the variables; the log begins with the first step."""
        self._layers, self._is_off = [], self._has_a_log()
        if self._is_off:
            log.warning(
                "KerasRecorder: %s has the log of the fit before, so that this fit is not recorded; give each fit a "
                "KerasRecorder of its own", self._path,
            )  # fmt: skip
            return
        if getattr(self.model, "steps_per_execution", 1) > 1:
            raise SettingsError(f"steps_per_execution: received {self.model.steps_per_execution}, expected 1")
        if not self.model.built:
            raise SettingsError(
                f"{self.model.name}: has not been built before its first step, expected its variables; begin it with "
                "keras.Input(shape), or call it on a batch before fit"
            )
        if not self.model.trainable_variables:
            raise SettingsError(f"{self.model.name}: found no trainable variables, expected some")
        self._monitor, self._first_epoch = None, None
        with self._keeping_the_training():
            if backend() == "torch":
                self._outputs.attach(self.model)
            self._layers = find_layers(self.model, self._outputs, self._step)
            self._step.attach(self.model, self._means.begin, self._end)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """The first epoch of a ``fit`` with ``initial_epoch`` is not 0."""
        if not self._is_off and self._first_epoch is None:
            self._first_epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Variables and penalties before the update that comes next."""
        if self._is_off:
            return
        with self._keeping_the_training():
            self._kept = {layer.name: layer.keep() for layer in self._layers}
            self._penalties.begin(self.model)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """One row."""
        if self._is_off:
            return
        with self._keeping_the_training():
            self._record(logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """The validation, where there was one."""
        with self._keeping_the_training():
            if self._monitor is not None and logs and "val_loss" in logs:
                accuracy = logs.get(f"val_{self._accuracy}") if self._accuracy else None
                self._monitor.validated(
                    float(logs["val_loss"]), None if accuracy is None else float(accuracy), samples=0
                )

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """The run is over."""
        with self._keeping_the_training():
            self._end(None)

    # ---- inside

    def _has_a_log(self) -> bool:
        return self._path is not None and not self._options.get("overwrite") and self.recorder.info is not None

    @contextmanager
    def _keeping_the_training(self) -> Iterator[None]:
        """An error of the recorder ends the recording, and never the training; a stop is asked for in Keras' way."""
        try:
            yield
        except StopTraining as stop:
            self.model.stop_training = True
            self._end(stop)
        except Exception as error:
            self._end(error)
            if self._options.get("on_error") == "stop":
                raise
            log.warning(
                "KerasRecorder: %s: %s; the recording ends, and the training goes on", type(error).__name__, error
            )

    def _record(self, logs: Mapping[str, Any]) -> None:
        if backend() == "jax":
            self.model.jax_state_sync()  # callbacks see the weights as they were, until they ask
        told = next((one for one in LOSSES if one in logs), None)
        if told is None:
            raise SettingsError(f"logs: received {', '.join(logs) or 'nothing'}, expected loss, returned by train_step")
        loss, metric = self._of_batch(told, logs)
        inputs = self._outputs.batch
        samples = self._step.samples if inputs is None else len(inputs)
        if samples is None and metric is not None and (added := self._means.added(metric)) > 1:
            samples = round(added)
        if self._monitor is None:
            self._penalties.first_step(self.model)
        penalty = self._penalties.of_step(self.model)
        monitor = self._monitor or self._begin(logs, samples)
        accuracy = self._of_batch(self._accuracy, logs)[0] if self._accuracy in logs else None
        for layer in self._layers:
            layer.rate, layer.before = self._step.rate or math.nan, self._kept[layer.name]
            layer.samples = samples or 0
        monitor.before_update(inputs, loss - penalty, accuracy, self._step.rate, penalty, samples)
        for layer in self._layers:
            layer.before = None
        monitor.after_update()

    def _of_batch(self, name: str, logs: Mapping[str, Any]) -> tuple[float, Any]:
        """The value of one batch, and the metric that kept it; None for a number that the train step computed."""
        told = float(as_array(logs[name]))
        metric = self._means.metric(self.model, name, told)
        return (told if metric is None else self._means.of_batch(metric)), metric

    def _begin(self, logs: Mapping[str, Any], samples: int | None) -> LoopMonitor:
        labels, steps = self._labels, (self.params or {}).get("steps")
        if self._task is None:
            task = task_of(self.model, labels, self._step.is_weighted)
        else:
            task = with_labels(self._task, labels)
        usual = math.ceil(len(labels) / steps) if labels is not None and steps else USUAL_BATCH
        batch = self._batch_size or samples or usual
        has_inputs, has_gradients = self._outputs.batch is not None, self._step.has_gradients(self.model)
        forget_unseen(self._layers, has_gradients)
        self._accuracy = self._name_of_accuracy(logs, task)
        description = describe(self.model)
        derived = sorted({name for layer in self._layers for name in layer.derived})
        lacks = [] if has_inputs else ["inputs"]
        lacks += [] if self._outputs.has_any else ["activations"]
        lacks += [] if self._accuracy else ["accuracy"]
        lacks += [] if self._penalties.are_known else ["penalty"]
        lacks += [] if self._step.rate is not None else ["learning_rate"]
        if derived and follows_from_update(self.model, description):
            description["derived_gradients"] = derived
        elif derived:
            lacks.append("gradients")
        self.recorder.task, self.recorder.not_recorded = task, tuple(lacks)
        is_whole = labels is not None and steps is not None and (steps - 1) * batch < len(labels) <= steps * batch
        self._monitor = monitor = LoopMonitor(
            self._layers,
            samples=len(labels) if is_whole and labels is not None else None,
            batch_size=batch,
            epochs=max(1, ((self.params or {}).get("epochs") or 1) - (self._first_epoch or 0)),
            hooks=[self.recorder],
            steps_per_epoch=steps,
            seed=self._seed,
            description=description,
        )
        monitor.__enter__()
        return monitor

    def _name_of_accuracy(self, logs: Mapping[str, Any], task: Task) -> str:
        """The name in the logs of the share of right answers; "" where there is none."""
        for name in ACCURACIES:
            if name in logs:
                value, metric = self._of_batch(name, logs)
                if counts_right_answers(metric, value, task):
                    return name
        return ""

    def _end(self, error: BaseException | None) -> None:
        """End the run; without an error it is completed."""
        self._outputs.detach()
        self._step.detach()
        self._is_off = True
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.__exit__(type(error) if error else None, error, None)
