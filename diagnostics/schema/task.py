"""Task: what a network is trained for, and the loss and accuracy of guessing in it.

Guessing is answering every sample alike: with the shares of the classes, or with the best constant. A run is judged
against the loss of that, whatever the task is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import expect_number
from lenet.errors import SettingsError

CLASSES, BINARY, REGRESSION, LOSS_ONLY = "classes", "binary", "regression", "loss-only"
CROSS_ENTROPY, BINARY_CROSS_ENTROPY = "cross-entropy", "binary-cross-entropy"
SQUARED_ERROR, ABSOLUTE_ERROR = "squared-error", "absolute-error"
LOSSES = {
    CLASSES: (CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR),
    BINARY: (CROSS_ENTROPY, SQUARED_ERROR),
    REGRESSION: (SQUARED_ERROR, ABSOLUTE_ERROR),
    LOSS_ONLY: ("",),
}
"""The losses of each kind of task, the usual one first."""
LEVELS = {
    CROSS_ENTROPY: "the entropy of the class prior",
    BINARY_CROSS_ENTROPY: "the loss of answering with the class shares",
    SQUARED_ERROR: "the loss of answering with the mean",
    ABSOLUTE_ERROR: "the loss of answering with the median",
    "": "the loss of guessing",
}
"""What the loss of guessing is called, by the loss."""
KEPT_CLASSES = 50
"""The shares of more classes are not kept where they were counted, only the loss and accuracy of guessing."""


@dataclass(frozen=True)
class Task:
    """What a network is trained for: ``Task.classes()``, ``.binary()``, ``.regression()`` or ``.loss_only()``.

    kind: "classes" (default), "binary", "regression" or "loss-only".
    loss: the data loss that the run reports, one of ``LOSSES[kind]``; default "cross-entropy".
    scale: what the loss is multiplied by: 0.5 for half the squared error, k where it is added up over k outputs;
    default 1.
    prior: the shares of the classes, where they were counted from targets; () (default) where they were not.
    guessing_loss: the loss of guessing, where it was counted from targets; None (default) where it follows from the
    shares of the classes, or is not known.
    guessing_accuracy: the accuracy of guessing, likewise; default None.

    Raises SettingsError for a kind, a loss or a scale that cannot be.
    """

    kind: str = CLASSES
    loss: str = CROSS_ENTROPY
    scale: float = 1.0
    guessing_loss: float | None = None
    guessing_accuracy: float | None = None
    prior: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", tuple(self.prior))
        if self.kind not in LOSSES:
            raise SettingsError(f"task: received kind {self.kind!r}, expected one of {', '.join(LOSSES)}")
        if self.loss not in LOSSES[self.kind]:
            known = " or ".join(repr(one) for one in LOSSES[self.kind])
            raise SettingsError(f"task: loss: received {self.loss!r} for {self.kind}, expected {known}")
        expect_number("task: scale", self.scale, "a number above 0", lambda value: value > 0)
        for name, value in (("guessing_loss", self.guessing_loss), ("guessing_accuracy", self.guessing_accuracy)):
            if value is not None:
                expect_number(f"task: {name}", value, "a number of at least 0", lambda value: value >= 0)

    @classmethod
    def classes(cls, loss: str = CROSS_ENTROPY, scale: float = 1.0) -> Self:
        """Each sample is of one of k classes.

        loss: "cross-entropy" (default); "squared-error" or "binary-cross-entropy" between the outputs and one-hot
        targets, the mean over the k outputs.
        scale: what that is multiplied by, default 1.
        """
        return cls(CLASSES, loss, scale)

    @classmethod
    def binary(cls, loss: str = CROSS_ENTROPY, scale: float = 1.0) -> Self:
        """Each sample is yes or no, 1 or 0, or several of these: the network has an output for each.

        loss: "cross-entropy" (default) or "squared-error", the mean over the outputs.
        scale: what that is multiplied by, default 1; k where the loss is added up over k outputs.
        """
        return cls(BINARY, loss, scale)

    @classmethod
    def regression(cls, loss: str = SQUARED_ERROR, scale: float = 1.0) -> Self:
        """The targets are numbers; guessing is the best constant. There is no accuracy, and the loss alone decides.

        loss: "squared-error" (default), whose best constant is the mean, or "absolute-error", whose best is the
        median; the mean over samples and outputs.
        scale: what that is multiplied by, default 1.
        """
        return cls(REGRESSION, loss, scale)

    @classmethod
    def loss_only(cls) -> Self:
        """Nothing is known but the loss. Such a run is never said to have learned, or not to have."""
        return cls(LOSS_ONLY, "")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The task that a log keeps. Raises SettingsError where it is none."""
        try:
            return cls(**values)
        except TypeError:
            raise SettingsError(f"task: received {dict(values)!r:.80}, expected kind, loss and scale") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain types, as a log keeps them."""
        return {name: value for name, value in asdict(self).items() if value not in (None, ())}

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes, so that there is a prior and may be an accuracy."""
        return self.kind in (CLASSES, BINARY)

    @property
    def is_cross_entropy(self) -> bool:
        """Whether the loss is the mean cross-entropy of classes in nats."""
        return self.has_classes and self.loss == CROSS_ENTROPY and self.scale == 1

    @property
    def words(self) -> str:
        """The task in a few words."""
        if self.kind == LOSS_ONLY:
            return "losses only"
        scaled = "" if self.scale == 1 else f" times {self.scale:g}"
        return f"{self.kind} with {self.loss.replace('-', ' ')}{scaled}"

    @property
    def loss_words(self) -> str:
        """What the loss is called: a cross-entropy, or the squared error times 0.5."""
        scaled = "" if self.scale == 1 else f" times {self.scale:g}"
        return (self.loss if self.loss.endswith(CROSS_ENTROPY) else self.loss.replace("-", " ")) + scaled

    @property
    def level_words(self) -> str:
        """What the loss of guessing is called."""
        return LEVELS[self.loss]

    @property
    def unit(self) -> str:
        """The unit of the loss; "" where it depends on the targets."""
        return "nats" if self.is_cross_entropy else ""

    def guessing(self, prior: Sequence[float]) -> tuple[float, float]:
        """Loss and accuracy of guessing; NaN where they are not known.

        prior: (classes,), the share of each class; one NaN where it is not known.
        """
        loss, accuracy = self.guessing_loss, self.guessing_accuracy
        if not self.has_classes:
            return math.nan if loss is None else loss, math.nan
        shares = [float(share) for share in prior]
        return (
            self.scale * _loss_of_shares(self.loss, shares) if loss is None else loss,
            max(shares, default=1.0) if accuracy is None else accuracy,
        )

    def guessing_noise(self, prior: Sequence[float]) -> float:
        """The standard deviation of the loss of guessing from sample to sample; 0 where it does not follow from shares.

        It is large where classes are very unequal: the loss of a few samples depends on how many are of the rare ones.

        prior: (classes,), the share of each class; one NaN where it is not known.
        """
        shares = [float(share) for share in prior]
        if not self.has_classes or not shares or any(math.isnan(share) for share in shares):
            return 0.0
        seen = [(share, _loss_of_class(self.loss, shares, place)) for place, share in enumerate(shares) if share > 0]
        mean = sum(share * loss for share, loss in seen)
        return self.scale * math.sqrt(sum(share * (loss - mean) ** 2 for share, loss in seen))

    def with_targets(self, targets: NDArray[Any]) -> Self:
        """The task with the loss and accuracy of guessing these targets.

        targets: (n,) classes, or one-hot (n, k), or (n, outputs) of 0 and 1 for a binary task, or (n,) or (n, outputs)
            numbers for a regression.
        """
        if self.kind == LOSS_ONLY:
            return self
        if self.kind == BINARY and are_several(targets):
            return self._of_outputs(np.asarray(targets, np.float64))
        if self.has_classes:
            prior = self.shares(targets)
            if len(prior) <= KEPT_CLASSES:
                return replace(self, prior=prior)
            loss, accuracy = self.guessing(prior)
            return replace(self, guessing_loss=loss, guessing_accuracy=accuracy)
        values = np.asarray(targets, np.float64).reshape(len(targets), -1)
        if not np.isfinite(values).all():
            raise SettingsError("task: targets: received numbers that are not finite, expected finite ones")
        if self.loss == SQUARED_ERROR:
            found = values.var(axis=0).mean()
        else:
            found = np.abs(values - np.median(values, axis=0)).mean()
        return replace(self, guessing_loss=self.scale * float(found))

    def _of_outputs(self, targets: NDArray[np.float64]) -> Self:
        """The task with the loss and accuracy of guessing several outputs, (n, outputs), each of which is yes or no."""
        if not np.isin(targets, (0, 1)).all():
            raise SettingsError("task: targets: received numbers other than 0 and 1, expected these for a binary task")
        yes = targets.mean(axis=0)
        losses = [_loss_of_shares(self.loss, (1 - share, share)) for share in yes.tolist()]
        accuracy = float(np.maximum(yes, 1 - yes).mean())
        return replace(self, guessing_loss=self.scale * sum(losses) / len(losses), guessing_accuracy=accuracy)

    def shares(self, targets: NDArray[Any], classes: int = 0) -> tuple[float, ...]:
        """The share of each class in targets; one NaN where the task has no classes.

        targets: (n,) classes, (n, 1) or one-hot (n, k). classes: k, where it is known; 0 (default) where it is not.

        Raises SettingsError for what are no classes.
        """
        if not self.has_classes:
            return (math.nan,)
        labels = classes_of(targets)
        if self.kind == BINARY:
            if len(labels) and labels.max() > 1:
                raise SettingsError(f"task: targets: received class {labels.max()}, expected 0 or 1 for a binary task")
            classes = 2
        counts = np.bincount(labels, minlength=classes)
        return tuple(float(share) for share in counts / max(1, len(labels)))


