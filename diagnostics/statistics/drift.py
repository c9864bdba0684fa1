"""Finds the parameters that drift before a collapse: they moved further, or less far, than in all healthy runs.

The distance that a norm or a mean has moved since step 0 is compared at the same step
of every run. The range of n healthy runs needs no assumption about their distribution:
one more healthy run is outside of it with probability 2 / (n + 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.arguments import expect_names, expect_several
from diagnostics.run.run import Run
from diagnostics.statistics.bands import values_at
from lenet.arguments import expect_whole

COLUMNS = ("below", "above", "runs", "lead")
ROUNDING = 1e-6
"""Smaller changes are rounding. The mean of the last layer's weights, for example, cannot change, since the gradients
of a softmax add up to 0."""


def drifts(
    defect: Sequence[Run], healthy: Sequence[Run], statistics: Sequence[str] = ("norm", "mean"), before: int = 200
) -> pd.DataFrame:
    """For each statistic of each tensor, in how many defect runs it drifted before the onset.

    Index (layer, tensor, statistic), sorted by how often the statistic is outside on the same
    side. Columns: ``below`` and ``above`` count the defect runs in which the statistic has
    changed since step 0, up to one step before the onset, by less or by more than in every
    healthy run. ``runs`` counts the defect runs with an onset later than 0. ``lead`` is the
    median, over the runs outside, of the number of steps for which they were outside without
    a break (NaN where none is outside). Without healthy runs the frame is empty.

    Args:
        defect: the defect runs.
        healthy: the runs they are compared with; all runs must have the same tensors.
        statistics: names of statistics of a tensor; default norm and mean.
        before: the number of steps before the onset that are compared; default 200.

    Raises:
        UnknownNameError: a statistic that the runs do not have.
        TypeError: runs or statistics that are no list, or a path where a run is wanted.
    """
    expect_whole("before", before, 1)
    defect = expect_several("defect", defect, "runs, which open_run(path) gives", Run)
    healthy = expect_several("healthy", healthy, "runs, which open_run(path) gives", Run)
    late = [run for run in defect if run.diagnosis.onset]
    if not late or not healthy:
        return _frame([], [])
    statistics = expect_names("statistics", statistics, late[0].columns.statistics("tensor"))
    keys = [(layer, tensor, name) for layer, tensor in late[0].columns.tensors for name in statistics]
    places = [late[0].columns.tensor(layer, tensor, "value", name) for layer, tensor, name in keys]
    leads = np.stack([_lead(run, healthy, places, before) for run in late])  # (runs, keys); the sign is the side
    rows = []
    for column in leads.T:
        outside = np.abs(column[column != 0])
        lead = float(np.median(outside)) if len(outside) else float("nan")
        rows.append((int(np.sum(column < 0)), int(np.sum(column > 0)), len(late), lead))
    frame = _frame(keys, rows)
    order = np.lexsort((-frame["lead"].fillna(0).to_numpy(), -frame[["below", "above"]].max(axis=1).to_numpy()))
    return frame.iloc[order]


def _lead(run: Run, healthy: Sequence[Run], places: Sequence[int], before: int) -> NDArray[np.int64]:
    """The number of steps up to the onset that were outside, by place: negative below, positive above, else 0."""
    onset = run.diagnosis.onset or 0
    steps = np.arange(max(0, onset - before), onset)
    own = _moved(run, places, steps)
    peers = np.stack([_moved(peer, places, steps) for peer in healthy])
    low, high = np.fmin.reduce(peers) - ROUNDING, np.fmax.reduce(peers) + ROUNDING
    side = np.where(own < low, -1, 0) + np.where(own > high, 1, 0)
    same = side[::-1] == side[-1]
    unbroken = np.where(same.all(axis=0), len(steps), np.argmin(same, axis=0))
    return np.asarray(unbroken * side[-1], dtype=np.int64)


def _moved(run: Run, places: Sequence[int], steps: NDArray[np.int64]) -> NDArray[np.float32]:
    """The change since step 0 (steps, places); NaN where the run has no row, and NaN is outside of no range."""
    return values_at(run, places, steps) - values_at(run, places, np.zeros(1, dtype=np.int64))


def _frame(keys: Sequence[tuple[str, str, str]], rows: Sequence[tuple[int, int, int, float]]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(keys, names=["layer", "tensor", "statistic"])
    return pd.DataFrame(rows, columns=list(COLUMNS), index=index)
