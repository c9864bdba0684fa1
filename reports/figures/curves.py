"""Shortens long curves without losing an extreme, and draws the marks that all curves share."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from diagnostics.detect.findings import Stretch
from reports.figures import style

Array = NDArray[np.float64]
BUCKETS = 700
LEAST_WIDTH = 0.008  # the least width of a shaded stretch, as a share of the picture


def extremes(x: NDArray[Any], y: NDArray[Any], buckets: int = BUCKETS) -> tuple[Array, Array]:
    """At most 4 points a bucket: its first, smallest, largest and last, in their order.

    Neighbours on screen keep every peak; a curve of up to 4 points a bucket
    comes back as it is. A bucket that holds a value that is not finite keeps
    one NaN, so that the gap stays visible.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n = len(x)
    if n <= 4 * buckets:
        return x, np.where(np.isfinite(y), y, np.nan)
    edges = np.linspace(0, n, buckets + 1).astype(np.intp)
    bad = ~np.isfinite(y)
    low, high = np.where(bad, np.inf, y), np.where(bad, -np.inf, y)
    keep = [edges[:-1], edges[1:] - 1]
    keep.append(np.array([a + np.argmin(low[a:b]) for a, b in itertools.pairwise(edges)]))
    keep.append(np.array([a + np.argmax(high[a:b]) for a, b in itertools.pairwise(edges)]))
    keep.append(np.array([a + np.argmax(bad[a:b]) for a, b in itertools.pairwise(edges)]))
    chosen = np.unique(np.concatenate(keep))
    return x[chosen], np.where(bad[chosen], np.nan, y[chosen])


def moving_mean(y: NDArray[Any], window: int) -> Array:
    """Mean of the last ``window`` finite values at each place (of fewer at the start); NaN where none is."""
    y = np.asarray(y, dtype=np.float64)
    good = np.isfinite(y)
    total = np.concatenate(([0.0], np.cumsum(np.where(good, y, 0.0))))
    count = np.concatenate(([0], np.cumsum(good)))
    first = np.maximum(np.arange(len(y)) + 1 - window, 0)
    last = np.arange(len(y)) + 1
    n = count[last] - count[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = np.where(n > 0, (total[last] - total[first]) / n, np.nan)
    return mean


def cells(values: NDArray[Any], columns: int) -> tuple[Array, NDArray[np.intp]]:
    """(rows, n) made (rows, at most ``columns``): each cell holds its most unusual value.

    The most unusual value is the farthest from the row's median, in logarithms where all
    values are at least 0, so that a short fall to zero is kept as well as a short peak. A
    value that is not finite comes before all others. The bucket edges are returned as well.
    """
    values = np.asarray(values, dtype=np.float64)
    rows, n = values.shape
    edges = np.linspace(0, n, min(n, columns) + 1).astype(np.intp)
    if n <= columns:
        return values, edges
    size = np.log10(np.maximum(values, 1e-30)) if np.nanmin(values, initial=0.0) >= 0 else values
    middle = np.array([[np.median(r[np.isfinite(r)]) if np.isfinite(r).any() else 0.0] for r in size])
    distance = np.where(np.isfinite(values), np.abs(size - middle), np.inf)
    out = np.empty((rows, len(edges) - 1))
    for j, (a, b) in enumerate(itertools.pairwise(edges)):
        out[:, j] = values[np.arange(rows), a + np.argmax(distance[:, a:b], axis=1)]
    return out, edges


def mark_stretches(axes: Axes, stretches: tuple[Stretch, ...], last_step: int) -> None:
    """Shade and hatch each defect stretch; onset solid, confirmation dashed, recovery dotted."""
    for stretch in stretches:
        end: float = stretch.recovery if stretch.recovery is not None else last_step
        begin, least = float(stretch.onset), LEAST_WIDTH * last_step
        if end - begin < least:  # a stretch too narrow to be seen is drawn wider, and inside the picture
            begin = max(min(begin, last_step - least), 0)
            end = begin + least
        axes.axvspan(begin, end, facecolor=style.VERMILLION, alpha=0.10, zorder=0, linewidth=0)
        axes.axvspan(begin, end, facecolor="none", alpha=0.25, zorder=0, **style.STRETCH)
        axes.axvline(stretch.onset, **style.ONSET)
        axes.axvline(stretch.confirmed, **style.CONFIRMED)
        if stretch.recovery is not None:
            axes.axvline(stretch.recovery, **style.RECOVERED)


def mark_epochs(axes: Axes, firsts: tuple[int, ...]) -> None:
    """A thin line at the first step of each epoch but the first."""
    for step in firsts:
        axes.axvline(step, color="#B8B8B8", linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
