"""The point of no return, from the branches without a change that begin at several steps of one run."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.rescue.fate import Fate

Fates = tuple[int, Sequence[Fate]]
"""A branch point, and what became of the branches that begin there."""


def last_open_step(points: Sequence[Fates]) -> int | None:
    """The last branch point from which fewer than half of the branches died; None where there is none."""
    return max((step for step, fates in points if fates and 2 * fates.count(Fate.DEAD) < len(fates)), default=None)


def no_return_step(points: Sequence[Fates]) -> int | None:
    """The first branch point from which all branches died, and from all later ones; None where there is none.

    points: in order of their steps.
    """
    found = None
    for step, fates in reversed(points):
        if not fates or fates.count(Fate.DEAD) < len(fates):
            break
        found = step
    return found
