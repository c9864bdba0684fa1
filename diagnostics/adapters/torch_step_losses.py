"""StepLosses: the losses since the last update, and which of them the gradients of the next one come from.

A loss belongs to the step if its backward pass has changed a gradient of the recorded optimisers, and that gradient has
not been thrown away since. So the losses of another network, of an inner loop with ``autograd.grad``, and of a step
that a GradScaler left out belong to no step. Losses without an update in evaluation mode are of a validation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from diagnostics.adapters.torch_loss import COUNT, BatchSums
from diagnostics.adapters.torch_warnings import NO_UPDATE, Warnings

MANY = 20
"""So many backward passes more than any step had, without an update, are worth a warning."""


class StepLosses:
    """Keeps the losses of the step under way, and those of validations.

    Args:
        optimizers: the optimisers that are recorded.
        guard: wraps what is called during a backward pass, so that an error of it does not end the training.
    """

    def __init__(self, optimizers: Sequence[Any], guard: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
        self._optimizers, self._guard = optimizers, guard
        self._batches: list[BatchSums] = []
        self._validations: list[BatchSums] = []
        self._backward = -1
        self._marks: list[Any] = []
        self._under_way: list[BatchSums] = []
        self._witness: tuple[Any, Any] | None = None
        self._waiting, self._most = 0, 0
        self._warnings = Warnings()

    def add(self, batch: BatchSums, loss: Any) -> None:
        """A loss with a graph. A loop may keep it, so that its hook holds no outputs once it is differentiated."""
        self._batches.append(batch)
        loss.register_hook(self._guard(partial(self._differentiated, batch)))

    def add_used(self, batch: BatchSums) -> None:
        """A loss without a graph, of which the loop says that it is trained on."""
        batch.is_used = batch.is_differentiated = True
        self._batches.append(batch)

    def add_validation(self, batch: BatchSums) -> None:
        """A loss without a graph, of a model in evaluation mode."""
        self._validations.append(batch)

    def used(self) -> list[BatchSums]:
        """The losses that the gradients come from.

        Where a loop sets the gradients itself, as to those of ``autograd.grad``, it is all that were differentiated,
        and where none was, all that the loop has told after their backward pass.
        """
        found = [batch for batch in self._batches if batch.is_used]
        found = found or [batch for batch in self._batches if batch.is_differentiated]
        return found or [batch for batch in self._batches if batch.is_told and batch.is_training]

    def clear(self) -> None:
        """The update is done."""
        self._most, self._waiting = max(self._most, self._waiting), 0
        self._batches, self._witness = [], None

    def take_validations(self, may_train: bool) -> list[BatchSums]:
        """Hand over the losses of validations; ``may_train``: those in evaluation mode may be trained on."""
        if not may_train:
            self.set_validations_apart()
        found, self._validations = self._validations, []
        return found

    def set_validations_apart(self) -> None:
        """Losses in evaluation mode from which no update follows are of a validation."""
        self._validations += [one for one in self._batches if not (one.is_differentiated or one.is_training)]
        self._batches = [one for one in self._batches if one.is_differentiated or one.is_training]

    def end(self) -> None:
        """The run is over; more losses than any step had are left where another optimiser has taken over."""
        self._warn_beyond(self._most)

    # ---- in a backward pass

    def _differentiated(self, batch: BatchSums, gradient: Any) -> None:
        import torch

        backward = torch._C._current_graph_task_id()
        if backward != self._backward:
            self._forget_discarded()
            self._backward, self._under_way = backward, []
            self._marks = [_mark(parameter) for parameter in self._parameters()]
            torch.autograd.Variable._execution_engine.queue_callback(self._guard(self._end_backward))
        if batch.weighed is not None:
            weights = gradient.detach()
            if bool(torch.isfinite(total := weights.sum())) and float(total):
                found = batch.weighed(weights)
                batch.sums, batch.targets = found.sums, found.targets
            batch.weighed = None
        batch.backward, batch.weight, batch.is_differentiated = backward, gradient.detach().sum(), True
        self._under_way.append(batch)

    def _end_backward(self) -> None:
        """The backward pass is over: its losses count if it has changed a gradient."""
        changed = (
            (parameter, now)
            for parameter, before in zip(self._parameters(), self._marks, strict=True)
            if (now := _mark(parameter)) != before
        )
        witness = next(changed, None)
        if witness is not None:
            self._witness = witness
            for batch in self._under_way:
                batch.is_used = True
            self._waiting += 1
            self._warn_beyond(3 * self._most + MANY)
        self._backward, self._under_way, self._marks = -1, [], []

    def _parameters(self) -> list[Any]:
        return [p for one in self._optimizers for group in one.param_groups for p in group["params"]]

    def _forget_discarded(self) -> None:
        """Losses whose gradients were thrown away belong to no step."""
        if self._witness is None:
            return
        parameter, before = self._witness
        gradient = parameter.grad
        if gradient is None or (_mark(parameter) != before and not _values(gradient).any()):
            self._batches = [batch for batch in self._batches if not batch.is_used]
            self._witness = None

    def _warn_beyond(self, most: int) -> None:
        if self._waiting > most:
            self._warnings.say(NO_UPDATE, self._waiting)


def weighed_together(batches: Sequence[BatchSums]) -> list[BatchSums]:
    """One batch for the losses of one forward or backward pass, as for mixed labels or several heads.

    Their means count as much as they do in the gradient. Losses that follow one forward pass are of the same samples.
    """
    groups: list[list[BatchSums]] = []
    for one in batches:
        last = groups[-1][-1] if groups else None
        if last is not None and (one.backward == last.backward >= 0 or one.forward == last.forward > 0):
            groups[-1].append(one)
        else:
            groups.append([one])
    return [group[0] if len(group) == 1 else _joined(group) for group in groups]


def _joined(group: Sequence[BatchSums]) -> BatchSums:
    import torch

    sums = torch.stack([torch.as_tensor(one.sums).double() for one in group])
    weights = torch.stack([torch.as_tensor(one.weight).double().to(sums.device) for one in group]).abs()
    shares = weights / weights.sum()
    shares = torch.where(torch.isfinite(shares), shares, 1 / len(group))
    largest: dict[object, Any] = {}
    for place, one in enumerate(group):
        key = one.forward or -1 - place
        count = sums[place, COUNT]
        largest[key] = count if key not in largest else torch.maximum(largest[key], count)
    means = shares @ (sums / sums[:, COUNT:])
    return BatchSums(means * sum(largest.values()), None, group[0].is_training, is_used=True)


def _mark(parameter: Any) -> tuple[int, int] | None:
    """What differs once a gradient has changed."""
    gradient = parameter.grad
    return None if gradient is None else (id(gradient), gradient._version)


def _values(gradient: Any) -> Any:
    return gradient._values() if gradient.is_sparse else gradient