DEFAULT_TASK = Task()


def are_several(targets: NDArray[Any]) -> bool:
    """Whether targets are several yes or no a sample, (n, outputs), and no one-hot rows of two classes."""
    array = np.asarray(targets)
    is_matrix = array.ndim == 2 and array.shape[1] > 1
    return is_matrix and not (array.shape[1] == 2 and bool((array.sum(axis=1) == 1).all()))


def classes_of(targets: NDArray[Any]) -> NDArray[np.intp]:
    """Classes (n,) from classes (n,) or (n, steps), or one-hot (n, k). Raises SettingsError for what are none."""
    array = np.asarray(targets)
    if array.ndim > 1 and array.shape[-1] > 1 and _are_shares(array):
        largest: NDArray[np.intp] = array.argmax(axis=-1).reshape(-1)
        return largest
    array = array.reshape(-1)
    labels = array.astype(np.intp)
    if (labels < 0).any() or (array.dtype.kind == "f" and (labels != array).any()):
        raise SettingsError("task: targets: received numbers that are no classes, expected 0, 1, 2, ...")
    return labels


def _are_shares(array: NDArray[Any]) -> bool:
    """Whether each row says the shares of the classes, rather than a class for each of several steps."""
    is_share = not array.size or (array.min() >= 0 and array.max() <= 1)
    return bool(is_share and (array.dtype.kind == "f" or (array.sum(axis=-1) == 1).all()))


def _loss_of_shares(loss: str, shares: Sequence[float]) -> float:
    """The loss of answering with the shares of the classes."""
    if loss == CROSS_ENTROPY:
        return prior_entropy(shares)
    if loss == BINARY_CROSS_ENTROPY:
        return sum(prior_entropy((share, 1 - share)) for share in shares) / len(shares)
    return sum(share * (1 - share) for share in shares) / len(shares)


def _loss_of_class(loss: str, shares: Sequence[float], place: int) -> float:
    """The loss of answering a sample of the class at ``place`` with the shares of the classes."""
    if loss == CROSS_ENTROPY:
        return -math.log(shares[place])
    right = [share if i == place else 1 - share for i, share in enumerate(shares)]
    if loss == BINARY_CROSS_ENTROPY:
        return -sum(math.log(share) for share in right) / len(shares)
    return sum((1 - share) ** 2 for share in right) / len(shares)


def prior_entropy(prior: Sequence[float]) -> float:
    """H: the loss, in nats, of answering every sample with the class shares ``prior``."""
    return -sum(share * math.log(share) for share in prior if not share <= 0)
