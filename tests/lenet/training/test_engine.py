"""The engine: how a batch is cut into shards, and for how many batch sizes workspaces are kept."""

from __future__ import annotations

import pytest

from lenet.training.engine import SIZES_KEPT
from lenet.training.shards import SHARD, SMALLEST_SHARD, shard_sizes
from tests.helpers.small_models import blobs, small_model


@pytest.mark.parametrize("samples", [1, 31, 32, 64, 127, 128, 129, 500, 1024])
def test_shards_hold_every_sample_once_and_differ_by_one_at_most(samples: int) -> None:
    sizes = shard_sizes(samples)

    assert sum(sizes) == samples
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= max(SHARD, 2 * SMALLEST_SHARD - 1)


def test_many_sizes_of_batches_do_not_pile_up_workspaces() -> None:
    X, _ = blobs(40)
    model = small_model()

    for size in range(1, 40):
        model.predict(X[:size])

    assert model._engine is not None
    assert len(model._engine._portions) == SIZES_KEPT
