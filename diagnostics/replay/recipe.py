"""How a run is made again: what a replay asks, whether the run is of ``Model.train`` or of a loop that a user wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from diagnostics.replay.batch import Batch
from diagnostics.replay.subject import Subject
from lenet.hooks import Hook
from lenet.training.state import State


class Trained(Protocol):
    """What is trained again, as far as a replay looks at it."""

    @property
    def step(self) -> int:
        """How many steps were made."""

    def state(self) -> State:
        """The state before the next step; ``parameters`` are all parameters, flat."""

    def digest(self) -> str:
        """SHA-256 of all parameters."""


class Recipe(Protocol):
    """How a run is made again."""

    @property
    def can_start_anywhere(self) -> bool:
        """Whether a saved state is enough to go on from, or the run has to be made from its beginning."""

    def begin(self, state: State | None) -> Trained:
        """What is trained, before the first step or in a state. Raises ReplayError where it cannot be made."""

    def train(self, trained: Any, stop: int, hooks: Sequence[Hook] = ()) -> None:
        """Train on, until ``stop`` steps of the run are made."""

    def live_model(self, step: int, state: State) -> Any:
        """The model just before ``step``, free to be trained on."""

    def batch_of(self, step: int) -> Batch:
        """The batch of a step."""

    def others(self, step: int, samples: int) -> dict[str, Batch]:
        """What the loss can be asked for beside the batch of ``step``: the next one, and samples that stay the same."""

    def subject(self) -> Subject:
        """The network, to be asked what it does."""
