"""RecordedGradients: which gradients of a watched run are recorded: those that are kept, derived ones, or none.

A gradient that nobody keeps is derived from its update, which is right for plain gradient descent alone. So nothing is
derived where the user names another optimizer, where the network keeps what another one needs, or where the first two
updates cannot be those of plain gradient descent. Where neither can be said, the user is told what was assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.adapters import watch_warnings
from diagnostics.adapters.batch_span import Array, BatchSpan, Origin, are_of_signs
from diagnostics.adapters.watched_network import WatchedNetwork


class RecordedGradients:
    """Decides at the first step of a run, or at the second.

    Args:
        network: the network, which shows its first step.
        batch: the inputs of that step.
        is_wanted: whether gradients are recorded at all.
        description: what the user says of the model.

    Attributes:
        is_recorded: whether gradients are recorded, as far as it is decided.
        waits: whether the second step decides it.
    """

    def __init__(
        self, network: WatchedNetwork, batch: Array, *, is_wanted: bool, description: Mapping[str, Any]
    ) -> None:
        self._network, self.is_recorded, self.waits = network, is_wanted, False
        self.derived = sorted({name for layer in network.layers for name in layer.derived})
        self._span: BatchSpan | None = None
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
            self._span = BatchSpan(network.layers, batch)
            self.waits = bool(self.derived) and self._span.origin == "batch"
            if not self.waits and self.derived:
                self._decide(self._span.origin)

    def see_next(self, batch: Array) -> None:
        """Take in the second step, which the network shows; the steps after it say nothing more."""
        span, self._span = self._span, None
        if span is None:
            return
        origin = span.next(self._network.layers, batch)
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


def is_plain_sgd(description: Mapping[str, Any]) -> bool:
    """Whether the update may be the gradient times the learning rate, as far as the description of a model says.

    It is where no optimizer is named.
    """
    name = str(description.get("optimizer", "sgd")).lower()
    is_plain = name.endswith(("sgd", "gradient descent", "gd"))
    return is_plain and not any(description.get(one) for one in ("momentum", "weight_decay", "clipping"))
