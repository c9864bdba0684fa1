"""Gradients and evaluation of a batch, in shards, on several threads.

Every shard (:mod:`lenet.training.shards`) is computed with one BLAS thread into a gradient
buffer of its own, and the gradients are summed in the order of the shards. So the result is
the same to the last bit, whatever the number of threads. A batch of more than 1,024 samples
is computed in portions, which use the same workspaces one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from lenet.layers.base import Layer, TrainableLayer
from lenet.layers.sums import add_up
from lenet.layers.workspace import Array, Shape
from lenet.losses import Labels, LossCategoricalCrossEntropy
from lenet.metrics import AccuracyCategorical
from lenet.parameters import Parameters
from lenet.training.shards import PORTION, SHARD, Outputs, Portion, Rows, Shard

# Workspaces are kept for the latest sizes: those of whole and last batches, in training and in validation.
SIZES_KEPT = 6

Announce = Callable[[Outputs, int, int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Sums over the samples of a batch.

    Args:
        loss_sum: the sum of the losses, without penalty.
        correct: how many samples were guessed right.
        samples: the size of the batch.
    """

    loss_sum: float
    correct: int
    samples: int


class Engine:
    """Computes gradients and evaluates a finalized network.

    Args:
        layers: the layers of the network, in order.
        parameters: the flat buffers of the network.
        input_shape: shape of one input sample.
        loss: the loss to minimise.
        accuracy: counts the right guesses.
        threads: how many threads compute, 1 or more.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        parameters: Parameters,
        input_shape: Shape,
        loss: LossCategoricalCrossEntropy,
        accuracy: AccuracyCategorical,
        threads: int,
    ) -> None:
        self._layers = layers
        self._trainable = [layer for layer in layers if isinstance(layer, TrainableLayer)]
        self._parameters = parameters
        self._input_shape = input_shape
        self._loss = loss
        self._accuracy = accuracy
        self.threads = threads
        self._portions: dict[int, Portion] = {}
        self._pool: ThreadPoolExecutor | None = None

    @contextmanager
    def running(self) -> Iterator[Engine]:
        """A context in which the threads exist, BLAS uses one thread for each shard, and overflow gives no warning."""
        with single_threaded_blas():
            if self.threads == 1:
                yield self
                return
            with ThreadPoolExecutor(self.threads - 1, thread_name_prefix="shard") as self._pool:
                try:
                    yield self
                finally:
                    self._pool = None

    def gradients(self, X: Array, labels: Labels, rows: Rows, announce: Announce | None = None) -> BatchResult:
        """Forward and backward pass for samples X[rows]; the flat buffer gets the gradient of the mean loss.

        ``announce(outputs, first_sample, samples, batch_samples)`` is called after each portion.
        """
        batch = _count(rows)
        total, correct = 0.0, 0
        for first in range(0, batch, PORTION):
            portion = self._portion(min(PORTION, batch - first))

            def work(shard: Shard, place: slice, first: int = first) -> tuple[float, int]:
                probabilities, truth, score = self._score(shard, X, labels, rows, first, place)
                shard.backward(self._loss.shard_gradient(probabilities, truth, batch))
                return score

            for loss, right in self._each(portion, work):
                total += loss
                correct += right
            self._sum_gradients(portion, is_first=first == 0)
            if announce is not None:
                announce(portion.outputs, first, sum(shard.samples for shard in portion.shards), batch)
        for layer in self._trainable:
            layer.complete_gradients(batch)
        return BatchResult(total, correct, batch)

    def evaluate(self, X: Array, labels: Labels, rows: slice) -> BatchResult:
        """Forward pass alone, for samples X[rows], in portions of two shards."""
        batch = _count(rows)
        total, correct = 0.0, 0
        for first in range(0, batch, 2 * SHARD):
            portion = self._portion(min(2 * SHARD, batch - first))

            def work(shard: Shard, place: slice, first: int = first) -> tuple[float, int]:
                return self._score(shard, X, labels, rows, first, place)[2]

            for loss, right in self._each(portion, work):
                total += loss
                correct += right
        return BatchResult(total, correct, batch)

    def probabilities(self, X: Array) -> Array:
        """The probabilities (N, classes) for samples X."""
        parts = []
        for first in range(0, len(X), 2 * SHARD):
            portion = self._portion(min(2 * SHARD, len(X) - first))

            def work(shard: Shard, place: slice, first: int = first) -> Array:
                shard.load(X, slice(first + place.start, first + place.stop))
                return shard.forward().T.copy()

            parts += self._each(portion, work)
        return np.concatenate(parts)

    def _score(
        self, shard: Shard, X: Array, labels: Labels, rows: Rows, first: int, place: slice
    ) -> tuple[Array, Labels, tuple[float, int]]:
        """One shard forward: probabilities (classes, N), labels (N,), and (sum of losses, right guesses)."""
        mine = _part(rows, first + place.start, first + place.stop)
        shard.load(X, mine)
        probabilities, truth = shard.forward(), labels[mine]
        score = self._loss.shard_loss(probabilities, truth), self._accuracy.shard_correct(probabilities, truth)
        return probabilities, truth, score

    def _portion(self, samples: int) -> Portion:
        if samples not in self._portions:
            if len(self._portions) == SIZES_KEPT:
                del self._portions[next(iter(self._portions))]
            self._portions[samples] = Portion(self._layers, self._parameters, self._input_shape, samples, self.threads)
        return self._portions[samples]

    def _each(self, portion: Portion, work: Callable[[Shard, slice], Result]) -> list[Result]:
        """Call ``work`` for every shard, on all threads; returns the results in the order of the shards."""
        pairs = list(zip(portion.shards, portion.places, strict=True))
        if self._pool is None or len(pairs) == 1:
            return [work(*pair) for pair in pairs]

        def share(worker: int) -> list[Result]:
            with np.errstate(all="ignore"):
                return [work(*pair) for pair in pairs[worker :: self.threads]]

        others = [self._pool.submit(share, worker) for worker in range(1, min(self.threads, len(pairs)))]
        shares = [share(0), *(other.result() for other in others)]
        return [shares[i % self.threads][i // self.threads] for i in range(len(pairs))]

    def _sum_gradients(self, portion: Portion, is_first: bool) -> None:
        total = self._parameters.gradients
        before = [] if is_first else [total]
        add_up([*before, *(shard.gradients for shard in portion.shards)], total)


def cores() -> int:
    """How many cores of the machine this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """A context in which BLAS uses one thread for each call, and overflow gives no warning."""
    with _blas_controller().limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
        yield


@cache
def _blas_controller() -> Any:
    return ThreadpoolController()


def _count(rows: Rows) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def _part(rows: Rows, start: int, stop: int) -> Rows:
    """Rows ``start`` to ``stop`` of a batch."""
    if isinstance(rows, slice):
        return slice(rows.start + start, rows.start + stop)
    return rows[start:stop]
