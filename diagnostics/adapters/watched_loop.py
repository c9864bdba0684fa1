"""watch: records the training of a network that a user wrote, in three lines.

    watched = watch(network, "mine.h5", labels=y)
    ...                                               # forward, backward and update, as they are
    watched.step(loss=loss, accuracy=accuracy, inputs=X, lr=0.1)
    watched.close()

The network is not changed. Its tensors are found by their usual names, see
:mod:`diagnostics.adapters.tensors`; ``watched.found`` says which were found and which were not.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters import watch_warnings
from diagnostics.adapters.tap import Read, Tap
from diagnostics.adapters.watch_arguments import class_labels, expect_numbers_of_step, expect_options
from diagnostics.adapters.watched_network import WatchedNetwork
from diagnostics.record.recorder import Recorder
from diagnostics.schema.task import BINARY, CLASSES, DEFAULT_TASK, Task
from lenet.arguments import expect_whole
from lenet.checks import check_kind
from lenet.errors import SettingsError
from lenet.hooks import Hook, RunStatus
from lenet.training.custom_layer import Function
from lenet.training.custom_loop import LoopMonitor

if TYPE_CHECKING:
    import pandas as pd

_open: dict[Path, Watch] = {}
"""The watches that write a log, by its path."""


class Watch:
    """Records a training loop, one call a step; it may be a context manager.

    Args:
        network: an object with layers, a list of layers, of pairs (W, b) or of W1, b1, W2, b2, a dictionary of
            arrays, or a function that returns one of these as it is now. It is read and never changed.
        path: the log; None (default) measures and judges without one.
        labels: targets of the whole training set: classes, (N,) or one-hot (N, classes), 0 and 1, (N,) or
            (N, outputs), of a binary task, or the numbers of a regression. None (default) where they are not known: the
            loss of guessing is then counted from the targets of the first W steps.
        task: what the network is trained for, such as ``Task.regression()``; None (default) for classes with
            cross-entropy.
        samples: the size of the training set where ``labels`` do not say it; None (default) otherwise. Where both are
            missing the run is one epoch, as long as it goes on.
        epochs: how many times the data are gone through, default 1.
        batch_size: samples a step; None (default) is the size of the first batch.
        lr: the learning rate of every step that does not say another; None (default) where each says one.
        gradients: a function that returns the gradients, where neither the network holds them nor a step hands them
            over; None (default) otherwise. False says that they cannot be had and do not follow from the updates: the
            log then says "not recorded: gradients". So does it where some are missing and ``description`` names
            another optimizer than plain SGD, or names none and the network keeps what such an optimizer keeps.
        activations: the functions after layers, by the names of the layers, where they are not found; default none.
        unit_axis: the axis of the units in the outputs, 1 where channels come first; None (default) to find it.
        sample_axis: the axis of the batch in the inputs, 0, or -1 for columns (F, n); None (default) to find it.
        taps: the layers, where they shall not be looked for; None (default) to look for them.
        hooks: further hooks; default none.
        seed: kept in the log; None (default) where it is not known.
        description: what the log says of the model, such as ``{"optimizer": "Adam"}``; default nothing.
        recorder: options of the Recorder, default none, such as ``{"on_defect": "stop"}``; a log of the same name is
            replaced with ``{"overwrite": True}``.

    The attribute ``recorder`` is the recorder, with ``diagnosis`` at the end.

    Raises:
        SettingsError, ShapeError: at the first step, where something is not found or does not fit.
    """

    def __init__(
        self,
        network: Any,
        path: str | os.PathLike[str] | None = None,
        *,
        labels: NDArray[Any] | None = None,
        task: Task | None = None,
        samples: int | None = None,
        epochs: int = 1,
        batch_size: int | None = None,
        lr: float | None = None,
        gradients: Read | Literal[False] | None = None,
        activations: Mapping[str, Function | None] | None = None,
        unit_axis: int | None = None,
        sample_axis: int | None = None,
        taps: Sequence[Tap] | None = None,
        hooks: Sequence[Hook] = (),
        seed: int | None = None,
        description: Mapping[str, Any] | None = None,
        recorder: Mapping[str, Any] | None = None,
    ) -> None:
        expect_whole("epochs", epochs, 1)
        expect_options(
            gradients=gradients, activations=activations, unit_axis=unit_axis, description=description,
            recorder=recorder, hooks=hooks, batch_size=batch_size, lr=lr,
        )  # fmt: skip
        if task is not None:
            check_kind("task", task, Task)
        self._task, self._is_task_said = task or DEFAULT_TASK, task is not None
        self._labels, self._samples = None if labels is None else np.asarray(labels), samples
        if self._labels is not None and not self._gives_classes:
            if not self._labels.ndim or not len(self._labels):
                raise SettingsError("labels: received none, expected those of the training set")
            self._task = self._task.with_targets(self._labels)
        elif self._labels is not None:
            self._labels = class_labels(self._labels)
        self._path = None if path is None else Path(path).resolve()
        self.recorder = Recorder(path, task=self._task, **(recorder or {}))
        self.recorder.check()
        self._network = WatchedNetwork(network, gradients or None, activations or {}, unit_axis, sample_axis, taps)
        self._epochs, self._batch_size, self._lr = epochs, batch_size, lr
        self._has_gradients, self._has_accuracy = gradients is not False, self._task.has_classes
        self._hooks, self._seed, self._description = list(hooks), seed, dict(description or {})
        self._monitor: LoopMonitor | None = None
        self._is_closed = False

    @property
    def found(self) -> pd.DataFrame:
        """What was found, a row a layer: all of it after the first step, before it the tensors. It prints whole."""
        import pandas as pd

        from diagnostics.adapters.found_layers import FoundLayers

        rows = self._network.in_words(self._has_gradients)
        return FoundLayers(pd.DataFrame(rows, columns=None if rows else ["layer", "tensors"]).set_index("layer"))

    @property
    def status(self) -> RunStatus | None:
        """How the run ended; None until then."""
        return self._monitor.status if self._monitor else None

    def step(
        self,
        *,
        loss: float,
        inputs: NDArray[Any],
        accuracy: float | None = None,
        targets: NDArray[Any] | None = None,
        lr: float | None = None,
        gradients: Any = None,
        outputs: Mapping[str, Any] | None = None,
        penalty: float = 0.0,
    ) -> None:
        """Call it once a step, after the update.

        Args:
            loss: mean loss of the batch, without penalty.
            inputs: the batch.
            accuracy: share of the batch that was guessed right, 0 to 1; None (default) to count it with ``targets``.
                Where the first step has neither, the log says "not recorded: accuracy" and the loss alone decides.
            targets: those of the batch: classes, (n,) or one-hot, with which the last layer's outputs are compared,
                or the numbers of a regression. Without labels of ``watch``, the loss of guessing is counted from them.
            lr: the learning rate of the update; None (default) for that of ``watch``.
            gradients: those of the batch, where the network does not hold them: a dictionary or a list.
            outputs: outputs by the names of the layers, or under names such as A1, where the network keeps none.
            penalty: what regularisation adds to the loss, default 0.

        Raises:
            SettingsError, ShapeError: something was not found or does not fit; the message names it.
            StopTraining: the recorder was asked to stop on a defect, and there is no ``with`` block to end.
        """
        rate = self._lr if lr is None else lr
        if rate is None:
            raise SettingsError("lr: received none, expected the learning rate of the update, here or in watch()")
        if self._is_closed:
            raise SettingsError("step: called after close(), expected it before")
        expect_numbers_of_step(loss, accuracy, rate, penalty, outputs)
        network = self._network
        network.of_step.gradients, network.of_step.outputs = gradients, outputs or {}
        batch = network.batch(inputs)
        if self._monitor is None:
            network.find(batch)
            if not network.were_known():
                network.keep()
                watch_warnings.warn_of_new_tensors()
                return
        network.show_before(len(batch), rate)
        if self._monitor is None and rate:
            self._description |= network.divide_summed_gradients()
            watch_warnings.warn_of_first_step(network)
        if self._monitor is None and accuracy is None and targets is None:
            self._has_accuracy = False
        if not self._has_accuracy:
            accuracy = None
        elif accuracy is None:
            accuracy = network.accuracy(targets, is_binary=self._task.kind == BINARY)
        if self._monitor is None and accuracy is not None and not self._is_task_said:
            watch_warnings.warn_of_loss(float(loss), float(accuracy))
        monitor = self._monitor or self._begin(len(batch))
        is_first = monitor.step == 0
        monitor.before_update(batch, loss, accuracy, rate, penalty)
        if is_first:  # after the log has registered what it does at the exit: what comes last is called first
            atexit.register(self._close_at_exit)
        if targets is not None:
            self.recorder.targets(targets)
        network.show_after()
        monitor.after_update()
        network.keep()

    def validated(self, loss: float, accuracy: float | None, samples: int, seconds: float = 0.0) -> None:
        """Call it when the network was validated, see :meth:`lenet.LoopMonitor.validated`."""
        if self._monitor is None:
            raise SettingsError("validated: called before the first step, expected a step before it")
        self._monitor.validated(loss, accuracy, samples, seconds)

    def close(self) -> None:
        """End the run: the log is closed, and ``recorder.diagnosis`` is there. A second call does nothing."""
        self._end(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._end(error)

    # ---- inside

    def _end(self, error: BaseException | None) -> bool:
        atexit.unregister(self._close_at_exit)
        if self._is_closed:
            return False
        self._is_closed = True
        if self._monitor is None:
            if error is None:
                watch_warnings.warn_of_no_step()
            return False
        if self._path is not None and _open.get(self._path) is self:
            del _open[self._path]
        return self._monitor.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)

    def _close_at_exit(self) -> None:
        """A program that ends without ``close`` has completed its run, unless an error ended it."""
        self._end(getattr(sys, "last_exc", None) or getattr(sys, "last_value", None))

    def _begin(self, samples: int) -> LoopMonitor:
        derived = sorted({name for layer in self._network.layers for name in layer.derived})
        state = [] if "optimizer" in self._description else self._network.optimizer_state
        if derived and self._has_gradients and is_plain_sgd(self._description) and not state:
            self._description["derived_gradients"] = derived
        elif derived or not self._has_gradients:
            if self._has_gradients and state:
                watch_warnings.warn_of_optimizer_state(state)
            self._has_gradients = False
            self.recorder.not_recorded += ("gradients",)
        if self._task.has_classes and not self._has_accuracy:
            self.recorder.not_recorded += ("accuracy",)
        self._replace_open()
        self._monitor = monitor = LoopMonitor(
            self._network.layers,
            labels=self._labels if self._gives_classes else None,
            samples=self._samples if self._labels is None else len(self._labels),
            batch_size=self._batch_size or samples,
            epochs=self._epochs,
            hooks=[self.recorder, *self._hooks],
            seed=self._seed,
            description=self._description,
        )
        monitor.__enter__()
        return monitor

    def _replace_open(self) -> None:
        """Close the watch of this process that writes the same log, as where a cell of a notebook is run again."""
        if self._path is not None:
            if before := _open.get(self._path):
                before.close()
            _open[self._path] = self

    @property
    def _gives_classes(self) -> bool:
        """Whether the labels are classes of the training set, whose shares the loop monitor counts."""
        return self._labels is not None and self._task.kind == CLASSES


watch = Watch
"""The name under which a loop of one's own uses it: ``watched = watch(network, "mine.h5", labels=y)``."""


def is_plain_sgd(description: Mapping[str, Any]) -> bool:
    """Whether the update may be the gradient times the learning rate, as far as the description of a model says.

    It is where no optimizer is named.
    """
    name = str(description.get("optimizer", "sgd")).lower()
    is_plain = name.endswith(("sgd", "gradient descent", "gd"))
    return is_plain and not any(description.get(one) for one in ("momentum", "weight_decay", "clipping"))
