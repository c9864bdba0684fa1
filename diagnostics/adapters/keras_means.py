"""BatchMeans: losses and accuracies of single batches, from metrics of Keras that keep means of the epoch so far.

A metric keeps its mean as a total and a count. What one batch added to both gives the mean of that batch, whatever its
size and weights are, and whoever reset the metric before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from diagnostics.adapters.keras_arrays import as_array

Totals = tuple[float, float]
SAME = 1e-3
"""How far the mean of a metric may be from the number in the logs, as a share."""


class BatchMeans:
    """Reads the metrics of a model before and after each batch."""

    def __init__(self) -> None:
        self._before: dict[int, Totals] = {}

    def begin(self, model: Any) -> None:
        """Call it right before a batch."""
        self._before = {id(one): _totals(one) for one in _mean_metrics(model)}

    def metric(self, model: Any, name: str, told: float) -> Any:
        """The metric that the logs got ``told`` under ``name`` from; None where a train step computed the number."""
        for one in _mean_metrics(model):
            total, count = _totals(one)
            if one.name != name or count == self._count_before(one):
                continue
            if np.isclose(total / count if count else 0.0, told, rtol=SAME, atol=1e-6, equal_nan=True):
                return one
        return None

    def of_batch(self, metric: Any) -> float:
        """The mean of the batch."""
        total, count = _totals(metric)
        total_before, count_before = self._before.get(id(metric), (0.0, 0.0))
        return (total - total_before) / (count - count_before)

    def added(self, metric: Any) -> float:
        """What the batch added to the count: for the loss its samples, or 1 with old versions of Keras."""
        return _totals(metric)[1] - self._count_before(metric)

    def _count_before(self, metric: Any) -> float:
        return self._before.get(id(metric), (0.0, 0.0))[1]


def _mean_metrics(model: Any) -> Iterator[Any]:
    """The metrics of a model that keep a total and a count, those within others too."""
    for one in model.metrics:
        for metric in [one, *getattr(one, "metrics", ())]:
            if hasattr(metric, "total") and hasattr(metric, "count"):
                yield metric


def _totals(metric: Any) -> Totals:
    return float(as_array(metric.total)), float(as_array(metric.count))
