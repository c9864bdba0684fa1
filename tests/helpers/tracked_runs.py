"""What a model tells its tracker; imported by other processes, so it imports little."""

from __future__ import annotations

from pathlib import Path

from diagnostics.statistics.tracker import StatisticsTracker


def one_run(tracker: StatisticsTracker, accuracies: list[float], validation: float) -> None:
    """What a model tells its tracker, in the order it tells it."""
    for epoch, accuracy in enumerate(accuracies, start=1):
        for _ in range(4):
            tracker.add_time("step", 0.01)
        tracker.add_time("epoch", 0.04)
        tracker.record_epoch_accuracy(epoch, accuracy)
    tracker.add_time("training", 0.04 * len(accuracies))
    tracker.add_time("validation", 0.02)
    tracker.record_validation_accuracy(validation)
    tracker.add_time("combined", 0.04 * len(accuracies) + 0.02)


def many_runs(folder: Path, count: int) -> None:
    for _ in range(count):
        one_run(StatisticsTracker("net", "s.json", folder), [0.8], 0.9)
