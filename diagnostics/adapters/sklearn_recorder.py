"""SklearnRecorder: records an ``MLPClassifier`` of scikit-learn that is trained by ``partial_fit``.

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

    ``classifier``: an ``MLPClassifier`` with the solver "sgd" or "adam", not trained yet.
    ``path``: the log; None (default) measures and judges without one.
    ``labels``: the classes of the whole training set, (N,), of any type.
    ``epochs``: how many times the data are gone through, default 1.
    ``batch_size``: samples a step; None (default) is the size of the first batch.
    ``recorder``: options of the Recorder, such as ``{"on_defect": "stop"}``, default none.

    The attribute ``recorder`` is the recorder, with ``diagnosis`` at the end. The log begins with the second step,
    since scikit-learn makes the weights in the first one.

    Raises SettingsError for another solver, and for a batch that scikit-learn would cut.
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
        if classifier.solver not in ("sgd", "adam"):
            raise SettingsError(f"solver: received {classifier.solver!r}, expected 'sgd' or 'adam', which make steps")
        self.classifier = classifier
        self._classes, codes = np.unique(np.asarray(labels), return_inverse=True)
        self._outputs: list[NDArray[Any]] = []
        self._watched = Watch(
            None,
            path,
            labels=codes,
            task=Task.binary() if len(self._classes) == 2 else DEFAULT_TASK,
            epochs=epochs,
            batch_size=batch_size,
            taps=[self._tap(place, one) for place, one in enumerate(self._functions())],
            description=self._description(),
            recorder=recorder,
        )
        self.recorder = self._watched.recorder

    def partial_fit(self, X: NDArray[Any], y: NDArray[Any]) -> Self:
        """One update, and one row. ``X``: (n, features). ``y``: (n,), classes as in ``labels``."""
        classifier, most = self.classifier, self.classifier.batch_size
        most = LARGEST_BATCH if most == "auto" else most
        if len(X) > most:
            raise SettingsError(
                f"partial_fit: received {len(X)} samples, expected at most {most}, which are one update; "
                "cut the batch, or give the classifier a larger batch_size"
            )
        is_first = not hasattr(classifier, "coefs_")
        self._outputs = [] if is_first else self._forward(X)
        penalty = 0.0 if is_first else self._penalty(len(X))
        classifier.partial_fit(X, y, classes=self._classes)
        if is_first:
            self._outputs = self._forward(X)
        self._watched.step(
            loss=float(classifier.loss_) - penalty,
            inputs=np.asarray(X),
            targets=np.searchsorted(self._classes, np.asarray(y)),
            lr=float(getattr(classifier._optimizer, "learning_rate", classifier.learning_rate_init)),
            penalty=penalty,
        )
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
        last = "softmax" if len(self._classes) > 2 else "logistic"
        return [FUNCTIONS[name] for name in (*[self.classifier.activation] * len(hidden), last)]

    def _tap(self, place: int, function: Function | None) -> Tap:
        return Tap(
            f"layer{place + 1}",
            {"weights": lambda: self.classifier.coefs_[place], "biases": lambda: self.classifier.intercepts_[place]},
            {},
            lambda: self._outputs[place],
            function,
            kind="MLPClassifier",
        )

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
