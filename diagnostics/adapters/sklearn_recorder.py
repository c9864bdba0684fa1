"""SklearnRecorder: records an ``MLPClassifier`` or ``MLPRegressor`` of scikit-learn, trained by ``partial_fit``.

    recorded = SklearnRecorder(classifier, "mine.h5", labels=y)
    recorded.partial_fit(X[batch], y[batch])                      # instead of classifier.partial_fit
    recorded.close()

scikit-learn keeps no gradients. They are derived from the updates where these are plain SGD (``solver="sgd"`` with
``momentum=0``); else the log says "not recorded: gradients". Outputs are computed once more by the recorder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.tap import Tap
from diagnostics.adapters.watched_loop import Watch
from diagnostics.schema.task import DEFAULT_TASK, Task
from lenet.errors import SettingsError
from lenet.training.custom_layer import Function

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

LARGEST_BATCH = 200
"""``batch_size="auto"`` of scikit-learn."""
FUNCTIONS: dict[str, Function | None] = {
    "relu": "relu", "tanh": "tanh", "logistic": "sigmoid", "identity": None, "softmax": "softmax",
}  # fmt: skip
"""What logs call the functions of scikit-learn."""


class SklearnRecorder:
    """Trains a classifier batch by batch, and records each update; it may be a context manager.

    ``classifier``: an ``MLPClassifier`` or an ``MLPRegressor`` with the solver "sgd" or "adam", not trained yet.
    ``path``: the log; None (default) measures and judges without one.
    ``labels``: the targets of the whole training set: classes of any type, (N,), several yes or no, (N, outputs), or
    the numbers of a regressor.
    ``epochs``: how many times the data are gone through, default 1.
    ``batch_size``: samples a step; None (default) is the size of the first batch.
    ``recorder``: options of the Recorder, such as ``{"on_defect": "stop"}``, default none.

    The attribute ``recorder`` is the recorder, with ``diagnosis`` at the end. The log begins with the second step,
    since scikit-learn makes the weights in the first one.

    Raises SettingsError for another estimator or solver, and for a batch that scikit-learn would cut.
    """

    def __init__(
        self,
        classifier: MLPClassifier,
        path: str | os.PathLike[str] | None = None,
        *,
        labels: NDArray[Any],
        epochs: int = 1,
        batch_size: int | None = None,
        recorder: Mapping[str, Any] | None = None,
    ) -> None:
        self._is_regressor = _is_regressor(classifier)
        if classifier.solver not in ("sgd", "adam"):
            raise SettingsError(f"solver: received {classifier.solver!r}, expected 'sgd' or 'adam', which make steps")
        self.classifier = classifier
        targets = np.asarray(labels)
        targets = targets.reshape(-1) if targets.ndim == 2 and targets.shape[1] == 1 else targets
        self._are_several = not self._is_regressor and targets.ndim == 2
        self._classes: NDArray[Any] | None = None
        if self._are_several:
            self._classes, task = np.arange(targets.shape[1]), Task.binary(scale=targets.shape[1])
        elif self._is_regressor:
            is_squared = getattr(classifier, "loss", "squared_error") == "squared_error"
            task = Task.regression(scale=0.5) if is_squared else Task.loss_only()
        else:
            self._classes, targets = np.unique(targets, return_inverse=True)
            task = Task.binary() if len(self._classes) == 2 else DEFAULT_TASK
        self._outputs: list[NDArray[Any]] = []
        self._watched = Watch(
            None,
            path,
            labels=targets,
            task=task,
            epochs=epochs,
            batch_size=batch_size,
            taps=[self._tap(place, one) for place, one in enumerate(self._functions())],
            description=self._description(),
            recorder=recorder,
        )
        self.recorder = self._watched.recorder

    def partial_fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """One update, and one row. ``X``: (n, features). ``y``: (n,), targets as in ``labels``."""
        classifier, most = self.classifier, self.classifier.batch_size
        most = LARGEST_BATCH if most == "auto" else most
        inputs = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
        if len(inputs) > most:
            raise SettingsError(
                f"partial_fit: received {len(inputs)} samples, expected at most {most}, which are one update; "
                "cut the batch, or give the classifier a larger batch_size"
            )
        is_first, rate = not hasattr(classifier, "coefs_"), self._rate()
        self._outputs = [] if is_first else self._forward(inputs)
        penalty = 0.0 if is_first else self._penalty(len(inputs))
        if self._classes is None:
            classifier.partial_fit(X, y)
        else:
            classifier.partial_fit(X, y, classes=self._classes)
        if is_first:
            self._outputs = self._forward(inputs)
        targets = np.asarray(y)
        if self._classes is not None and not self._are_several:
            targets = np.searchsorted(self._classes, targets.reshape(-1))
        loss = float(classifier.loss_) - penalty
        self._watched.step(loss=loss, inputs=inputs, targets=targets, lr=rate, penalty=penalty)
        return self

    def close(self) -> None:
        """End the run: the log is closed, and ``recorder.diagnosis`` is there."""
        self._watched.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._watched.__exit__(kind, error, traceback)

    # ---- inside

    def _functions(self) -> list[Function | None]:
        """The function after each layer."""
        hidden = self.classifier.hidden_layer_sizes
        hidden = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        last = "logistic"
        if self._classes is None:
            last = "identity"
        elif len(self._classes) > 2 and not self._are_several:
            last = "softmax"
        return [FUNCTIONS[name] for name in (*[self.classifier.activation] * len(hidden), last)]

    def _tap(self, place: int, function: Function | None) -> Tap:
        return Tap(
            f"layer{place + 1}",
            {"weights": lambda: self.classifier.coefs_[place], "biases": lambda: self.classifier.intercepts_[place]},
            {},
            lambda: self._outputs[place],
            function,
            kind="MLPRegressor" if self._is_regressor else "MLPClassifier",
        )

    def _rate(self) -> float:
        """The learning rate of the update that comes next; scikit-learn changes that of "sgd" after an update.

        What its Adam keeps under this name is the learning rate times the correction of the moments.
        """
        optimizer, first = getattr(self.classifier, "_optimizer", None), self.classifier.learning_rate_init
        return float(getattr(optimizer, "learning_rate", first) if self.classifier.solver == "sgd" else first)

    def _description(self) -> dict[str, Any]:
        one = self.classifier
        known = {"optimizer": "OptimizerAdam" if one.solver == "adam" else "OptimizerSGD", "alpha": one.alpha}
        return {**known, "momentum": one.momentum} if one.solver == "sgd" else known

    def _forward(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        """The outputs of all layers with the weights as they are."""
        outputs, found = [], np.asarray(X)
        tensors = zip(self._functions(), self.classifier.coefs_, self.classifier.intercepts_, strict=True)
        for function, weights, biases in tensors:
            with np.errstate(all="ignore"):  # a run that dies may have any numbers
                found = _applied(function, found @ weights + biases)
            outputs.append(found)
        return outputs

    def _penalty(self, samples: int) -> float:
        """What ``alpha`` adds to the loss."""
        squares = sum(float(np.vdot(weights, weights)) for weights in self.classifier.coefs_)
        return float(0.5 * self.classifier.alpha * squares / samples)


def _is_regressor(estimator: Any) -> bool:
    """Raises SettingsError for what is neither of the two estimators."""
    kinds = {one.__name__ for one in type(estimator).__mro__}
    if not kinds & {"MLPClassifier", "MLPRegressor"}:
        cure = "; take it out of the pipeline, and transform the batches before" if "Pipeline" in kinds else ""
        raise SettingsError(
            f"classifier: received {type(estimator).__name__}, expected an MLPClassifier or an MLPRegressor{cure}"
        )
    return "MLPRegressor" in kinds


def _applied(function: Function | None, sums: NDArray[Any]) -> NDArray[Any]:
    result: Any = sums
    with np.errstate(over="ignore", invalid="ignore"):
        if function == "relu":
            result = np.maximum(sums, 0)
        elif function == "sigmoid":
            result = 1 / (1 + np.exp(-sums))
        elif function == "tanh":
            result = np.tanh(sums)
        elif function == "softmax":
            powers = np.exp(sums - sums.max(axis=1, keepdims=True))
            result = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray(result)
