"""Early warnings: what often comes before a collapse, said at once and never as a verdict.

Three signs are looked at for every layer, at every step: the gradient's norm against
its own running level, the update-to-weight ratio, and the share of silent units. A
sign that a layer gave is not repeated for a while. Early warnings are often wrong,
since many runs go through the same and recover; how often, and how long before the
end they come, is measured and published with the detector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.columns import Columns
from diagnostics.findings import Finding, Severity
from diagnostics.info import RunInfo
from diagnostics.limits import Limit, Limits

RULE = "early-warning"
LIMITS = (
    Limit(RULE, "growth", 8, "times", "gradient norm over its running level", "provisional", 1.1),
    Limit(RULE, "ratio", 0.3, "of the tensor's norm", "update of a layer's weights", "provisional", 0),
    Limit(RULE, "dead", 0.85, "share of units", "silent for the whole batch", "provisional", 0, 1),
    Limit(RULE, "pause", 100, "steps", "before the same layer gives the same sign again", "choice", 1),
)
LEVEL_WEIGHT = 0.1  # of the newest row in the running level
CONFIDENCE = 0.3


class EarlyWarnings:
    """Watches rows one at a time; O(layers) a row."""

    def __init__(self, info: RunInfo, columns: Columns, limits: Limits) -> None:
        layers = [layer.name for layer in info.layers]
        relu = [layer.name for layer in info.layers[:-1] if layer.activation == "relu"]
        self._names, self._gradients = _found(columns, layers, "{}/weights/gradient/norm")
        self._moved, self._ratios = _found(columns, layers, "{}/weights/update/ratio")
        self._relu, self._dead = _found(columns, relu, "{}/dead_fraction")
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
        if not (grown.any() or large.any() or dead.any()):
            return ()
        return self._warn(step, row, grown, large, dead)

    def _warn(
        self,
        step: int,
        row: NDArray[np.float32],
        grown: NDArray[np.bool_],
        large: NDArray[np.bool_],
        dead: NDArray[np.bool_],
    ) -> tuple[Finding, ...]:
        findings = []
        signs = (
            (grown, self._names, self._gradients, self._growth, "gradient of {} is {:.2g}, many times its usual level"),
            (large, self._moved, self._ratios, self._ratio, "update of {} is {:.0%} of its norm"),
            (dead, self._relu, self._dead, self._share, "{}: {:.0%} of the units are silent"),
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
