"""Orders of the samples in each epoch.

An order is a function of the epoch, counted from 1. It returns the samples of that epoch
as (N,) indices into the training set, or None for the order of the training set itself.
Batches are consecutive parts of it. An order keeps no state, so a continued run finds the
batches of any epoch again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lenet.errors import SettingsError

Indices = NDArray[np.intp]
Order = Callable[[int], Indices | None]

# Parts of the seed sequence of a run: (0, layer) draws weights, see Model.finalize.
_SHUFFLED, _RESHUFFLED = 1, 2


def as_they_lie(epoch: int) -> None:
    """The samples from first to last, in every epoch."""


def shuffled(seed: int, samples: int) -> Order:
    """Another permutation for every epoch, which ``seed`` decides."""

    def order(epoch: int) -> Indices:
        return _permutation(seed, (_SHUFFLED, epoch - 1), samples)

    return order


def reshuffled(before: Order, seed: int, first_sample: int, epoch: int, samples: int) -> Order:
    """The order ``before`` up to a place in an epoch, and from there on one that ``seed`` decides.

    Args:
        before: the order of the run until then.
        seed: decides the rest; the same seed gives the same order.
        first_sample: how many samples of ``epoch`` were trained on before the place; the others get a new order.
        epoch: the epoch of the place, counted from 1; later epochs are shuffled whole, earlier ones stay.
        samples: the size of the training set.
    """

    def order(now: int) -> Indices | None:
        if now < epoch:
            return before(now)
        mixed = _permutation(seed, (_RESHUFFLED, now - 1), samples)
        if now > epoch:
            return mixed
        lying = before(now)
        whole = np.arange(samples) if lying is None else lying
        rest = whole[first_sample:]
        # Ranks of a permutation of all samples, so that a seed gives the same order for every place.
        return np.concatenate([whole[:first_sample], rest[np.argsort(np.argsort(mixed)[rest])]])

    return order


def samples_of(order: Order, epoch: int, samples: int) -> Indices | None:
    """``order(epoch)``, checked. Raises SettingsError for what are not ``samples`` indices below ``samples``."""
    found = order(epoch)
    if found is None:
        return None
    indices = np.asarray(found)
    if indices.shape != (samples,) or indices.dtype.kind not in "iu":
        raise SettingsError(
            f"order: received an array of {indices.dtype}, shape {indices.shape} for epoch {epoch}, "
            f"expected {samples} whole numbers, one for each sample"
        )
    if indices.min() < 0 or indices.max() >= samples:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise SettingsError(f"order: received sample {wrong} for epoch {epoch}, expected 0 to {samples - 1}")
    return indices.astype(np.intp, copy=False)


def _permutation(seed: int, key: tuple[int, int], samples: int) -> Indices:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key)).permutation(samples)
