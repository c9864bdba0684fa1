"""watch: records the training of a network that a user wrote, in three lines.

    watched = watch(network, "mine.h5", labels=y)
    ...                                               # forward, backward and update, as they are
    watched.step(loss=loss, accuracy=accuracy, inputs=X, lr=0.1)
    watched.close()

The network is not changed. Its tensors are found by their usual names, see
:mod:`diagnostics.adapters.tensors`; ``watched.found`` says which were found and which were not.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters import watch_warnings
from diagnostics.adapters.tap import Read, Tap
from diagnostics.adapters.told_loss import ToldLoss, as_answers
from diagnostics.adapters.told_step import ToldStep
from diagnostics.adapters.watch_arguments import class_labels, expect_numbers_of_step, expect_options
from diagnostics.adapters.watched_network import WatchedNetwork
from diagnostics.adapters.watched_run import WatchedRun
from diagnostics.record.recorder import Recorder
from diagnostics.schema.task import BINARY, CLASSES, DEFAULT_TASK, Task
from lenet.arguments import expect_whole
from lenet.checks import check_kind
from lenet.errors import SettingsError
from lenet.hooks import Hook, RunStatus
from lenet.training.custom_layer import Function

if TYPE_CHECKING:
    import pandas as pd


class Watch:
    """Records a training loop, one call a step; it may be a context manager.

    Args:
        network: an object with layers, a list of layers, of pairs (W, b) or of W1, b1, W2, b2, a dictionary of
            arrays, an array, or a function that returns one of these as it is now. It is read and never changed.
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
            another optimizer than plain SGD, or names none and the network or its first updates show another one.
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
        self._task = task or DEFAULT_TASK
        self._labels = None if labels is None else np.asarray(labels)
        if self._labels is not None and not self._gives_classes:
            if not self._labels.ndim or not len(self._labels):
                raise SettingsError("labels: received none, expected those of the training set")
            self._task = self._task.with_targets(self._labels)
        elif self._labels is not None:
            self._labels = class_labels(self._labels)
        self.recorder = Recorder(path, task=self._task, **(recorder or {}))
        self.recorder.check()
        self._network = WatchedNetwork(network, gradients or None, activations or {}, unit_axis, sample_axis, taps)
        self._lr, self._has_accuracy = lr, self._task.has_classes
        self._lock = threading.RLock()  # steps of several threads at once would write over each other's rows
        self._run = WatchedRun(
            self._network,
            self.recorder,
            None if path is None else Path(path).resolve(),
            has_gradients=gradients is not False,
            description=description or {},
            outputs=self._outputs,
            monitor={
                "labels": self._labels if self._gives_classes else None,
                "samples": samples if self._labels is None else len(self._labels),
                "batch_size": batch_size,
                "epochs": epochs,
                "hooks": [self.recorder, *hooks],
                "seed": seed,
            },
        )

    @property
    def found(self) -> pd.DataFrame:
        """What was found, a row a layer: all of it after the first step, before it the tensors. It prints whole."""
        import pandas as pd

        from diagnostics.adapters.found_layers import FoundLayers

        rows = self._network.in_words(self._run.records_gradients)
        return FoundLayers(pd.DataFrame(rows, columns=None if rows else ["layer", "tensors"]).set_index("layer"))

    @property
    def status(self) -> RunStatus | None:
        """How the run ended; None until then."""
        return self._run.monitor.status if self._run.monitor else None

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
        with self._lock:
            rate = self._lr if lr is None else lr
            if rate is None:
                raise SettingsError("lr: received none, expected the learning rate of the update, here or in watch()")
            if self._run.is_closed:
                raise SettingsError("step: called after close(), expected it before")
            expect_numbers_of_step(loss, accuracy, rate, penalty, outputs)
            network, is_first = self._network, self._run.source is None
            network.of_step.gradients, network.of_step.outputs = gradients, outputs or {}
            batch = network.batch(inputs)
            if is_first:
                network.find(batch)
                if not network.were_known():
                    network.keep()
                    watch_warnings.warn_of_new_tensors()
                    return
            network.show_before(len(batch), rate)
            if is_first and rate:
                self._run.description |= network.settle_gradients()
                watch_warnings.warn_of_first_step(network)
            if is_first and accuracy is None and targets is None:
                self._has_accuracy = False
            if not self._has_accuracy:
                accuracy = None
            elif accuracy is None:
                accuracy = network.accuracy(targets, is_binary=self._task.kind == BINARY)
            if is_first:
                watch_warnings.warn_of_loss(self._task, self._first_loss(float(loss), accuracy, targets))
            self._run.take(ToldStep(batch, loss, accuracy, rate, penalty, targets))
            network.keep()

    def validated(self, loss: float, accuracy: float | None, samples: int, seconds: float = 0.0) -> None:
        """Call it when the network was validated, see :meth:`lenet.LoopMonitor.validated`."""
        with self._lock:
            if not self._run.validated(loss, accuracy, samples, seconds):
                raise SettingsError("validated: called before the first step, expected a step before it")

    def close(self) -> None:
        """End the run: the log is closed, and ``recorder.diagnosis`` is there. A second call does nothing."""
        with self._lock:
            self._run.end(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._run.end(error)

    # ---- inside

    @property
    def _outputs(self) -> int:
        """How many numbers the network puts out for a sample, as the labels say it; 0 where they do not."""
        if self._labels is None:
            return 0
        if self._gives_classes and self._labels.ndim == 1:
            return int(self._labels.max()) + 1
        return self._labels.size // len(self._labels)

    def _first_loss(self, loss: float, accuracy: float | None, targets: NDArray[Any] | None) -> ToldLoss:
        """The loss of the first step, and what is known besides."""
        answers, task, labels = self._network.layers[-1].output(), self._task, self._labels
        counted = task if labels is None or task.guessing_loss is not None else task.with_targets(labels)
        guessing = counted.guessing(counted.prior or (math.nan,))[0]
        known = ToldLoss(loss, accuracy, self._network.layers[0].samples, guessing=guessing)
        if answers is None or answers.ndim != 2:
            return known._replace(outputs=1 if task.kind == CLASSES else max(1, self._outputs))
        known = known._replace(outputs=1 if task.kind == CLASSES else answers.shape[1], answers=answers)
        return known if targets is None else known._replace(targets=as_answers(task, targets, answers.shape))

    @property
    def _gives_classes(self) -> bool:
        """Whether the labels are classes of the training set, whose shares the loop monitor counts."""
        return self._labels is not None and self._task.kind == CLASSES


watch = Watch
"""The name under which a loop of one's own uses it: ``watched = watch(network, "mine.h5", labels=y)``."""
