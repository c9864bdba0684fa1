"""Early warnings: what often comes before a collapse, said at once and never as a verdict.

Four signs are looked at for every layer: the gradient's norm against its own running
level, the update-to-weight ratio, the share of silent units, and outputs that fade: their
spread over the last rows against that over some hundred. A sign that a layer gave is not
repeated for a while. Early warnings are often wrong, since many runs go through the same
and recover; how often, and how long before the end they come, is measured
(docs/calibration.md, docs/zoo.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.columns import Columns
from diagnostics.findings import Finding, Severity
from diagnostics.info import RunInfo
from diagnostics.limits import CALIBRATION, Limit, Limits

RULE = "early-warning"
LIMITS = (
    Limit(RULE, "growth", 30, "times", "gradient norm over its running level", CALIBRATION, 1.1),
    Limit(RULE, "ratio", 1, "of the tensor's norm", "update of a layer's weights", CALIBRATION, 0),
    Limit(RULE, "dead", 0.85, "share of units", "silent for the whole batch", CALIBRATION, 0, 1),
    Limit(RULE, "fade", 0.5, "of their level", "spread of a layer's outputs", CALIBRATION, 0, 1),
    Limit(RULE, "pause", 100, "steps", "before the same layer gives the same sign again", "choice", 1),
)
GROWN, LARGE, DEAD, FADED = range(4)
WORDS = (
    "gradient of {} is {:.0f} times its usual level",
    "update of {} is {:.0%} of its norm",
    "{}: {:.0%} of the units are silent",
    "outputs of {} have faded to {:.0%} of their level",
)
LEVEL_WEIGHT = 0.1  # of the newest row in the running level
CONFIDENCE = 0.3
# Outputs are looked at every few rows: they fade slowly, and rows have to stay cheap.
FADE_EVERY, NOW_WEIGHT, THEN_WEIGHT, FADE_ROWS = 5, 0.3, 0.02, 20


class EarlyWarnings:
    """Watches rows one at a time; O(layers) a row."""

    def __init__(self, info: RunInfo, columns: Columns, limits: Limits) -> None:
        layers = [layer.name for layer in info.layers]
        relu = [layer.name for layer in info.layers[:-1] if layer.activation == "relu"]
        norms, gradients = _found(columns, layers, "{}/weights/gradient/norm")
        moved, ratios = _found(columns, layers, "{}/weights/update/ratio")
        silent, dead = _found(columns, relu, "{}/dead_fraction")
        self._hidden, self._spreads = _found(columns, layers[:-1], "{}/std")
        # All that is looked at in every row comes in one piece. These are a few numbers: lists are quicker than arrays.
        self._places = np.concatenate([gradients, ratios, dead])
        self._signs = [*((GROWN, n) for n in norms), *((LARGE, n) for n in moved), *((DEAD, n) for n in silent)]
        self._limits = tuple(limits[f"{RULE}.{name}"] for name in ("growth", "ratio", "dead", "fade"))
        growth, ratio, share, self._fade = self._limits
        self._grown = len(norms)
        least = [growth] * len(norms) + [ratio] * len(moved) + [share] * len(silent)
        self._bounds: list[float] = np.nextafter(np.array(least, np.float32), np.float32(0)).tolist()[len(norms) :]
        self._growth, self._pause = growth, limits[f"{RULE}.pause"]
        self._level: list[float] | None = None
        self._rows = 0
        self._now = self._then = np.full(len(self._spreads), np.nan, np.float32)
        self._said: dict[tuple[int, str], int] = {}

    def observe(self, step: int, row: NDArray[np.float32]) -> tuple[Finding, ...]:
        """The signs this row gives, mostly none."""
        seen: list[float] = row[self._places].tolist()
        level = self._level
        if level is None:
            self._level = seen[: self._grown]
            return ()
        self._rows += 1
        growth = self._growth
        bounds = [growth * usual for usual in level] + self._bounds
        above = [i for i, (value, bound) in enumerate(zip(seen, bounds, strict=True)) if value > bound]
        found = self._above(step, seen, above, level) if above else ()
        # The level follows slowly, and a burst no faster than a doubling. NaN stays.
        self._level = [
            usual + LEVEL_WEIGHT * (min(norm, 2 * usual) - usual) for norm, usual in zip(seen, level, strict=False)
        ]
        if self._rows % FADE_EVERY == 0:
            found += self._faded(step, row[self._spreads])
        return found

    def _above(self, step: int, seen: list[float], above: list[int], level: list[float]) -> tuple[Finding, ...]:
        """What is above its bound. A gradient that was zero has no level it could have outgrown: it gets one."""
        found: list[Finding] = []
        for index in above:
            sign, layer = self._signs[index]
            if sign != GROWN:
                found += self._say(step, sign, layer, seen[index])
            elif level[index] == 0:
                level[index] = seen[index]
            else:
                found += self._say(step, sign, layer, seen[index] / level[index])
        return tuple(found)

    def _faded(self, step: int, spread: NDArray[np.float32]) -> tuple[Finding, ...]:
        """Outputs that have faded, by running levels of short and of long memory."""
        if not np.isfinite(self._then).all():
            self._now, self._then = spread.copy(), spread.copy()
        self._now += NOW_WEIGHT * (spread - self._now)
        self._then += max(THEN_WEIGHT, FADE_EVERY / self._rows) * (spread - self._then)
        if self._rows < FADE_ROWS * FADE_EVERY:
            return ()
        faded = np.flatnonzero(self._now < self._fade * self._then).tolist()
        return tuple(
            finding
            for index in faded
            for finding in self._say(step, FADED, self._hidden[index], float(self._now[index] / self._then[index]))
        )

    def _say(self, step: int, sign: int, layer: str, value: float) -> list[Finding]:
        last = self._said.get((sign, layer), -math.inf)
        self._said[sign, layer] = step
        if step - last <= self._pause:
            return []
        words = WORDS[sign].format(layer, value)
        return [Finding(RULE, layer, step, step, value, self._limits[sign], Severity.WARNING, CONFIDENCE, words)]


def _found(columns: Columns, layers: Sequence[str], name: str) -> tuple[list[str], NDArray[np.intp]]:
    """The layers that have the column ``name``, and where."""
    places = [(layer, columns.find(name.format(layer))) for layer in layers]
    found = [(layer, place) for layer, place in places if place is not None]
    return [layer for layer, _ in found], np.array([place for _, place in found], np.intp)
