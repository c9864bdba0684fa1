"""What a rule is, and the window of rows it looks at.

A mechanism rule is asked once a symptom has raised suspicion. It gets a
:class:`Window`: the rows around the trouble, with a few before them to compare
with. It returns one :class:`~diagnostics.detect.findings.Finding` a layer (or tensor) in
which it sees its mechanism at work. Rules are pure: no files, no state, no
knowledge of one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.thresholds import Threshold, Thresholds
from diagnostics.schema.columns import INPUT, Columns
from diagnostics.schema.run_info import RunInfo

Series = NDArray[np.float64]
FOR_COMPARISON = 20
LASTING_SHARE = 0.9
LENIENT_ROWS = 5


class MissingColumnsError(Exception):
    """A rule cannot be run: the log lacks what the message names."""


class TooFewRowsError(Exception):
    """A rule cannot answer: the window is shorter than what the message names."""


@dataclass(frozen=True)
class Window:
    """Rows of a run: ``rows`` (n, columns) at ``steps`` (n,). Those before ``start`` are for comparison.

    ``guessing_loss`` is H, the loss of answering with the class shares; ``epochs`` has
    (epoch, training loss, training accuracy, validation loss, validation accuracy).
    """

    info: RunInfo
    columns: Columns
    thresholds: Thresholds
    steps: NDArray[np.int64]
    rows: NDArray[np.float32]
    start: int = 0
    guessing_loss: float = math.nan
    epochs: tuple[tuple[int, float, float, float, float], ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    def narrowed(self, first_step: int, last_step: int) -> Window:
        """The same history up to ``last_step``, with the interest beginning at ``first_step``."""
        stop = int(np.searchsorted(self.steps, last_step, side="right"))
        start = min(int(np.searchsorted(self.steps, first_step, side="left")), stop)
        return replace(self, steps=self.steps[:stop], rows=self.rows[:stop], start=start)

    def asked_from_its_beginning(self) -> Window:
        """The same rows, all but the first few of interest: those are left to compare with."""
        return replace(self, start=min(FOR_COMPARISON, len(self) - 1))

    def scalar(self, statistic: str) -> Series:
        """One scalar over the rows (n,)."""
        return self._column(lambda: self.columns.scalar(statistic), statistic)

    def tensor(self, layer: str, tensor: str, kind: str, statistic: str) -> Series:
        """One tensor statistic over the rows (n,)."""
        name = f"{layer}/{tensor}/{kind}/{statistic}"
        return self._column(lambda: self.columns.tensor(layer, tensor, kind, statistic), name)

    def activation(self, layer: str, statistic: str) -> Series:
        """One activation statistic over the rows (n,)."""
        return self._column(lambda: self.columns.activation(layer, statistic), f"{layer}/{statistic}")

    @property
    def layers(self) -> tuple[str, ...]:
        """The trainable layers, first to last."""
        return tuple(layer.name for layer in self.info.layers)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The trainable layers but the last, whose outputs are the answer."""
        return self.layers[:-1]

    def units(self, layer: str) -> str:
        """What the units of a layer are called: kernels or neurons."""
        info = next(one for one in self.info.layers if one.name == layer)
        return "kernels" if len(info.output_shape) == 3 else "neurons"

    def unit_count(self, layer: str) -> int:
        """How many units a layer has."""
        return next(one.units for one in self.info.layers if one.name == layer)

    @property
    def input_name(self) -> str:
        """The name under which the batch itself is measured."""
        return INPUT

    def function(self, layer: str) -> str | None:
        """The activation function after a layer."""
        return next((one.activation for one in self.info.layers if one.name == layer), None)

    def _column(self, find: Callable[[], int], name: str) -> Series:
        try:
            place = find()
        except KeyError:
            raise MissingColumnsError(name) from None
        return self.rows[:, place].astype(np.float64)


@dataclass(frozen=True)
class Case:
    """An example that lives with its rule: what it shows, the window, and the layers that have to be named."""

    title: str
    window: Window
    layers: tuple[str | None, ...] = ()


