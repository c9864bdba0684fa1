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
NOTHING = np.zeros(0, np.bool_)
LEVEL_WEIGHT = 0.1  # of the newest row in the running level
CONFIDENCE = 0.3
# Outputs are looked at every few rows: they fade slowly, and rows have to stay cheap.
FADE_EVERY, NOW_WEIGHT, THEN_WEIGHT, FADE_ROWS = 5, 0.3, 0.02, 20


class EarlyWarnings:
    """Watches rows one at a time; O(layers) a row."""

    def __init__(self, info: RunInfo, columns: Columns, limits: Limits) -> None:
        layers = [layer.name for layer in info.layers]
        relu = [layer.name for layer in info.layers[:-1] if layer.activation == "relu"]
        self._names, self._gradients = _found(columns, layers, "{}/weights/gradient/norm")
        self._moved, self._ratios = _found(columns, layers, "{}/weights/update/ratio")
        self._relu, self._dead = _found(columns, relu, "{}/dead_fraction")
        self._hidden, self._spreads = _found(columns, layers[:-1], "{}/std")
        self._fade, self._rows = limits[f"{RULE}.fade"], 0
        self._now = self._then = np.full(len(self._spreads), np.nan, np.float32)
        self._growth, self._ratio = limits[f"{RULE}.growth"], limits[f"{RULE}.ratio"]
        self._share, self._pause = limits[f"{RULE}.dead"], limits[f"{RULE}.pause"]
        self._level: NDArray[np.float32] | None = None
        self._said: dict[tuple[int, str], int] = {}

    def observe(self, step: int, row: NDArray[np.float32]) -> tuple[Finding, ...]:
        """The signs this row gives, mostly none."""
        norms = row[self._gradients]
        level = self._level
        if level is None:
            self._level = norms.copy()
            return ()
        grown = norms > self._growth * level
        large = row[self._ratios] > self._ratio
        dead = row[self._dead] >= self._share
        level += LEVEL_WEIGHT * (np.minimum(norms, 2 * level) - level)
        self._rows += 1
        faded = self._faded(row) if self._rows % FADE_EVERY == 0 else NOTHING
        if not (grown.any() or large.any() or dead.any() or faded.any()):
            return ()
        return self._warn(step, row, grown, large, dead, faded)

    def _faded(self, row: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Layers whose outputs have faded: running levels of short and long memory, of every fifth row."""
        spread = row[self._spreads]
        if not np.isfinite(self._then).all():
            self._now, self._then = spread.copy(), spread.copy()
        self._now += NOW_WEIGHT * (spread - self._now)
        self._then += max(THEN_WEIGHT, FADE_EVERY / self._rows) * (spread - self._then)
        if self._rows < FADE_ROWS * FADE_EVERY:
            return NOTHING
        return np.asarray(self._now < self._fade * self._then)

    def _warn(
        self,
        step: int,
        row: NDArray[np.float32],
        grown: NDArray[np.bool_],
        large: NDArray[np.bool_],
        dead: NDArray[np.bool_],
        faded: NDArray[np.bool_],
    ) -> tuple[Finding, ...]:
        findings = []
        signs = (
            (grown, self._names, self._gradients, self._growth, "gradient of {} is {:.2g}, many times its usual level"),
            (large, self._moved, self._ratios, self._ratio, "update of {} is {:.0%} of its norm"),
            (dead, self._relu, self._dead, self._share, "{}: {:.0%} of the units are silent"),
            (faded, self._hidden, self._spreads, self._fade, "outputs of {} have faded to a spread of {:.2g}"),
        )
        for sign, (mask, names, places, limit, words) in enumerate(signs):
            for index in np.flatnonzero(mask):
                layer = names[index]
                last = self._said.get((sign, layer), -math.inf)
                self._said[sign, layer] = step
                if step - last <= self._pause:
                    continue
                value = float(row[places[index]])
                message = words.format(layer, value)
                findings.append(Finding(RULE, layer, step, step, value, limit, Severity.WARNING, CONFIDENCE, message))
        return tuple(findings)


def _found(columns: Columns, layers: Sequence[str], name: str) -> tuple[list[str], NDArray[np.intp]]:
    """The layers that have the column ``name``, and where."""
    places = [(layer, columns.find(name.format(layer))) for layer in layers]
    found = [(layer, place) for layer, place in places if place is not None]
    return [layer for layer, _ in found], np.array([place for _, place in found], np.intp)
