"""Early warnings: signs that often come before a defect. They are reported at once and are no verdict.

Four signs are looked for in every layer:

- a gradient many times its own running level, in a step that moves the weights by half their norm;
- an update several times as large as the weights themselves;
- most units silent in five rows one after another;
- outputs that fade: their recent spread is far below the largest they had over some thirty rows.

Healthy runs have bursts of the gradient too, so a burst counts only with a large update. Fading
outputs come before the late collapses of the paper's convolution. They are not looked for with
Adam and RMSprop, where outputs shrink and grow without harm.

The same sign of the same layer is not repeated for 100 steps. With these limits at most one in
twenty healthy calibration runs gets a warning. docs/calibration.md and docs/zoo.md say how many
other runs get one, how many defect runs were warned, and how long before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.run_traits import is_adaptive
from diagnostics.detect.thresholds import CALIBRATION, Threshold, Thresholds
from diagnostics.detect.track_record import plateaus
from diagnostics.schema.columns import Columns
from diagnostics.schema.number_range import share_words
from diagnostics.schema.run_info import RunInfo

RULE = "early-warning"
THRESHOLDS = (
    Threshold(RULE, "growth", 50, "times", "gradient norm over its running level", CALIBRATION, 1.1),
    Threshold(RULE, "moved", 0.5, "of the tensor's norm", "and the update of the layer's weights", CALIBRATION, 0),
    Threshold(RULE, "ratio", 3, "of the tensor's norm", "update of a layer's weights", CALIBRATION, 0),
    Threshold(RULE, "dead", 0.9, "share of units", "silent for the whole batch", CALIBRATION, 0, 1),
    Threshold(RULE, "rows", 5, "rows", "silent for so many one after another", "choice", 1, 1000),
    Threshold(RULE, "fade", 0.7, "of their best", "spread of a layer's outputs", CALIBRATION, 0, 1),
    Threshold(RULE, "pause", 100, "steps", "before the same layer gives the same sign again", "choice", 1),
)
GROWN, LARGE, DEAD, FADED = range(4)
SIGNS = ("gradient burst", "large update", "silent units", "fading outputs")
PLATEAU = "plateau"
WORDS = (
    "gradient of {} is {:,.0f} times its usual level",
    "update of {} is {} its norm",
    "{1:.0%} of the units of {0} are silent",
    "outputs of {} have faded to {:.0%} of their best",
)
LEVEL_WEIGHT = 0.1  # of the newest row in the running level
# Outputs are looked at in every fifth row: they fade slowly, and a row has to stay cheap. The first 60 rows, in which
# outputs jump, do not count for the largest spread, which decays by half in some 1,700 rows.
FADE_EVERY, NOW_WEIGHT, STEADY_WEIGHT, KEPT = 5, 0.3, 0.15, 0.998
BEST_FROM, FADE_FROM = 60, 100


class EarlyWarnings:
    """Looks for the signs, row by row. A row costs time in proportion to the number of layers."""

    def __init__(self, info: RunInfo, thresholds: Thresholds) -> None:
        columns, layers, hidden = info.columns, info.layer_names, [layer.name for layer in info.hidden_layers]
        relu = [layer.name for layer in info.hidden_layers if layer.activation == "relu"]
        norms, gradients = _found(columns, layers, "{}/weights/gradient/norm")
        moved, ratios = _found(columns, layers, "{}/weights/update/ratio")
        silent, dead = _found(columns, relu, "{}/dead_fraction")
        # With adaptive steps 4 of 23 healthy calibration runs had faded by the limit.
        self._hidden, self._spreads = _found(columns, [] if is_adaptive(info) else hidden, "{}/std")
        # The columns that are read in every row, in one fetch. For so few numbers lists are quicker than arrays.
        self.places: list[int] = np.concatenate([gradients, ratios, dead]).tolist()
        self._signs = [*((GROWN, n) for n in norms), *((LARGE, n) for n in moved), *((DEAD, n) for n in silent)]
        self._limits = tuple(thresholds[f"{RULE}.{name}"] for name in ("growth", "ratio", "dead", "fade"))
        growth, ratio, share, self._fade = self._limits
        self._grown = len(norms)
        self._moves = {layer: len(norms) + place for place, layer in enumerate(moved)}
        least = [ratio] * len(moved) + [share] * len(silent)
        self._bounds: list[float] = np.nextafter(np.array(least, np.float32), np.float32(0)).tolist()
        self._growth, self._moved, self._pause = growth, thresholds[f"{RULE}.moved"], thresholds[f"{RULE}.pause"]
        self._lasting = int(thresholds[f"{RULE}.rows"])
        self._level: list[float] | None = None
        self._rows = 0
        self._dead_since: dict[int, tuple[int, int]] = {}
        self._now = self._steady = self._best = np.zeros(len(self._spreads), np.float32)
        self._said: dict[tuple[int, str], int] = {}

    def observe(self, step: int, seen: list[float], row: NDArray[np.float32]) -> tuple[Finding, ...]:
        """The signs of one row, mostly none. ``seen``: the values of the row at :attr:`places`."""
        level = self._level
        if level is None:
            self._level = seen[: self._grown]
            return ()
        self._rows += 1
        growth = self._growth
        bounds = [growth * usual for usual in level] + self._bounds
        above = [i for i, (value, bound) in enumerate(zip(seen, bounds, strict=True)) if value > bound]
        found = self._above(step, seen, above, level) if above else ()
        # The level follows slowly, and a burst counts as at most twice the level. NaN stays.
        self._level = [
            usual + LEVEL_WEIGHT * (min(norm, 2 * usual) - usual) for norm, usual in zip(seen, level, strict=False)
        ]
        if self._rows % FADE_EVERY == 0 and self._hidden:
            found += self._faded(step, row[self._spreads])
        return found

    def _above(self, step: int, seen: list[float], above: list[int], level: list[float]) -> tuple[Finding, ...]:
        """The signs of the values above their bounds. A gradient whose level was 0 gets its value as level."""
        found: list[Finding] = []
        for index in above:
            sign, layer = self._signs[index]
            if sign == LARGE:
                found += self._warn(step, sign, layer, seen[index])
            elif sign == DEAD:
                last, rows = self._dead_since.get(index, (0, 0))
                rows = rows + 1 if last == self._rows - 1 else 1
                self._dead_since[index] = self._rows, rows
                if rows >= self._lasting:
                    found += self._warn(step, sign, layer, seen[index])
            elif level[index] == 0:
                level[index] = seen[index]
            elif layer not in self._moves or seen[self._moves[layer]] >= self._moved:
                found += self._warn(step, sign, layer, seen[index] / level[index])
        return tuple(found)

    def _faded(self, step: int, spread: NDArray[np.float32]) -> tuple[Finding, ...]:
        """Outputs that have faded: a quick running mean of their spread, compared with the largest of a slow one."""
        if not np.isfinite(spread).all():
            return ()
        if self._rows <= BEST_FROM:
            self._now, self._steady, self._best = spread.copy(), spread.copy(), spread.copy()
        self._now += NOW_WEIGHT * (spread - self._now)
        self._steady += STEADY_WEIGHT * (spread - self._steady)
        np.maximum(KEPT * self._best, self._steady, out=self._best)
        if self._rows < FADE_FROM:
            return ()
        faded = np.flatnonzero(self._now < self._fade * self._best).tolist()
        return tuple(
            finding
            for index in faded
            for finding in self._warn(step, FADED, self._hidden[index], float(self._now[index] / self._best[index]))
        )

    def _warn(self, step: int, sign: int, layer: str, value: float) -> list[Finding]:
        last = self._said.get((sign, layer), -math.inf)
        self._said[sign, layer] = step
        if step - last <= self._pause:
            return []
        words = WORDS[sign].format(layer, share_words(value) if sign == LARGE else value)
        limit = self._limits[sign]
        return [Finding(RULE, layer, step, step, value, limit, Severity.WARNING, math.nan, words, detail=SIGNS[sign])]


def plateau_warning(step: int) -> Finding:
    """The warning for a run that guesses at patience without a proof that it cannot learn: how such runs ended."""
    known = plateaus()
    words = (
        f"not learned yet after {step + 1:,} steps, and nothing proves that it cannot learn: {known.k} of {known.n} "
        "such runs were not dead in the end"
    )
    return Finding(RULE, None, step, step, math.nan, math.nan, Severity.WARNING, math.nan, words, detail=PLATEAU)


def _found(columns: Columns, layers: Sequence[str], name: str) -> tuple[list[str], NDArray[np.intp]]:
    """The layers that have the column ``name``, and the places of these columns."""
    places = [(layer, columns.find(name.format(layer))) for layer in layers]
    found = [(layer, place) for layer, place in places if place is not None]
    return [layer for layer, _ in found], np.array([place for _, place in found], np.intp)
