"""Decides when to draw: at most four times a second, and for at most one per cent of the time."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

SHARE = 0.01
LEAST = 0.25


class Pace:
    """A budget of time: ``share`` of what has passed since the start.

    The view reports its time to :meth:`spent`. :meth:`due` says whether one more frame
    fits, if it takes as long as the slowest of the last few. The first frame does not
    count, so that there is something to see at once.
    """

    def __init__(self, share: float = SHARE, least: float = LEAST, clock: Callable[[], float] = perf_counter) -> None:
        self.clock = clock
        self.busy = 0.0
        self.frames = 0
        self._share, self._least = share, least
        self._start = self._last = clock()
        self._cost = 0.0

    def due(self, now: float) -> bool:
        """Whether a frame may be drawn at ``now``."""
        if not self.frames:
            return True
        if now - self._last < self._least:
            return False
        return self.busy + self._cost <= self._share * (now - self._start)

    def spent(self, seconds: float, frame_at: float | None = None) -> None:
        """Add time of the view; ``frame_at``: when it was drawn, if it was a frame."""
        if frame_at is None:
            self.busy += seconds
            return
        if self.frames:
            self.busy += seconds
        self.frames += 1
        self._last = frame_at
        self._cost = max(seconds, 0.8 * self._cost)
