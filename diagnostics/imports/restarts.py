"""Finds where a file goes back in its steps: a second run, a training that was resumed, or rows out of order.

Steps that go back to their beginning, and are then there twice for long, are those of a second run. Steps that go back
to a later one, and on from there, are those of a training that was resumed: its later rows are taken, and those before
them are left out. The same epochs three times or more, however few they are, are those of a cross-validation. Other
rows are out of order. They are sorted, and of two rows of a step the later one is taken.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import LogError
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.row_counter import RowCounter

LEAST_ROWS = 5
"""So many rows in their order are a run, or what follows where one was resumed."""
UNSORTED = 0.2
"""Rows are out of order where this share of them goes back."""
REPEATED = 0.5
"""A run begins anew where this share of its rows, or of those before it, is there twice."""
TWO_AT_ONCE = 0.25
"""Two runs were written at the same time where this share of rows out of order repeats a step."""
HOLE = 10
"""Between two rows that are so many times as far apart as rows usually are, there is nothing."""
MOST_RESUMED = 1000
"""More often no training is resumed."""


@np.errstate(over="ignore", invalid="ignore")  # steps of a damaged file may be as large as a number can be
def runs_in(metrics: LoggedMetrics, options: ImportOptions, file: str) -> list[LoggedMetrics]:
    """The runs among metrics that were logged as those of one, in the order of the file; ``told`` says what was found.

    metrics: what was read of the file.
    options: what the user knows besides.
    file: the path of the file.

    Raises LogError where the rows of two runs are mixed.
    """
    counter = RowCounter.of(metrics, options)
    if counter is None:
        return [metrics]
    rows, back = len(counter.numbers), counter.back
    starts = _repetitions(counter.numbers, back) if counter.unit == "epoch" else []
    if not starts and len(back) > UNSORTED * rows:
        if counter.repeated > TWO_AT_ONCE * rows:
            raise LogError(
                f"{file}: {counter.where(back[0])}: its {counter.unit}s jump back and forth from here on, and "
                f"{counter.repeated:,} of {rows:,} rows repeat one, as where two runs were written at the same time; "
                "put each run into a file of its own"
            )
        return [counter.told()]
    starts = starts or _starts(counter.numbers, back)
    if not starts:
        return [_without_undone(counter)]
    edges = [-np.inf, *counter.places[starts], np.inf]
    runs = []
    for number, (first, end) in enumerate(pairwise(edges), 1):
        back_at = counter.back_words(starts[max(number - 2, 0)])
        told = f"the file holds {len(starts) + 1} runs, one after the other, since its {back_at}; this is run {number}"
        runs.append(replace(_without_undone(counter.between(first, end), told), number=number))
    return runs


def _repetitions(at: Numbers, back: NDArray[np.intp]) -> list[int]:
    """The rows in which the same epochs begin again, as those of a cross-validation with three folds or more.

    The last fold may have fewer of them.
    """
    parts = np.split(at, back)
    *whole, last = parts
    is_same = len(whole) > 1 and len(whole[0]) > 1 and all(np.array_equal(part, whole[0]) for part in whole)
    return back.tolist() if is_same and np.array_equal(last, whole[0][: len(last)]) else []


def _starts(at: Numbers, back: NDArray[np.intp]) -> list[int]:
    """The rows in which a further run begins; ``back`` are those that go back."""
    heads = [int(row) for row in back if at[row] <= at.min() + _usual_gap(at)]
    starts: list[int] = []
    first = 0
    for row, end in zip(heads, [*heads, len(at)][1:], strict=True):
        before, after = at[first:row], at[row:end]
        if len(np.unique(before)) < LEAST_ROWS and before.max() <= after.max():
            continue  # a few steps that were made again
        if len(after) >= LEAST_ROWS and _twice(before, after) >= REPEATED * min(len(before), len(after)):
            starts.append(row)
            first = row
    return starts


def _twice(before: Numbers, after: Numbers) -> int:
    """How many of the rows before lie among those after, as those of the same steps do, whichever steps are logged."""
    there = np.sort(after)
    right = np.searchsorted(there, before, side="right")
    left, right = np.maximum(right - 1, 0), np.minimum(right, len(there) - 1)
    is_among = (before >= there[left]) & (before <= there[right])
    is_near = there[right] - there[left] <= HOLE * _usual_gap(there)
    return int((is_among & is_near | (there[left] == before)).sum())


def _usual_gap(at: Numbers) -> float:
    gaps = np.diff(at)
    return float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0


def _without_undone(counter: RowCounter, *told: str) -> LoggedMetrics:
    """The metrics without what a resumed training had made before and made again; ``told``: what was found before."""
    at, back = counter.numbers, counter.back
    _, firsts, which = np.unique(at, return_index=True, return_inverse=True)
    resumed = [int(row) for row in back if firsts[which[row]] < row][:MOST_RESUMED]
    ends = dict(zip(back.tolist(), [*back.tolist(), len(at)][1:], strict=True))
    is_left = np.ones(len(at), np.bool_)
    undone: list[tuple[float, float]] = []
    for row in resumed:
        before, after = at[:row][is_left[:row]], at[row : ends[row]]
        goes_on = after.max() >= before.max() or _twice(before, after) >= REPEATED * len(after)
        if len(after) < LEAST_ROWS or not goes_on:
            continue
        count = int((before >= at[row]).sum())
        told += (
            f"its {counter.back_words(row)}, as where a training was resumed: the later rows are taken, and {count:,} "
            "before them left out",
        )
        is_left[:row] &= at[:row] < at[row]
        undone.append((float(counter.places[row]), float(at[row])))

    def is_kept(series: MetricSeries) -> NDArray[np.bool_]:
        mine = np.ones(len(series), np.bool_)
        for place, first in undone:
            mine &= ~((series.in_file < place) & (counter.at(series) >= first))
        return mine

    return (counter.kept(is_kept) if undone else counter).told(*told)
