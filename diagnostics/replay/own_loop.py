"""Makes a run of a training loop that a user wrote again, by two functions of that user.

``build()`` makes the network as it was before its first step, see
:mod:`diagnostics.replay.own_network`. ``batches()`` gives the batches of the whole run, in
order: pairs (images, labels). The loop that was logged does only this for each:

    loss, accuracy = network.gradients(images, labels)
    monitor.before_update(images, loss, accuracy, network.learning_rate)
    network.update()
    monitor.after_update()
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import ReplayError
from diagnostics.replay.batch import Batch
from diagnostics.replay.own_network import NEEDED, BatchMaker, NetworkMaker, OwnNetwork, flat_values
from diagnostics.replay.own_subject import OwnSubject
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import Hook
from lenet.training.custom_loop import LoopMonitor
from lenet.training.state import State


class OwnTrained:
    """The network of such a loop while it is trained again. ``step`` counts the steps that were made."""

    def __init__(self, network: OwnNetwork, batches: Iterator[tuple[Any, Any]]) -> None:
        self.network, self.batches = network, batches
        self.step = 0

    def state(self) -> State:
        return {"parameters": flat_values(self.network)}

    def digest(self) -> str:
        return hashlib.sha256(flat_values(self.network).tobytes()).hexdigest()


@dataclass(frozen=True)
class OwnRun:
    """How a run of a loop that a user wrote is made again, always from its beginning.

    Args:
        info: what its log says of it.
        build: makes the network as it was before its first step.
        batches: gives the batches of the whole run, in order, and may be called again.
    """

    info: RunInfo
    build: NetworkMaker
    batches: BatchMaker
    can_start_anywhere = False

    def begin(self, state: State | None) -> OwnTrained:
        network = self.build()
        missing = [name for name in NEEDED if not hasattr(network, name)]
        if missing:
            kind = type(network).__name__
            raise ReplayError(f"build: returned {kind} without {', '.join(missing)}, expected {', '.join(NEEDED)}")
        return OwnTrained(network, iter(self.batches()))

    def train(self, trained: OwnTrained, stop: int, hooks: Sequence[Hook] = ()) -> None:
        network, info = trained.network, self.info
        monitor = LoopMonitor(
            network.layers,
            labels=self._labels,
            batch_size=info.batch_size,
            epochs=info.epochs,
            hooks=list(hooks),
            steps_per_epoch=info.steps_per_epoch,
            seed=None if info.seed < 0 else info.seed,
            description=info.description,
        )
        with monitor:
            for images, labels in islice(trained.batches, stop - trained.step):
                loss, accuracy = network.gradients(images, labels)
                penalty = float(getattr(network, "penalty", 0.0))
                monitor.before_update(images, loss, accuracy, network.learning_rate, penalty)
                network.update()
                trained.step += 1
                monitor.after_update()
        if monitor.status == "completed" and trained.step < stop:
            raise ReplayError(f"batches: gave {trained.step}, expected at least {stop}, one for each step of the log")

    def live_model(self, step: int, state: State) -> OwnNetwork:
        trained = self.begin(None)
        for images, labels in islice(trained.batches, step):
            trained.network.gradients(images, labels)
            trained.network.update()
        return trained.network

    def batch_of(self, step: int) -> Batch:
        found = next(islice(iter(self.batches()), step, None), None)
        if found is None:
            raise ReplayError(f"batches: gave none for step {step}")
        return Batch(*found)

    def others(self, step: int, samples: int) -> dict[str, Batch]:
        """The next batch, if there is one. The training set is not known."""
        found = next(islice(iter(self.batches()), step + 1, None), None)
        return {} if found is None else {"next_batch": Batch(*found)}

    def subject(self) -> OwnSubject:
        return OwnSubject(self.begin(None).network, self.info)

    @cached_property
    def _labels(self) -> NDArray[Any]:
        """The classes of one epoch, which give the class prior."""
        epoch = [np.asarray(labels) for _, labels in islice(iter(self.batches()), self.info.steps_per_epoch)]
        if not epoch:
            raise ReplayError("batches: gave none, expected those of the whole run")
        return np.concatenate(epoch)
