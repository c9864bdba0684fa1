"""What a search for mistakes starts from, and the words it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from lenet.gradcheck.differences import Array, Numeric
from lenet.gradcheck.layout import Layout, layout_of
from lenet.gradcheck.subject import Subject

Turn = Callable[[Array], Array]


@dataclass(frozen=True)
class TurnOf:
    """One thing that can happen to a kernel, or an image, on its first two axes."""

    label: str
    turn: Turn
    inverse: Turn
    square: bool


def _itself(label: str, turn: Turn, *, square: bool = False) -> TurnOf:
    """A turn that undoes itself."""
    return TurnOf(label, turn, turn, square)


TURNS: tuple[TurnOf, ...] = (
    _itself("rotated by 180 degrees", lambda k: k[::-1, ::-1]),
    _itself("transposed (rows and columns exchanged)", lambda k: k.swapaxes(0, 1), square=True),
    _itself("mirrored top to bottom", lambda k: k[::-1]),
    _itself("mirrored left to right", lambda k: k[:, ::-1]),
    _itself("transposed and rotated by 180 degrees", lambda k: k[::-1, ::-1].swapaxes(0, 1), square=True),
    TurnOf("rotated by 90 degrees", lambda k: np.rot90(k, 1), lambda k: np.rot90(k, 3), True),
    TurnOf("rotated by 270 degrees", lambda k: np.rot90(k, 3), lambda k: np.rot90(k, 1), True),
)


@dataclass(frozen=True)
class Case:
    """Everything known about a layer: analytic gradients, finite differences, and the layer to ask."""

    subject: Subject
    inputs: Array
    dvalues: Array
    own: Mapping[str, Array]
    numeric: Mapping[str, Numeric]
    output: tuple[int, ...]
    tolerance: float

    @property
    def batch(self) -> int:
        """Number of samples."""
        return len(self.inputs)

    @property
    def layout(self) -> Layout | None:
        """Where channels and kernels lie, if they can be told."""
        weights = self.subject.parameters.get("weights")
        return layout_of(self.inputs.shape, self.output, None if weights is None else weights.shape)

    def scale(self, name: str, candidate: Array) -> float | None:
        """The number by which ``candidate`` is too large, or None where it is not the right gradient's multiple."""
        numeric = self.numeric[name]
        found = candidate.ravel()[numeric.entries]
        size = np.linalg.norm(numeric.values)
        if size <= np.linalg.norm(numeric.uncertainty) or not np.linalg.norm(found) > 0:
            return None
        factor = float(np.vdot(found, numeric.values) / np.vdot(found, found))
        if factor and np.linalg.norm(factor * found - numeric.values) <= self.tolerance * size:
            return 1 / factor
        return None


def number(value: float) -> str:
    """A factor as a person would write it: 1/4, -1, 0.37."""
    if abs(value - round(value)) < 1e-4 * abs(value) and round(value):
        return str(round(value))
    if value and abs(1 / value - round(1 / value)) < 1e-4 * abs(1 / value):
        return f"{'-' if value < 0 else ''}1/{abs(round(1 / value))}"
    return f"{value:.4g}"


def spans(numbers: Iterable[int]) -> str:
    """'0 to 4, 7' for 0, 1, 2, 3, 4, 7."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def grouped(found: Iterable[tuple[str, str]]) -> list[str]:
    """'dweights and dbiases: ...' where several gradients have the same mistake."""
    names: dict[str, list[str]] = {}
    for name, tail in found:
        names.setdefault(tail, []).append(name)
    return [f"{', '.join(who[:-1])}{' and ' if who[1:] else ''}{who[-1]}: {tail}" for tail, who in names.items()]
