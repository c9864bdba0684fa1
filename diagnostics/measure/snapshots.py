"""Decides when snapshots of histograms, silent units and first kernels are taken."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

EXTRA_STEPS = 3
PAUSE_STEPS = 25


class SnapshotPlan:
    """Decides when snapshots are taken: every so many steps, and at the three steps after one at which a rule fires.

    A rule that fires within the next 25 steps adds no snapshots, so that a run in which rules fire at every
    step does not take one at every step.

    ``every``: steps from one snapshot to the next; 0 takes none.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.extra_until = self.quiet_until = 0

    def fired(self, step: int) -> None:
        """Note that a rule fired at this step."""
        if self.every and step >= self.quiet_until:
            self.extra_until = step + 1 + EXTRA_STEPS
            self.quiet_until = step + EXTRA_STEPS + PAUSE_STEPS

    def is_extra(self, step: int) -> bool:
        """Whether a snapshot is taken since a rule fired."""
        return self.extra_until - EXTRA_STEPS <= step < self.extra_until

    def state(self) -> dict[str, NDArray[np.int64]]:
        """The last steps of the extra snapshots and of the pause after them, for a checkpoint."""
        return {"snapshots": np.array([self.extra_until, self.quiet_until], dtype=np.int64)}

    def restore(self, state: Mapping[str, NDArray[np.int64]]) -> None:
        """Go on from a :meth:`state`."""
        self.extra_until, self.quiet_until = (int(s) for s in state["snapshots"])

    def wants(self, step: int) -> bool:
        """Whether a snapshot is taken at this step."""
        return self.every > 0 and (step % self.every == 0 or self.is_extra(step))
