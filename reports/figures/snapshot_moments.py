"""The four moments at which tensors, kernels and units are shown: start, before, after, end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnostics.run.run import Run


@dataclass(frozen=True)
class SnapshotMoment:
    """One snapshot: its position among the snapshots, its step, and the name of its moment."""

    place: int
    step: int
    name: str

    @property
    def label(self) -> str:
        """Name and step, as a heading."""
        return f"{self.name}\nstep {self.step:,}"


def moments(run: Run) -> tuple[SnapshotMoment, ...]:
    """Start, the last snapshot before the run died, the first after, and the end.

    A run that did not die is shown at its start, after a third, after two thirds and at its
    end. A snapshot stands for one moment only, so there may be fewer than four.
    """
    steps = run.snapshots.steps
    if not len(steps):
        return ()
    broke_at = run.diagnosis.broke_at
    end = len(steps) - 1
    if broke_at is None:
        thirds = int(np.searchsorted(steps, steps[-1] / 3)), int(np.searchsorted(steps, 2 * steps[-1] / 3))
        wanted = [(0, "start"), (thirds[0], "a third"), (thirds[1], "two thirds"), (end, "end")]
    else:
        after = int(np.searchsorted(steps, broke_at, side="right"))
        before = max(int(np.searchsorted(steps, broke_at, side="left")) - 1, 0)
        wanted = [(0, "start"), (before, "before"), (min(after, end), "after"), (end, "end")]
        if after > end:
            wanted.pop(2)
    chosen: dict[int, str] = {}
    for place, name in wanted:
        if place == end and place in chosen and name == "end":
            chosen[place] += ", end"
        chosen.setdefault(place, name)
    return tuple(SnapshotMoment(place, int(steps[place]), name) for place, name in sorted(chosen.items()))


def moments_words(run: Run) -> str:
    """The moments with their steps: "start (step 0), before (step 25), ..."."""
    return ", ".join(f"{moment.name} (step {moment.step:,})" for moment in moments(run))
