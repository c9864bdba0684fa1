"""Loss, accuracy and targets of a step, from a hook on the criterion or from a call in the loop.

A step may take several batches (accumulated gradients): their losses are added up, weighed by their samples. What
comes without a graph, or from a model in evaluation mode, is a validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.torch_outputs import tensor_in
from diagnostics.adapters.torch_vector import StepVector
from diagnostics.schema.task import CLASSES, Task

LOSS, DATA_LOSS, CORRECT, COUNT = range(4)
BINARY_LOSSES = ("BCELoss", "BCEWithLogitsLoss")


@dataclass
class BatchSums:
    """What the criterion said of one batch.

    Attributes:
        sums: (4,), loss and data loss times samples, right answers, samples: an array, or a tensor on its device.
        targets: the targets that count, None where they are not known.
        is_training: whether the model was in training mode.
        is_used: whether the loss has been differentiated.
    """

    sums: Any
    targets: Any
    is_training: bool
    is_used: bool = False

    def use(self, gradient: Any) -> None:
        """Called when the loss is differentiated: an update may follow from it."""
        self.is_used = True


def task_of(criterion: Any, outputs: Any, targets: Any) -> Task:
    """The task that a criterion, or the batch that it got, speaks for.

    Args:
        criterion: the module; None where the loop told the loss.
        outputs: what the model answered; None where that is not known.
        targets: what it ought to have answered; None likewise.
    """
    kind = type(criterion).__name__
    if outputs is None or targets is None:
        return Task.loss_only()
    if kind in BINARY_LOSSES:
        return Task.binary() if outputs.numel() == len(outputs) else Task.loss_only()
    if kind == "CrossEntropyLoss" or _are_classes(outputs, targets):
        return Task.classes()
    if targets.is_floating_point() and targets.shape == outputs.shape:
        regressions = {"MSELoss": Task.regression(), "L1Loss": Task.regression("absolute-error")}
        return regressions.get(kind, Task.loss_only())
    return Task.loss_only()


class LossTap:
    """Turns what a criterion takes in and gives out into sums.

    Args:
        criterion: the module; None where the loop tells the loss.
        task: what the network is trained for; None to see it from the criterion and its first batch.
    """

    def __init__(self, criterion: Any, task: Task | None) -> None:
        self.criterion, self.task = criterion, task
        self._reduction = getattr(criterion, "reduction", "mean")
        self._ignored = getattr(criterion, "ignore_index", None)
        is_plain = getattr(criterion, "weight", None) is None and not getattr(criterion, "label_smoothing", 0)
        self._needs_entropy = type(criterion).__name__ in ("CrossEntropyLoss", "NLLLoss") and not is_plain

    @property
    def has_accuracy(self) -> bool:
        """Whether right answers are counted."""
        return self.task is not None and self.task.has_classes

    def batch(self, loss: Any, outputs: Any, targets: Any, is_training: bool) -> BatchSums:
        """The sums of one batch.

        Args:
            loss: what the criterion returned.
            outputs: what the model answered; None where that is not known.
            targets: what it ought to have answered; None likewise.
            is_training: whether the model was in training mode.
        """
        import torch

        with torch.no_grad():
            outputs, targets = _plain(outputs), _plain(targets)
            if self.task is None:
                self.task = task_of(self.criterion, outputs, targets)
            if self._are_usual(loss, outputs, targets):
                return self._usual(loss, outputs, targets, is_training)
            loss = loss.detach() if loss.dtype == torch.float64 else loss.detach().float()
            correct, classes, counts = self._answers(outputs, targets)
            count = self._count(loss, targets, counts)
            mean = loss.sum() / count if self._reduction == "sum" else loss.mean()
            data = mean
            if self._needs_entropy and classes is not None and outputs is not None:
                entropy = torch.nn.functional.nll_loss(outputs.float().log_softmax(1), classes, reduction="none")
                data = (entropy * counts).sum() / count if counts is not None else entropy.mean()
            samples = torch.as_tensor(count, device=loss.device).to(loss.dtype)
            parts = (mean * samples, data * samples, correct.to(loss.device), samples)
            sums = torch.stack([one.to(loss.dtype) for one in parts])
            counted = targets if classes is None else (classes if counts is None else classes[counts]).reshape(-1)
            return BatchSums(sums, counted, is_training)

    # ---- inside

    def _are_usual(self, loss: Any, outputs: Any, targets: Any) -> bool:
        """Whether a batch is one of classes on the host with a plain mean loss, for which NumPy is enough."""
        if outputs is None or targets is None or self.task is None or self.task.kind != CLASSES:
            return False
        is_plain = not self._needs_entropy and self._reduction != "sum" and loss.numel() == 1
        is_simple = outputs.ndim == 2 and targets.ndim == 1 and len(targets) and not targets.is_floating_point()
        on_host = all(StepVector.is_host(one) for one in (loss, outputs, targets)) and outputs.element_size() >= 4
        return bool(is_plain and is_simple and on_host and not (targets.numpy() == self._ignored).any())

    def _usual(self, loss: Any, outputs: Any, targets: Any, is_training: bool) -> BatchSums:
        """The sums of such a batch, at a tenth of the cost."""
        total, count = loss.item() * len(targets), len(targets)
        right = np.count_nonzero(outputs.numpy().argmax(axis=1) == targets.numpy())
        return BatchSums(np.array([total, total, right, count]), targets, is_training)

    def _answers(self, outputs: Any, targets: Any) -> tuple[Any, Any, Any]:
        """The number of right answers, the classes, and which of them count; None for all, or where there are none."""
        import torch

        if not self.has_accuracy or outputs is None or targets is None:
            return torch.tensor(float("nan")), None, None
        if self.task is not None and self.task.kind != CLASSES:
            middle = 0.5 if type(self.criterion).__name__ == "BCELoss" else 0.0
            classes = (targets.reshape(-1) > 0.5).long()
            return ((outputs.reshape(-1) > middle) == classes).sum(), classes, None
        if targets.shape == outputs.shape:  # shares of classes
            targets = targets.argmax(1)
        answers = outputs.argmax(1)
        right = answers == targets
        if self._ignored is None or not bool(
            (targets == self._ignored).any() if targets.device.type == "cpu" else True
        ):
            return right.sum(), targets, None
        counts = targets != self._ignored
        return (right & counts).sum(), targets.clamp(min=0), counts

    def _count(self, loss: Any, targets: Any, counts: Any) -> Any:
        """The number of samples of a batch."""
        if counts is not None:
            return counts.sum().clamp(min=1)
        if targets is None:
            return 1
        if (
            self.has_accuracy
            and self.task is not None
            and self.task.kind == CLASSES
            and not targets.is_floating_point()
        ):
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


def _are_classes(outputs: Any, targets: Any) -> bool:
    return not targets.is_floating_point() and outputs.ndim == targets.ndim + 1


def _plain(x: Any) -> Any:
    """A tensor without the graph that it belongs to; of what a model returns, the first tensor; None for none."""
    if hasattr(x, "is_floating_point"):
        return x.detach() if x.ndim else None
    found = tensor_in(x)
    return None if found is None else found.detach()
