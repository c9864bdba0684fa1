"""RecordedGradients: which gradients of a watched run are recorded: those that are kept, derived ones, or none.

A gradient that nobody keeps is derived from its update, which is right for plain gradient descent alone. So nothing is
derived where the user names another optimizer, where the network keeps what another one needs, or where the first two
updates cannot be those of plain gradient descent. Where neither can be said, the user is told what was assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.adapters import watch_warnings
from diagnostics.adapters.answer_gradient import AnswerGradient
from diagnostics.adapters.batch_span import BatchSpan, Origin, are_of_signs
from diagnostics.adapters.told_step import ToldStep
from diagnostics.adapters.watched_network import WatchedNetwork
from diagnostics.schema.task import Task


class RecordedGradients:
    """Decides at the first step of a run, or at the second.

    Args:
        network: the network, which shows its first step.
        told: what the loop said of that step.
        task: that of the run.
        outputs: how many numbers the network puts out for a sample; 0 where that is not known.
        is_wanted: whether gradients are recorded at all.
        description: what the user says of the model.

    Attributes:
        is_recorded: whether gradients are recorded, as far as it is decided.
        waits: whether the second step decides it.
    """

    def __init__(
        self,
        network: WatchedNetwork,
        told: ToldStep,
        *,
        task: Task,
        outputs: int,
        is_wanted: bool,
        description: Mapping[str, Any],
    ) -> None:
        self._network, self.is_recorded, self.waits = network, is_wanted, False
        self.derived = sorted({name for layer in network.layers for name in layer.derived})
        self._span: BatchSpan | None = None
        self._answer = AnswerGradient(task, network.layers[-1], outputs)
        if not is_wanted:
            return
        is_said = bool({"optimizer", "momentum", "weight_decay", "clipping"}.intersection(description))
        if self.derived and is_said:
            self.is_recorded = is_plain_sgd(description)
        elif self.derived and network.optimizer_state:
            watch_warnings.warn_of_optimizer_state(network.optimizer_state)
            self.is_recorded = False
        elif self.derived and are_of_signs(*network.derived_updates()):
            self._decide("other")
        else:
            self._span = BatchSpan(network.layers, told.batch)
            origin = _both(self._span.origin, self._answer.origin(told.targets))
            self.waits = bool(self.derived) and origin == "batch"
            if not self.waits and self.derived:
                self._decide(origin)
        if self.is_recorded and told.rate and self._answer.is_sum(told.targets):
            watch_warnings.warn_of_sums()

    def see_next(self, told: ToldStep) -> None:
        """Take in the second step, which the network shows; the steps after it say nothing more."""
        span, self._span = self._span, None
        if span is None:
            return
        origin = _both(span.next(self._network.layers, told.batch), self._answer.origin(told.targets))
        if self.waits:
            self._decide(origin)
        elif not self.derived and origin == "other":
            watch_warnings.warn_of_older_gradients()
        self.waits = False

    def _decide(self, origin: Origin) -> None:
        """Record derived gradients, or none where the updates are not those of plain gradient descent."""
        self.is_recorded = origin != "other"
        if origin == "other":
            watch_warnings.warn_of_other_updates()
        elif origin == "unknown":
            watch_warnings.warn_of_derived_gradients()


def _both(first: Origin, second: Origin) -> Origin:
    """What two observations say together: one of another origin is enough, and one that says something."""
    if "other" in (first, second):
        return "other"
    return second if first == "unknown" else first


def is_plain_sgd(description: Mapping[str, Any]) -> bool:
    """Whether the update may be the gradient times the learning rate, as far as the description of a model says.

    It is where no optimizer is named.
    """
    name = str(description.get("optimizer", "sgd")).lower()
    is_plain = name.endswith(("sgd", "gradient descent", "gd"))
    return is_plain and not any(description.get(one) for one in ("momentum", "weight_decay", "clipping"))
