"""What the outputs of a network answer: right answers, and the cross-entropy that guessing is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FIRST_LOOKS = 3
"""The batches in which a loss is compared with the cross-entropy; outputs of 0 alone would not tell them apart."""
CLASSES_SECOND = ("CrossEntropyLoss", "NLLLoss", "NLLLoss2d")
"""Criterions whose outputs have the classes on the second axis."""


@dataclass
class Answers:
    """Outputs of a network, and what they are compared with.

    Attributes:
        outputs: (n, classes, ...); (n,) where each sample is yes or no.
        targets: (n, ...) whole numbers; (n,) shares of yes.
        counts: which of the targets count; None for all.
        is_binary: whether each sample is yes or no.
    """

    outputs: Any
    targets: Any
    counts: Any = None
    is_binary: bool = False

    @property
    def counted(self) -> Any:
        """The classes that count, (n,)."""
        if self.is_binary:
            return (self.targets > 0.5).long()
        return (self.targets if self.counts is None else self.targets[self.counts]).reshape(-1)

    def right(self, are_shares: bool) -> Any:
        """The number of right answers. ``are_shares``: the outputs are probabilities."""
        if self.is_binary:
            right = (self.outputs > (0.5 if are_shares else 0.0)) == (self.targets > 0.5)
        else:
            right = self.outputs.argmax(1) == self.targets
        return right.sum() if self.counts is None else (right & self.counts).sum()

    def entropy(self, are_shares: bool) -> Any:
        """The mean cross-entropy. ``are_shares``: the outputs are probabilities."""
        import torch

        functional = torch.nn.functional
        outputs = self.outputs.float() if self.outputs.element_size() < 4 else self.outputs
        if self.is_binary:
            compute = functional.binary_cross_entropy if are_shares else functional.binary_cross_entropy_with_logits
            return compute(outputs, self.targets.to(outputs.dtype))
        least = torch.finfo(outputs.dtype).tiny
        scores = outputs.clamp(min=least).log() if are_shares else outputs.log_softmax(1)
        each = functional.nll_loss(scores, self.targets, reduction="none")
        return each.mean() if self.counts is None else each[self.counts].sum() / self.counts.sum().clamp(min=1)

    def are_shares(self) -> bool:
        """Whether the outputs are probabilities, as far as the numbers tell."""
        if not bool(((self.outputs >= 0) & (self.outputs <= 1)).all()):
            return False
        return self.is_binary or bool(((self.outputs.float().sum(1) - 1).abs() < 0.01).all())


def answers_of_classes(outputs: Any, targets: Any, kind: str, ignored: int | None) -> Answers | None:
    """The answers of a network for classes; None where outputs and targets have shapes that do not fit.

    Args:
        outputs: (n, classes, ...), or (..., classes).
        targets: (n, ...) whole numbers, or shares of classes in the shape of the outputs.
        kind: the class of the criterion.
        ignored: the target that does not count; None for none. Targets that are no class never count.
    """
    axis = class_axis(outputs, targets, kind)
    if axis is None:
        return None
    outputs = outputs.movedim(axis, 1)
    if targets.is_floating_point():
        return Answers(outputs, targets.argmax(1))
    is_none = (targets < 0) | (targets >= outputs.shape[1])
    if ignored is not None:
        is_none = is_none | (targets == ignored)
    if targets.device.type == "cpu" and not bool(is_none.any()):
        return Answers(outputs, targets)
    return Answers(outputs, targets.masked_fill(is_none, 0), ~is_none)


def class_axis(outputs: Any, targets: Any, kind: str) -> int | None:
    """The axis of the classes in outputs; None where outputs and targets have shapes that do not fit."""
    shape, wanted = tuple(outputs.shape), tuple(targets.shape)
    if targets.is_floating_point():
        return 1 if shape == wanted and len(shape) > 1 else None
    if len(shape) != len(wanted) + 1:
        return None
    is_second, is_last = shape[:1] + shape[2:] == wanted, shape[:-1] == wanted
    if kind in CLASSES_SECOND or not is_last:
        return 1 if is_second else None
    return len(shape) - 1


def is_close(loss: Any, entropy: Any) -> bool:
    """Whether a loss is the cross-entropy, but for rounding."""
    import torch

    rounding = 1e-4 + 4 * torch.finfo(loss.dtype).eps
    found, expected = float(loss), float(entropy)
    return found == expected or abs(found - expected) <= rounding * abs(expected)
