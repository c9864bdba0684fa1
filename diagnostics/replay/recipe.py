"""The interface by which a replay makes a run again, of ``Model.train`` and of a loop that a user wrote alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from diagnostics.replay.batch import Batch
from diagnostics.replay.subject import Subject
from lenet.hooks import Hook
from lenet.training.state import State


class Trained(Protocol):
    """The part of a training that a replay uses."""

    @property
    def step(self) -> int:
        """The number of steps that were made."""

    def state(self) -> State:
        """The state before the next step; ``parameters`` are all parameters, flat."""

    def digest(self) -> str:
        """SHA-256 of all parameters."""


class Recipe(Protocol):
    """Makes a run again."""

    @property
    def can_start_anywhere(self) -> bool:
        """Whether the run can go on from a saved state. Otherwise it has to be made from its beginning."""

    def begin(self, state: State | None) -> Trained:
        """The training in a state, or before its first step (None). Raises ReplayError where it cannot be made."""

    def train(self, trained: Any, stop: int, hooks: Sequence[Hook] = ()) -> None:
        """Train on, until ``stop`` steps of the run are made."""

    def live_model(self, step: int, state: State) -> Any:
        """The model just before ``step``, which the caller may change and train."""

    def batch_of(self, step: int) -> Batch:
        """The batch of a step."""

    def others(self, step: int, samples: int) -> dict[str, Batch]:
        """Further batches for the loss: the one after ``step``, and samples that are the same for all steps."""

    def subject(self) -> Subject:
        """The network as a subject."""
