"""When snapshots are taken, and what goes into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.histograms import histograms
from diagnostics.measure.meter import VALUE, StepMeter
from diagnostics.schema.columns import KINDS
from diagnostics.schema.tables import BINS, COUNTS, KERNELS, RANGES, SILENT

EXTRA_STEPS = 3
PAUSE_STEPS = 25


class SnapshotPlan:
    """When snapshots are taken: every so many steps, and at the three steps after one at which a rule fires.

    A rule that fires within the next 25 steps adds no snapshots, so that a run in which rules fire at every
    step does not take one at every step.

    ``every``: steps from one snapshot to the next; 0 takes none.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.extra_until = self.quiet_until = 0

    def fired(self, step: int) -> None:
        """A rule fired at this step."""
        if self.every and step >= self.quiet_until:
            self.extra_until = step + 1 + EXTRA_STEPS
            self.quiet_until = step + EXTRA_STEPS + PAUSE_STEPS

    def is_extra(self, step: int) -> bool:
        """Whether one is taken because a rule fired."""
        return self.extra_until - EXTRA_STEPS <= step < self.extra_until

    def state(self) -> dict[str, NDArray[np.int64]]:
        """What it knows, for a checkpoint."""
        return {"snapshots": np.array([self.extra_until, self.quiet_until], dtype=np.int64)}

    def restore(self, state: Mapping[str, NDArray[np.int64]]) -> None:
        """Go on from a :meth:`state`."""
        self.extra_until, self.quiet_until = (int(s) for s in state["snapshots"])

    def wants(self, step: int) -> bool:
        """Whether one is taken at this step."""
        return self.every > 0 and (step % self.every == 0 or self.is_extra(step))


def take_snapshot(meter: StepMeter) -> dict[str, NDArray[Any]]:
    """The rows of the snapshot arrays for the step that was measured last, by path."""
    info = meter.info
    tensors = len(info.tensors)
    counts = np.zeros((len(KINDS), tensors, BINS), dtype=np.uint32)
    ranges = np.zeros((len(KINDS), tensors, 2), dtype=np.float32)
    ends = meter.ends
    values = meter.tensors[VALUE]
    for kind, parts in enumerate(meter.tensors):
        histograms(parts, ends[kind], counts[kind], ranges[kind])
    first = info.first_convolution
    kernels = values[info.tensors.index(first)].copy() if first else np.zeros(0, np.float32)
    return {
        COUNTS.path: counts,
        RANGES.path: ranges,
        SILENT.path: meter.silent.copy(),
        KERNELS.path: kernels,
    }
