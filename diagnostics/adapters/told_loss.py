"""What speaks against the loss that a loop tells: it may be a sum over the batch, or another loss than its task says.

It is compared with the losses that the outputs and targets of the first step have. Without these only what no mean
cross-entropy can be is noticed, and what is far above the loss of guessing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.schema.task import (
    ABSOLUTE_ERROR,
    BINARY_CROSS_ENTROPY,
    CLASSES,
    CROSS_ENTROPY,
    LOSS_ONLY,
    LOSSES,
    SQUARED_ERROR,
    Task,
    classes_of,
)
from lenet.arguments import ROUNDING

Array = NDArray[np.floating[Any]]
SAME, OTHER = 0.005, 0.2
"""How far losses that are the same may differ, as a share, and how far those that are not differ at least."""
FAR, LEAST, MOST = 3.0, 0.2, 2.0
"""How many times that of guessing a loss has to be for a doubt, and how many times as large the mean may then be."""


class ToldLoss(NamedTuple):
    """The loss of the first step, and what is known besides.

    Attributes:
        value: the loss.
        accuracy: share that was guessed right; None where it is not known.
        samples: the size of the batch.
        outputs: the numbers that the network puts out for a sample; 1 where that is not known.
        guessing: the loss of guessing; NaN where it is not known.
        answers: the outputs, (n, k); None where they are not known.
        targets: (n, k), one-hot for classes; None where they are not known.
    """

    value: float
    accuracy: float | None = None
    samples: int = 1
    outputs: int = 1
    guessing: float = math.nan
    answers: Array | None = None
    targets: Array | None = None


class KnownLoss(NamedTuple):
    """A way to compute a loss: its name and scale in a task, over how many samples it is added up, and its value."""

    name: str
    scale: float
    samples: int
    value: float


def doubt(task: Task, loss: ToldLoss) -> str:
    """What the first loss is or is not, and what to say or to give instead; "" where nothing speaks against it."""
    if task.kind == LOSS_ONLY or not math.isfinite(loss.value):
        return ""
    if loss.answers is not None and loss.targets is not None:
        known = list(_losses(task, loss.answers, loss.targets))
        if any(_is_same(loss.value, one.value) for one in known) or any(one.name == task.loss for one in known):
            return _compared(task, loss.value, known)
    is_entropy = task.kind == CLASSES and task.is_cross_entropy
    if is_entropy and loss.accuracy is not None and loss.value < (1 - loss.accuracy) * math.log(2) - ROUNDING:
        least = f"{(1 - loss.accuracy) * math.log(2):.3g} where the accuracy is {loss.accuracy:.3g}"
        return f"is no mean cross-entropy, which is at least {least}; name it, as in {_task('classes', SQUARED_ERROR)}"
    if is_entropy and loss.answers is not None and _are_shares(loss.answers):
        low, high = (float(-np.log(_above_zero(ends)).mean()) for ends in (loss.answers.max(1), loss.answers.min(1)))
        if not low * (1 - OTHER) <= loss.value <= high * (1 + OTHER):
            return (
                f"is no mean cross-entropy of the outputs, which is between {low:.3g} and {high:.3g}; give the mean, "
                f"or name it, as in {_task('classes', SQUARED_ERROR)}"
            )
        return ""
    return _far_from_guessing(loss)


def as_answers(task: Task, targets: NDArray[Any], shape: tuple[int, ...]) -> Array | None:
    """Targets in the shape of the outputs, (n, k), one-hot for classes; None where they do not fit."""
    found = np.asarray(targets)
    if task.kind == CLASSES:
        classes = classes_of(found.T if found.ndim == 2 and found.shape == shape[::-1] else found)
        return np.eye(shape[1])[classes] if len(classes) == shape[0] and classes.max() < shape[1] else None
    return found.reshape(shape).astype(np.float64) if found.size == math.prod(shape) else None


def _compared(task: Task, loss: float, known: list[KnownLoss]) -> str:
    """What the loss is instead of that of its task, which comes first where it is known."""
    known = sorted(known, key=lambda one: one[:3] != (task.loss, task.scale, 1))
    found, expected = next((one for one in known if _is_same(loss, one.value)), None), known[0].value
    if found is not None and found[:3] == (task.loss, task.scale, 1):
        return ""
    if found is None:
        is_near = abs(loss - expected) <= OTHER * max(abs(loss), abs(expected))
        return "" if is_near else f"is not the {task.loss_words} of the outputs and targets, which is {expected:.3g}"
    cures = ["divide it by the number of samples"] if found.samples > 1 else []
    if (found.name, found.scale) != (task.loss, task.scale):
        cures.append(f"say {_task(task.kind, found.name, found.scale)}")
    summed = ", added up over the batch" if found.samples > 1 else ""
    return f"is the {Task(task.kind, found.name, found.scale).loss_words}{summed}; {' and '.join(cures)}"


def _far_from_guessing(loss: ToldLoss) -> str:
    """A doubt where the loss would be near that of guessing if it was a sum over samples or outputs."""
    ratio = loss.value / loss.guessing if loss.guessing > 0 else math.nan
    counts = {loss.samples, loss.outputs, loss.samples * loss.outputs}
    if not (ratio > FAR and any(LEAST < ratio / count < MOST for count in counts)):
        return ""
    return (
        f"is {ratio:.0f} times that of guessing, {loss.guessing:.3g}; if it is added up over the batch or the outputs, "
        "give the mean"
    )


def _losses(task: Task, answers: Array, targets: Array) -> Iterator[KnownLoss]:
    """The losses that people compute from outputs and targets, the means first."""
    wrong = np.abs(answers - targets)
    arrays: dict[str, Array] = {SQUARED_ERROR: wrong**2, ABSOLUTE_ERROR: wrong}
    if task.has_classes and ((answers >= 0) & (answers <= 1)).all():
        arrays[BINARY_CROSS_ENTROPY if task.kind == CLASSES else CROSS_ENTROPY] = -np.log(_above_zero(1 - wrong))
    if task.kind == CLASSES and _are_shares(answers):
        arrays[CROSS_ENTROPY] = -np.log(_above_zero((answers * targets).sum(axis=1, keepdims=True)))
    for samples in (1, len(answers)):
        for name in LOSSES[task.kind]:
            if name in arrays:
                outputs = arrays[name].shape[1]
                for scale in dict.fromkeys((1.0, 0.5, task.scale, float(outputs), outputs / 2)):
                    yield KnownLoss(name, scale, samples, float(arrays[name].mean()) * scale * samples)


def _are_shares(answers: Array) -> bool:
    return bool((answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-4))


def _above_zero(shares: Array) -> Array:
    return np.clip(shares, 1e-300, None)


def _is_same(loss: float, other: float) -> bool:
    return abs(loss - other) <= SAME * abs(other) + ROUNDING


def _task(kind: str, name: str, scale: float = 1.0) -> str:
    scaled = "" if scale == 1 else f", scale={scale:g}"
    return f'watch(..., task=Task.{kind}("{name}"{scaled}))'