class Rule:
    """Base of the rules; the module's docstring is the manual.

    ``rank`` orders what begins at one step by how a step is computed: input, weights,
    activations, loss, gradients, updates. A lasting state, unlike an event, is drawn
    out to the end of the stretch. A rule that ``needs_trouble`` sees what healthy runs do
    too, and is asked only about the steps before a run went down. One that ``sees_the_fall``
    is shown the rows up to the confirmation, for what is slow may end after it has begun.
    """

    name: str = ""
    title: str = ""
    rank: int = 50
    thresholds: tuple[Threshold, ...] = ()
    is_lasting: bool = False
    needs_trouble: bool = False
    sees_the_fall: bool = False
    remedies: tuple[str, ...] = ()

    def check(self, window: Window) -> list[Finding]:
        """The findings, at most one a layer.

        Raises MissingColumnsError where the log lacks a column, TooFewRowsError where it lacks rows.
        """
        raise NotImplementedError

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        """Healthy and faulty examples; each becomes a test and a line of the manual."""
        raise NotImplementedError

    def finding(
        self,
        window: Window,
        layer: str | None,
        first: int,
        last: int,
        value: float,
        limit: float,
        message: str,
        *,
        confidence: float = 0.9,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """A finding from row ``first`` to row ``last`` of the window."""
        steps = window.steps
        return Finding(
            self.name, layer, int(steps[first]), int(steps[last]), float(value), float(limit), severity,
            confidence, message,
        )  # fmt: skip

    def require_rows(self, window: Window, rows: int) -> None:
        """Raises TooFewRowsError where the window is shorter than what the rule has to see."""
        if len(window) < rows:
            raise TooFewRowsError(f"{rows:,}")

    def threshold(self, window: Window, name: str) -> float:
        """The value of one of the rule's limits."""
        return window.thresholds[f"{self.name}.{name}"]


def first_true(mask: NDArray[Any], start: int = 0) -> int | None:
    """Position of the first True from ``start`` on, or None."""
    found = np.flatnonzero(mask[start:])
    return int(found[0]) + start if len(found) else None


def lasting_from(mask: NDArray[Any], at_least: int) -> int | None:
    """Where the state begins that lasts to the end; None where it lasts less than ``at_least`` rows.

    It lasts from a row on where that row and the ``at_least`` - 1 after it are all True
    and so are 9 of 10 up to the end, the last ``at_least`` among them but for one: a
    unit that answers a single input once is no recovery.
    """
    n = len(mask)
    if n < at_least or np.count_nonzero(~mask[n - at_least :]) > (at_least >= LENIENT_ROWS):
        return None
    total = np.concatenate(([0], np.cumsum(mask)))
    from_here = (total[n] - total[:n]) / np.arange(n, 0, -1)
    starts = total[at_least:] - total[: n - at_least + 1] == at_least
    found = np.flatnonzero(starts & (from_here[: len(starts)] >= LASTING_SHARE))
    return int(found[0]) if len(found) else None


def median_before(values: Series, start: int, rows: int = 20) -> float:
    """Median of the finite values in the ``rows`` rows before ``start``; NaN where there are none."""
    before = values[max(0, start - rows) : start]
    before = before[np.isfinite(before)]
    return float(np.median(before)) if len(before) else math.nan


def means(values: Series, rows: int) -> Series:
    """The mean of every ``rows`` values one after another."""
    return np.convolve(values, np.full(rows, 1 / rows), "valid")


def medians(values: Series, rows: int) -> Series:
    """The median of every ``rows`` values one after another."""
    found: Series = np.median(np.lib.stride_tricks.sliding_window_view(values, rows), axis=1)
    return found


def layer_norm(window: Window, layer: str, kind: str) -> Series:
    """L2 norm of a layer's weights and biases together, over the rows."""
    return np.hypot(window.tensor(layer, "weights", kind, "norm"), window.tensor(layer, "biases", kind, "norm"))
