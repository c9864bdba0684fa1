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
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.keras_outputs import KerasOutputs
from diagnostics.adapters.read_layer import ReadLayer
from diagnostics.adapters.recorded_gradients import is_plain_sgd
from diagnostics.adapters.tap import Read, Tap
from diagnostics.record.recorder import Recorder
from diagnostics.schema.task import ABSOLUTE_ERROR, BINARY_CROSS_ENTROPY, CLASSES, DEFAULT_TASK, Task
from lenet.errors import SettingsError
from lenet.hooks import StopTraining
from lenet.training.custom_loop import LoopMonitor

MISSING: ModuleNotFoundError | None = None
try:
    import keras
    from keras.callbacks import Callback
except ModuleNotFoundError as error:  # told where it is used
    MISSING, Callback = error, object

log = logging.getLogger("lenet-diag")
TENSORS = {"kernel": "weights", "bias": "biases", "embeddings": "weights"}
"""What logs call the variables of Keras."""
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
        self._outputs = KerasOutputs()

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Find the variables; the log begins with the first step."""
        if getattr(self.model, "steps_per_execution", 1) > 1:
            raise SettingsError(f"steps_per_execution: received {self.model.steps_per_execution}, expected 1")
        if keras.config.backend() == "torch":
            self._outputs.attach(self.model)
        self._monitor, self._layers = None, _layers(self.model, self._outputs)
        if not self.model.built:
            raise SettingsError(
                f"{self.model.name}: has not been built before its first step, expected its variables; begin it with "
                "keras.Input(shape), or call it on a batch before fit"
            )
        if not self._layers:
            raise SettingsError(f"{self.model.name}: found no trainable variables, expected some")
        self._kept = {layer.name: layer.keep() for layer in self._layers}
        self._sums: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keras' losses are means over the epoch so far: begin the sums anew."""
        self._sums = {}

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """The learning rate of the update that comes next."""
        self._rate = float(_array(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """One row."""
        logs = logs or {}
        if keras.config.backend() == "jax":
            self.model.jax_state_sync()  # callbacks see the weights as they were, until they ask
        loss = self._of_batch("loss", batch, logs)
        name = next((one for one in ACCURACIES if one in logs), None)
        accuracy = None if name is None else min(1.0, max(0.0, self._of_batch(name, batch, logs)))
        inputs = self._outputs.batch
        for layer in self._layers:
            layer.rate, layer.before = self._rate or math.nan, self._kept[layer.name]
            layer.samples = 0 if inputs is None else len(inputs)
        monitor = self._monitor or self._begin(name is not None)
        monitor.before_update(inputs, loss, accuracy if self._has_accuracy else None, self._rate)
        for layer in self._layers:
            layer.before = None
        try:
            monitor.after_update()
        except StopTraining as stop:
            self.model.stop_training = True
            self._end(stop)
        self._kept = {layer.name: layer.keep() for layer in self._layers}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """The validation, where there was one."""
        logs = logs or {}
        if self._monitor is None or "val_loss" not in logs:
            return
        accuracy = next((float(logs[f"val_{one}"]) for one in ACCURACIES if f"val_{one}" in logs), None)
        self._monitor.validated(float(logs["val_loss"]), accuracy, samples=0)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """The run is over."""
        self._outputs.detach()
        self._end(None)

    # ---- inside

    def _of_batch(self, name: str, batch: int, logs: Mapping[str, Any]) -> float:
        """The value of one batch, from the mean of the epoch so far."""
        total = float(logs[name]) * (batch + 1)
        before, self._sums[name] = self._sums.get(name, 0.0), total
        return total - before

    def _begin(self, has_accuracy: bool) -> LoopMonitor:
        task = self._task or _task_of(self.model)
        labels, samples = self._labels, None if self._labels is None else len(self._labels)
        steps = self.params.get("steps")
        if labels is not None and task.kind != CLASSES:
            task, labels = task.with_targets(labels), None
        elif labels is None and task.kind != "loss-only" and math.isnan(task.guessing((math.nan,))[0]):
            task = Task.loss_only()
            log.warning("KerasRecorder: no labels were given, so that the run is judged by its losses alone")
        inputs = self._outputs.batch
        usual = math.ceil(samples / steps) if samples and steps else USUAL_BATCH
        batch = self._batch_size or (usual if inputs is None else len(inputs))
        self._has_accuracy = has_accuracy and task.has_classes
        description = _description(self.model)
        derived = sorted({name for layer in self._layers for name in layer.derived})
        lacks = [] if inputs is not None else ["inputs"]
        lacks += [] if self._outputs.has_any else ["activations"]
        lacks += [] if self._has_accuracy else ["accuracy"]
        if derived and is_plain_sgd(description):
            description["derived_gradients"] = derived
        elif derived:
            lacks.append("gradients")
        self.recorder.task, self.recorder.not_recorded = task, tuple(lacks)
        self._monitor = monitor = LoopMonitor(
            self._layers,
            labels=labels,
            samples=samples,
            batch_size=batch,
            epochs=self.params.get("epochs") or 1,
            hooks=[self.recorder],
            steps_per_epoch=steps,
            seed=self._seed,
            description=description,
        )
        monitor.__enter__()
        return monitor

    def _end(self, error: BaseException | None) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.__exit__(type(error) if error else None, error, None)


def _layers(model: Any, outputs: KerasOutputs) -> list[ReadLayer]:
    """The layers with trainable variables, in the order of the model."""
    groups: dict[str, dict[str, Any]] = {}
    for variable in model.trainable_variables:
        parts = variable.path.split("/")
        layer = "/".join(parts[1:-1] if len(parts) > 2 and parts[0] == model.name else parts[:-1]) or model.name
        groups.setdefault(layer, {})[TENSORS.get(variable.name, variable.name)] = variable
    has_gradients = keras.config.backend() == "torch"
    layers = []
    for name, variables in groups.items():
        tensors = {tensor: _value(one) for tensor, one in variables.items()}
        gradients = {tensor: _gradient(one) for tensor, one in variables.items()} if has_gradients else {}
        output, function = outputs.of(next(iter(variables.values())))
        layers.append(ReadLayer(Tap(name, tensors, gradients, output, function, unit_axis=-1)))
    return layers


def _value(variable: Any) -> Read:
    return lambda: _array(variable)


def _array(variable: Any) -> NDArray[Any]:
    """A variable, or a number, of any backend as an array."""
    value = getattr(variable, "value", variable)
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _gradient(variable: Any) -> Read:
    """The gradient that PyTorch keeps until the next step; 0 for a variable that no loss depends on."""

    def read() -> Any:
        found = variable.value.grad
        return np.zeros(variable.shape, np.float32) if found is None else found.detach().cpu().numpy()

    return read


def _task_of(model: Any) -> Task:
    """What a model is trained for, by its loss; losses only where that says nothing known."""
    loss = getattr(model, "loss", None)
    name = str(loss if isinstance(loss, str) else getattr(loss, "name", "") or getattr(loss, "__name__", ""))
    name = name.lower().replace("crossentropy", "cross_entropy")
    if name.endswith("categorical_cross_entropy"):
        return DEFAULT_TASK
    if name == "binary_cross_entropy":
        outputs = model.output_shape[-1] if getattr(model, "output_shape", None) else 1
        return Task.binary() if outputs == 1 else Task.classes(BINARY_CROSS_ENTROPY)
    if name in ("mse", "mean_squared_error"):
        return Task.regression()
    if name in ("mae", "mean_absolute_error"):
        return Task.regression(ABSOLUTE_ERROR)
    log.warning("KerasRecorder: the loss %s is not known; say task=..., or the run is judged by its losses", name)
    return Task.loss_only()


def _description(model: Any) -> dict[str, Any]:
    """Optimizer and backend, in plain types."""
    optimizer = model.optimizer
    known = {"optimizer": type(optimizer).__name__, "keras": keras.__version__, "backend": keras.config.backend()}
    for name in ("momentum", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"):
        value = getattr(optimizer, name, None)
        if isinstance(value, int | float) and value:
            known[name] = value
    if any(one in known for one in ("clipnorm", "clipvalue", "global_clipnorm")):
        known["clipping"] = "by Keras"
    return known
