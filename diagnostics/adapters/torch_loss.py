"""Loss, accuracy and targets of one batch, from a hook on the criterion or from a call in the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.torch_answers import (
    CLASSES_SECOND,
    FIRST_LOOKS,
    Answers,
    answers_of_classes,
    class_axis,
    is_close,
)
from diagnostics.adapters.torch_outputs import tensor_in
from diagnostics.adapters.torch_vector import StepVector
from diagnostics.adapters.torch_warnings import OTHER_LOSS, Warnings
from diagnostics.schema.task import CLASSES, CROSS_ENTROPY, Task

LOSS, DATA_LOSS, CORRECT, COUNT = range(4)
BINARY_LOSSES = ("BCELoss", "BCEWithLogitsLoss")


@dataclass
class BatchSums:
    """What the criterion said of one batch.

    Attributes:
        sums: (4,), loss and data loss times samples, right answers, samples: an array, or a tensor on its device.
        targets: the targets that count, None where they are not known.
        is_training: whether the model was in training mode.
        is_told: whether the loop has told the loss.
        is_differentiated: whether the loss has been differentiated.
        is_used: whether this has changed a gradient of the step.
        forward: the number of the forward pass that the loss follows; 0 for not known.
        backward: the number of the backward pass that has differentiated it.
        weight: the gradient that this backward pass began with; 1 for none.
        weighed: makes the sums of a loss of several entries, by how much each of them counts; None for one entry.
    """

    sums: Any
    targets: Any
    is_training: bool
    is_told: bool = False
    is_differentiated: bool = False
    is_used: bool = False
    forward: int = 0
    backward: int = -1
    weight: Any = 1.0
    weighed: Callable[[Any], BatchSums] | None = None


def task_of(criterion: Any, outputs: Any, targets: Any) -> Task:
    """The task that a criterion, or the batch that it got, speaks for.

    Args:
        criterion: the module; None where the loop told the loss.
        outputs: what the model answered; None where that is not known.
        targets: what it ought to have answered; None likewise.
    """
    kind = type(criterion).__name__
    if outputs is None or targets is None or kind == "CTCLoss":
        return Task.loss_only()
    if kind in BINARY_LOSSES:
        return Task.binary() if outputs.numel() == len(outputs) else Task.loss_only()
    if kind == "CrossEntropyLoss":
        return Task.classes()
    if targets.is_floating_point():
        if targets.shape != outputs.shape:
            return Task.loss_only()
        regressions = {"MSELoss": Task.regression(), "L1Loss": Task.regression("absolute-error")}
        return regressions.get(kind, Task.loss_only())
    axis = class_axis(outputs, targets, kind)
    return Task.loss_only() if axis is None or int(targets.max()) >= outputs.shape[axis] else Task.classes()


class LossTap:
    """Turns what a criterion takes in and gives out into sums.

    Args:
        criterion: the module; None where the loop tells the loss.
        task: what the network is trained for; None to see it from the criterion and its first batch.
    """

    def __init__(self, criterion: Any, task: Task | None) -> None:
        self.criterion, self.task = criterion, task
        self._kind = type(criterion).__name__
        self._reduction = getattr(criterion, "reduction", "mean")
        self._ignored = getattr(criterion, "ignore_index", None)
        changed = [getattr(criterion, name, None) for name in ("weight", "pos_weight")]
        is_plain = all(one is None for one in changed) and not getattr(criterion, "label_smoothing", 0)
        is_known = self._kind in (*CLASSES_SECOND, *BINARY_LOSSES)
        self._needs_entropy, self._looks = is_known and not is_plain, FIRST_LOOKS if is_known else 0
        self._are_shares = self._kind == "BCELoss"
        self._warnings = Warnings()

    @property
    def has_accuracy(self) -> bool:
        """Whether right answers are counted."""
        return self.task is not None and self.task.has_classes

    def batch(self, loss: Any, outputs: Any, targets: Any, is_training: bool, weights: Any = None) -> BatchSums:
        """The sums of one batch.

        Args:
            loss: what the criterion returned.
            outputs: what the model answered; None where that is not known.
            targets: what it ought to have answered; None likewise.
            is_training: whether the model was in training mode.
            weights: how much each entry of the loss counts; None (default) for all alike.
        """
        import torch

        with torch.no_grad():
            outputs, targets = _plain(outputs), _plain(targets)
            if self.task is None:
                self.task = task_of(self.criterion, outputs, targets)
            if self._are_usual(loss, outputs, targets):
                return self._usual(loss, outputs, targets, is_training)
            loss = loss.detach() if loss.dtype == torch.float64 else loss.detach().float()
            answers = self._answers(outputs, targets, weights)
            count = torch.as_tensor(self._count(outputs, targets, answers), device=loss.device).to(loss.dtype)
            mean = loss.sum() / count if self._reduction == "sum" else loss.mean()
            if weights is not None:
                mean = (loss * weights).sum() / weights.sum()
            data, right, counted = mean, torch.tensor(float("nan")), targets
            if answers is not None:
                self._look(mean, answers)
                right, counted = answers.right(self._are_shares), answers.counted
                if answers.is_binary:
                    right = right * (count / max(1, answers.targets.numel()))
                if self._needs_entropy:
                    data = answers.entropy(self._are_shares)
            parts = (mean * count, data * count, right, count)
            sums = torch.stack([one.to(device=loss.device, dtype=loss.dtype) for one in parts])
            return BatchSums(sums, counted, is_training)

    # ---- inside

    def _are_usual(self, loss: Any, outputs: Any, targets: Any) -> bool:
        """Whether a batch is one of classes on the host with a plain mean loss, for which NumPy is enough."""
        if outputs is None or targets is None or self.task is None or self.task.kind != CLASSES:
            return False
        is_plain = not self._needs_entropy and self._reduction != "sum" and loss.numel() == 1
        if not is_plain or self._looks < FIRST_LOOKS or self._are_shares:
            return False
        is_simple = outputs.ndim == 2 and targets.ndim == 1 and len(targets) and not targets.is_floating_point()
        on_host = all(StepVector.is_host(one) for one in (loss, outputs, targets)) and outputs.element_size() >= 4
        if not (is_simple and on_host and len(targets) == len(outputs)):
            return False
        numbers = targets.numpy()
        return bool(numbers.min() >= 0 and not (numbers == self._ignored).any())

    def _usual(self, loss: Any, outputs: Any, targets: Any, is_training: bool) -> BatchSums:
        """The sums of such a batch, at a tenth of the cost."""
        total, count = loss.item() * len(targets), len(targets)
        right = np.count_nonzero(outputs.numpy().argmax(axis=1) == targets.numpy())
        return BatchSums(np.array([total, total, right, count]), targets, is_training)

    def _answers(self, outputs: Any, targets: Any, weights: Any) -> Answers | None:
        """What the outputs answer; None where right answers are not counted."""
        if not self.has_accuracy or outputs is None or targets is None or self.task is None:
            return None
        if self.task.kind != CLASSES:
            return (
                Answers(outputs.reshape(-1), targets.reshape(-1), is_binary=True)
                if outputs.numel() == targets.numel()
                else None
            )
        found = answers_of_classes(outputs, targets, self._kind, self._ignored)
        if found is not None and weights is not None and weights.shape == found.targets.shape:
            found.counts = weights != 0 if found.counts is None else found.counts & (weights != 0)
        return found

    def _look(self, loss: Any, answers: Answers) -> None:
        """Compare the first losses of an unknown criterion with the cross-entropy, which guessing is compared with."""
        if self._looks >= FIRST_LOOKS or self._needs_entropy or self.task is None or self.task.loss != CROSS_ENTROPY:
            return
        self._looks += 1
        known = {shares: answers.entropy(shares) for shares in {False, answers.are_shares()}}
        fitting = [shares for shares, entropy in known.items() if is_close(loss, entropy)]
        self._are_shares = fitting[0] if fitting else max(known)
        self._needs_entropy = not fitting
        if self._needs_entropy:
            self._warnings.say(OTHER_LOSS, float(loss), float(known[self._are_shares]))

    def _count(self, outputs: Any, targets: Any, answers: Answers | None) -> Any:
        """The number of samples of a batch."""
        if answers is not None and answers.counts is not None:
            return answers.counts.sum().clamp(min=1)
        if self._kind == "CTCLoss" and outputs is not None and outputs.ndim == 3:
            return outputs.shape[1]
        if targets is None:
            return 1
        if answers is not None and not answers.is_binary and not targets.is_floating_point():
            return max(1, targets.numel())
        return max(1, len(targets) if targets.ndim else 1)


def joined(batches: list[BatchSums], vector: StepVector, place: NDArray[np.float64]) -> None:
    """Add up the sums of batches, and send them to ``place`` (4,)."""
    import torch

    if all(isinstance(one.sums, np.ndarray) for one in batches):
        place[...] = sum(one.sums for one in batches)
        return
    tensors = [torch.as_tensor(one.sums) for one in batches]
    vector.add(tensors[0] if len(tensors) == 1 else torch.stack(tensors).sum(0), place)


def _plain(x: Any) -> Any:
    """A tensor without the graph that it belongs to; of what a model returns, the first tensor; None for none."""
    if hasattr(x, "is_floating_point"):
        return x.detach() if x.ndim else None
    found = tensor_in(x)
    return None if found is None else found.detach()
