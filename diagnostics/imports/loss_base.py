"""Losses in base 2, as fairseq writes them, and perplexities that stand for losses.

A perplexity beside the losses, which is 2 to the loss, tells that these are in base 2. Where no perplexity stands
beside them, the names that fairseq alone gives to its numbers tell it. A perplexity without a loss is e to the loss.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from diagnostics.imports.columns import is_loss
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers

PERPLEXITY = re.compile(r"(?:^|(?<=[^a-z]))(?:ppl|perplexity)$", re.IGNORECASE)
LOSSES = ("nll_loss", "loss")
"""The losses of which a perplexity may be, the first that is there."""
BASE = "loss_base"
OF_FAIRSEQ = frozenset({"wps", "ups", "wpb", "bsz"})
NEAR, LEAST_LOSS = 0.05, 0.2
"""A perplexity is of a base if the logarithm differs by this share; losses below the second number do not tell it."""


def in_nats(metrics: LoggedMetrics) -> LoggedMetrics:
    """The metrics with losses in nats, if the file says that theirs are in base 2; a sentence says by what.

    metrics: what was read of a file. It stays as it is where the file does not say so.
    """
    reason = _reason(metrics)
    if not reason:
        return metrics
    series = {
        name: one.with_values(one.values * math.log(2)) if is_loss(name) else one
        for name, one in metrics.series.items()
    }
    told = f"its losses are in base 2, since {reason}: they are taken times ln 2, in nats"
    return replace(metrics, series=series, told=(*metrics.told, told))


def is_perplexity(name: str) -> bool:
    """Whether a metric of this name is a perplexity."""
    return PERPLEXITY.search(name) is not None


@np.errstate(divide="ignore", invalid="ignore")
def with_losses_of_perplexities(metrics: LoggedMetrics) -> LoggedMetrics:
    """The metrics with the logarithms of perplexities as losses, if there are perplexities and no losses."""
    found = [name for name in metrics.series if is_perplexity(name)]
    if not found or any(map(is_loss, metrics.series)):
        return metrics
    losses = {PERPLEXITY.sub("loss", name): metrics.series[name] for name in found}
    losses = {name: one.with_values(np.log(one.values)) for name, one in losses.items()}
    told = f"its losses are the logarithms of {', '.join(found)}"
    return replace(metrics, series={**metrics.series, **losses}, told=(*metrics.told, told))


def _reason(metrics: LoggedMetrics) -> str:
    """What says that losses are in base 2; "" where nothing does."""
    for name, loss, ratios in _perplexities(metrics):
        if len(ratios) and abs(float(np.median(ratios)) - 1) < NEAR:
            return ""
        if len(ratios) and abs(float(np.median(ratios)) - math.log(2)) < NEAR * math.log(2):
            return f"{name} is 2 to {loss}"
    if BASE in metrics.series and (metrics.series[BASE].values == 2).all():
        return f"{BASE} is 2"
    return "fairseq wrote it" if OF_FAIRSEQ.issubset(metrics.series) else ""


def _perplexities(metrics: LoggedMetrics) -> Iterator[tuple[str, str, Numbers]]:
    """Each perplexity, its loss, and the logarithms of its values divided by those of the loss."""
    for name, perplexity in metrics.series.items():
        if (found := PERPLEXITY.search(name)) is None:
            continue
        before = name[: found.start()]
        loss = next((f"{before}{one}" for one in LOSSES if f"{before}{one}" in metrics.series), None)
        if loss is not None:
            values, losses = _beside(perplexity, metrics.series[loss])
            told = np.isfinite(values) & np.isfinite(losses) & (values > 1) & (losses > LEAST_LOSS)
            yield name, loss, np.log(values[told]) / losses[told]


def _beside(one: MetricSeries, other: MetricSeries) -> tuple[Numbers, Numbers]:
    """The values of two metrics in the same rows of the file; in the same steps, where they share no row."""
    for mine, others in ((one.in_file, other.in_file), (one.steps, other.steps)):
        _, first, second = np.intersect1d(mine, others, return_indices=True)
        if len(first):
            return one.values[first], other.values[second]
    return np.zeros(0), np.zeros(0)
