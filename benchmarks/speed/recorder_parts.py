"""Measures the microseconds of each part of the recorder, in training and with warm caches.

A part is timed where it is called, after a training step that read ten megabytes, so
that the processor has to fetch the recorder's code and data anew. A part that may be
repeated is run again at once and timed again, with its code and data in the caches.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.log.run_log import RunLog
from diagnostics.measure.meter import StepMeter
from diagnostics.record.events import Judge

# The owner of the function, its name, its work in words, and whether it may be repeated.
PARTS: tuple[tuple[Any, str, str, bool], ...] = (
    (StepMeter, "activations", "outputs: subsample and silent units", True),
    (StepMeter, "gradients", "keep the values; measure values and gradient", True),
    (StepMeter, "update", "form and measure the update", True),
    (StepMeter, "finish", "fill the rest of the row", True),
    (RunLog, "row", "log the row (CRC, flush, fsync)", False),
    (Judge, "observe", "take the row to the judge, and judge", False),
    (StepMeter, "snapshot", "snapshot: histograms of all tensors", True),
    (RunLog, "snapshot", "log the snapshot", False),
)
Times = dict[str, list[float]]


@contextmanager
def timed(times: Times, again: Times | None = None) -> Iterator[None]:
    """A context that notes the times of the parts and, where ``again`` is given, those of the repeated calls."""
    kept = [(owner, name, getattr(owner, name)) for owner, name, _, _ in PARTS]

    def wrap(function: Callable[..., Any], label: str, repeated: bool) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments, **named)
            times[label].append((time.perf_counter() - started) * 1e6)
            if repeated and again is not None:
                started = time.perf_counter()
                function(*arguments, **named)
                again[label].append((time.perf_counter() - started) * 1e6)
            return result

        return wrapped

    for owner, name, label, repeatable in PARTS:
        setattr(owner, name, wrap(getattr(owner, name), label, repeatable))
    try:
        yield
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


@dataclass(frozen=True)
class PartTimes:
    """Microseconds of each call of each part, in training and with warm caches, and the number of steps."""

    times: Times
    again: Times
    steps: int

    def cells(self) -> list[tuple[str, ...]]:
        """The rows of the table."""
        rows, total = [], 0.0
        for _, _, label, _ in PARTS:
            values = self.times[label]
            calls = len(values) / self.steps
            mean = float(np.mean(np.minimum(values, np.percentile(values, 99)))) * calls
            total += mean
            warm = f"{statistics.median(self.again[label]):.0f}" if label in self.again else ""
            rows.append((label, f"{calls:.2f}", f"{statistics.median(values):.0f}", warm, f"{mean:.0f}"))
        return [*rows, ("all", "", "", "", f"{total:.0f}")]


def part_times(run: Callable[[], int]) -> PartTimes:
    """The times of ``run``, which trains with a recorder and returns the number of steps; it is called twice."""
    times, again = defaultdict(list), defaultdict(list)
    with timed(times):
        steps = run()
    with timed(defaultdict(list), again):
        run()
    return PartTimes(times, again, steps)
