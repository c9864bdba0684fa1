"""The microseconds of each part of the recorder, in training and with warm caches.

A part is timed where it is called, after a training step that went through ten
megabytes: the processor has to fetch the recorder's code and data anew. Where a part
may be repeated without harm it is, at once, and timed again: what is left then is
the work itself, the least it could cost on one core with these calls of NumPy.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import diagnostics.record.recorder as recorder_module
from diagnostics.log.run_log import RunLog
from diagnostics.measure.meter import StepMeter
from diagnostics.record.events import Judge

# Whose function, its name, what it does, and whether it may be repeated.
PARTS: tuple[tuple[Any, str, str, bool], ...] = (
    (StepMeter, "activations", "outputs: copy subsample, find silent units", True),
    (StepMeter, "gradients", "copy values and gradient", True),
    (StepMeter, "update", "subtract: the update", True),
    (StepMeter, "finish", "measure everything, fill the row", True),
    (RunLog, "row", "log the row (CRC, flush, fsync)", False),
    (Judge, "observe", "judge the row", False),
    (recorder_module, "take_snapshot", "snapshot: histograms of all tensors", True),
    (RunLog, "snapshot", "log the snapshot", False),
)
Times = dict[str, list[float]]


@contextmanager
def timed(times: Times, again: Times | None = None) -> Iterator[None]:
    """Within, what the parts take is noted, and where ``again`` is given also what they take the second time."""
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


def parts_table(run: Callable[[], int]) -> str:
    """The table of ``run``, which trains with a recorder and returns the number of steps; it is called twice."""
    times, again = defaultdict(list), defaultdict(list)
    with timed(times):
        steps = run()
    with timed(defaultdict(list), again):
        run()
    lines = ["| part | calls a step | median us a call | warm caches | us a step |", "|---|---|---|---|---|"]
    total = 0.0
    for _, _, label, _ in PARTS:
        values = times[label]
        calls = len(values) / steps
        mean = float(np.mean(np.minimum(values, np.percentile(values, 99)))) * calls
        total += mean
        warm = f"{statistics.median(again[label]):.0f}" if label in again else ""
        lines.append(f"| {label} | {calls:.2f} | {statistics.median(values):.0f} | {warm} | {mean:.0f} |")
    lines.append(f"| all | | | | {total:.0f} |")
    return "\n".join(lines)
