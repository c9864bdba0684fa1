"""Weights and biases of healthy and of defect runs: median and 10-90 % band of each statistic over steps.

Aligned at "start", runs are compared step by step. Aligned at "onset", the steps of a
defect run are counted from its own onset, and the steps of the healthy runs from
those same onsets, so that both sides are equally far into their training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.arguments import expect_name, expect_names, expect_range, expect_several
from diagnostics.run.run import Run
from diagnostics.schema.columns import KINDS
from lenet.arguments import expect_whole

STATISTICS = ("mean", "std", "norm")
Values = NDArray[np.float32]
Steps = NDArray[np.int64]
Key = tuple[str, str, str, str]


def parameter_bands(
    runs: Iterable[Run],
    statistics: Sequence[str] = STATISTICS,
    kinds: Sequence[str] = KINDS,
    align: Literal["start", "onset"] = "start",
    window: tuple[int, int] = (-200, 200),
    points: int = 200,
    onset_of: Callable[[Run], int | None] = lambda run: run.diagnosis.onset,
) -> pd.DataFrame:
    """The bands of all tensors, for the survivors ("healthy") and for the defect runs ("defect").

    Index (fate, layer, tensor, kind, statistic, step); columns median, low (the 10th
    percentile), high (the 90th) and n, the runs that have this step. Aligned at the
    onset, n counts a healthy run once for each onset. Undecided runs are left out. The
    frame is empty where no run is left, and where the runs record no tensors.

    Args:
        runs: the runs, all of networks with the same tensors.
        statistics: names of statistics of a tensor; default mean, std and norm.
        kinds: value, gradient and update, or some of them; default all.
        align: whether steps are counted from the "start" (default) of each run, or from its "onset".
        window: the first and the last step of the bands, counted from the onset; default (-200, 200).
        points: the largest number of steps, evenly spaced; default 200.
        onset_of: gives the step that counts as the onset of a defect run; default, that of its diagnosis.

    Raises:
        UnknownNameError: a statistic or a kind that the runs do not have, or an ``align`` that there is not.
        TypeError: ``runs`` or ``statistics`` are no list, or a path stands where a run is wanted.
        ValueError: the runs have different tensors, or the window is no range of steps.
    """
    runs = expect_several("runs", runs, "runs, which open_run(path) gives", Run)
    expect_name("align", align, ("start", "onset"))
    kinds = expect_names("kinds", kinds, KINDS)
    window = expect_range("window", window)
    expect_whole("points", points, 1)
    judged = [run for run in runs if run.verdict.is_dead or run.verdict.is_survivor]
    healthy = [run for run in judged if run.verdict.is_survivor]
    defect = [run for run in judged if run.verdict.is_dead]
    if not judged:
        return _empty()
    tensors = judged[0].columns.tensors
    for run in judged:
        if run.columns.tensors != tensors:
            raise ValueError(f"{run.name}: has other tensors than {judged[0].name}; compare runs of one network")
    if not tensors:
        return _empty()
    statistics = expect_names("statistics", statistics, judged[0].columns.statistics("tensor"))
    onsets = [onset_of(run) or 0 for run in defect]
    if align == "start":
        steps = _spaced(0, max(_last(run) for run in judged), points)
        sides = {"healthy": [(run, 0) for run in healthy], "defect": [(run, 0) for run in defect]}
    else:
        steps = _spaced(*window, points)
        sides = {
            "healthy": [(run, onset) for onset in sorted(set(onsets)) for run in healthy],
            "defect": list(zip(defect, onsets, strict=True)),
        }
    keys = [
        (la, t, k, s)
        for la, t in tensors
        for k in kinds
        for s in statistics
        if judged[0].columns.find(f"{la}/{t}/{k}/{s}") is not None  # the ratio is of updates only
    ]
    parts = {fate: _bands(members, keys, steps) for fate, members in sides.items() if members}
    if not parts:
        return _empty()
    return pd.concat(parts, names=["fate"]).sort_index()


def _bands(members: Sequence[tuple[Run, int]], keys: Sequence[Key], steps: Steps) -> pd.DataFrame:
    """Quantiles over the runs that have a row and a finite value at a step."""
    stack = np.full((len(members), len(steps), len(keys)), np.nan, dtype=np.float32)
    for i, (run, zero) in enumerate(members):
        stack[i] = values_at(run, [run.columns.tensor(*key) for key in keys], steps + zero)
    n = np.isfinite(stack).sum(axis=0)
    quantiles = np.full((3, *n.shape), np.nan)
    some = n.max(axis=1) > 0
    quantiles[:, some] = _quantiles(stack[:, some])
    low, median, high = (part.T.ravel() for part in quantiles)
    data = {"median": median, "low": low, "high": high, "n": n.T.ravel()}
    return pd.DataFrame(data, index=_index(keys, steps))


def _quantiles(stack: Values) -> NDArray[np.float64]:
    """10th, 50th and 90th percentile over the first axis without NaN; NaN where all values are NaN."""
    ordered = np.sort(np.where(np.isfinite(stack), stack, np.nan), axis=0)  # NaN sorts to the end
    count = np.isfinite(ordered).sum(axis=0)
    result = np.empty((3, *count.shape))
    for i, share in enumerate((0.1, 0.5, 0.9)):
        place = share * np.maximum(count - 1, 0)
        below = np.floor(place).astype(np.intp)
        above = np.ceil(place).astype(np.intp)
        first, second = (np.take_along_axis(ordered, p[None], axis=0)[0] for p in (below, above))
        result[i] = first + (second - first) * (place - below)
    return result


def values_at(run: Run, places: Sequence[int], steps: Steps) -> Values:
    """Values (steps, places) of a run; NaN before its first row and after its last.

    Where only every k-th step was logged, a step has the values of the row before it.

    Args:
        run: the run.
        places: columns of its rows.
        steps: ascending steps.
    """
    values = np.full((len(steps), len(places)), np.nan, dtype=np.float32)
    have = np.asarray(run.index["step"])
    if not len(have):
        return values
    spacing = int(np.median(np.diff(have))) if len(have) > 1 else 1
    rows = np.searchsorted(have, steps, side="right") - 1
    found = (rows >= 0) & (steps - have[np.maximum(rows, 0)] < spacing)
    if found.any():
        wanted = rows[found]
        block = run.block(np.asarray(places, dtype=np.intp), int(have[wanted[0]]), int(have[wanted[-1]]))
        values[found] = block[wanted - wanted[0]]
    return values


def _spaced(first: int, last: int, points: int) -> Steps:
    """At most ``points`` whole steps from first to last; step 0 is among them wherever it can be."""
    stride = max(1, -(-(last - first + 1) // points))
    start = -(-first // stride) * stride
    return np.arange(start, last + 1, stride)


def _last(run: Run) -> int:
    return int(run.index["step"][-1]) if len(run) else 0


def _index(keys: Sequence[Key], steps: Steps) -> pd.MultiIndex:
    rows = [(*key, int(step)) for key in keys for step in steps]
    return pd.MultiIndex.from_tuples(rows, names=["layer", "tensor", "kind", "statistic", "step"])


def _empty() -> pd.DataFrame:
    names = ["fate", "layer", "tensor", "kind", "statistic", "step"]
    index = pd.MultiIndex.from_tuples([], names=names)
    return pd.DataFrame(columns=["median", "low", "high", "n"], index=index, dtype=float)
