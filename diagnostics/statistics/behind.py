"""Survivors that ended far behind the others of their arm: they live, but something cripples them.

A run is behind where its final validation accuracy is below the median of the arm's survivors by more than six times
their spread, and by more than two points. The spread is the median distance from the median, times 1.4826, which for
normal numbers is their standard deviation and which one odd run does not change. Of 941 runs with clean settings, in
groups that differ in nothing but the seed, one is behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from diagnostics.statistics.run_summary import RunSummary

FEWEST = 8
"""With fewer survivors nothing is said: their spread is too uncertain."""
SPREADS = 6.0
POINTS = 0.02
OF_NORMAL_NUMBERS = 1.4826


def usual_accuracy(runs: Iterable[RunSummary]) -> float | None:
    """The median of the survivors' validation accuracies; None where fewer than ``FEWEST`` have one.

    runs: the runs of one arm.
    """
    known = _accuracies(runs)
    return median(known.values()) if len(known) >= FEWEST else None


def runs_behind(runs: Iterable[RunSummary]) -> tuple[RunSummary, ...]:
    """The survivors that ended far behind the others, the furthest first.

    runs: the runs of one arm.
    """
    runs = tuple(runs)
    known, usual = _accuracies(runs), usual_accuracy(runs)
    if usual is None:
        return ()
    spread = OF_NORMAL_NUMBERS * median(abs(accuracy - usual) for accuracy in known.values())
    least = usual - max(POINTS, SPREADS * spread)
    below = [place for place, accuracy in known.items() if accuracy < least]
    return tuple(runs[place] for place in sorted(below, key=known.__getitem__))


def _accuracies(runs: Iterable[RunSummary]) -> dict[int, float]:
    """The final validation accuracy of each survivor that has one, by its place among the runs."""
    known = ((place, run.validation_accuracy) for place, run in enumerate(runs) if run.is_survivor)
    return {place: accuracy for place, accuracy in known if accuracy is not None}
