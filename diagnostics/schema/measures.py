"""The measures of a step, each declared once.

A new measure needs one entry in a list below: its name, its unit, its meaning, and the function
that defines it. It is then a column of every row, of the file, of the frames and of the page of
the log format. The room ``measure/`` computes most of these measures faster, for all tensors at
once; a measure without such code is computed by its definition. The order of the lists is the
order of the columns, and nothing else depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
FLAT_ENDS = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured quantity.

    ``name``: its name in the file and in frames.
    ``unit``: its unit; "1" for a number without one.
    ``meaning``: its meaning, in one sentence.
    ``of``: its definition. It gets the StepEnd event for a scalar, the entries of a tensor (flat, float64) for a
    tensor statistic, and :class:`LayerOutputs` for an activation statistic.
    ``since``: the minor version of the log format that added it; older logs may lack it.
    """

    name: str
    unit: str
    meaning: str
    of: Callable[..., Any]
    since: int = 0


@dataclass(frozen=True, slots=True)
class LayerOutputs:
    """The outputs of one layer at one step.

    ``sample``: the outputs of the subsample, flat, float32.
    ``activation``: the name of the activation function, None where there is none.
    ``silent``: for every unit whether it was 0 for the whole batch; empty for the input.
    ``silent_steps``: for every unit the number of steps, this one included, for which it has been silent.
    ``window``: W, in steps.
    ``steps``: how many steps have been measured, this one included.
    """

    sample: NDArray[np.float32]
    activation: str | None
    silent: NDArray[np.bool_]
    silent_steps: NDArray[np.int64]
    window: int
    steps: int


def zero_fraction(x: Array) -> float:
    """The share of entries that are exactly zero."""
    return np.count_nonzero(x == 0) / x.size


def update_ratio(update_norms: NDArray[np.float32], value_norms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Norms of updates over norms of values (tensors,); NaN where that of the value is 0."""
    ratios: NDArray[np.float32] = update_norms / value_norms
    if 0.0 in value_norms.tolist():  # searching a short list is quicker
        ratios[value_norms == 0] = np.nan
    return ratios


def saturated_fraction(outputs: LayerOutputs) -> float:
    """The share of the outputs where the function is flat; NaN for functions without a flat end."""
    if outputs.activation not in FLAT_ENDS:
        return math.nan
    low, high = FLAT_ENDS[outputs.activation]
    x = outputs.sample
    return (np.count_nonzero(x < low) + np.count_nonzero(x > high)) / x.size


def dead_fraction(outputs: LayerOutputs) -> float:
    """The share of silent units; NaN for the input, which has no units."""
    return float(outputs.silent.mean()) if outputs.silent.size else math.nan


def dead_window_fraction(outputs: LayerOutputs) -> float:
    """The share of units that were silent for W steps; NaN until W steps have been measured."""
    if outputs.steps < outputs.window or not outputs.silent.size:
        return math.nan
    return float((outputs.silent_steps >= outputs.window).mean())


SCALARS = (
    Measure("loss", "nats", "mean loss of the batch: data loss plus penalty", attrgetter("loss")),
    Measure("data_loss", "nats", "mean cross-entropy of the batch", attrgetter("data_loss")),
    Measure("penalty", "nats", "L1 and L2 penalty of the weights", attrgetter("penalty")),
    Measure("accuracy", "share", "share of the batch that is classified right", attrgetter("accuracy")),
    Measure("learning_rate", "1", "learning rate of this step's update", attrgetter("learning_rate")),
    Measure("seconds", "s", "time of the step, without that of the hooks", attrgetter("seconds")),
    Measure("samples", "samples", "size of the batch", attrgetter("samples")),
)

TENSOR_STATISTICS = (
    Measure("mean", "1", "mean over the tensor's entries", np.mean),
    Measure("std", "1", "standard deviation over the entries (ddof 0)", np.std),
    Measure("min", "1", "smallest entry", np.min),
    Measure("max", "1", "largest entry", np.max),
    Measure("norm", "1", "L2 norm", lambda x: math.sqrt(np.dot(x, x))),
    Measure("zero_fraction", "share", "share of entries that are exactly zero", zero_fraction),
    Measure(
        "nonfinite",
        "entries",
        "number of entries that are NaN or infinite",
        lambda x: x.size - np.count_nonzero(np.isfinite(x)),
    ),
)

RATIO = Measure("ratio", "1", "norm of the update over norm of the value; NaN where that norm is 0", update_ratio)

RATE = Measure(
    "rate", "1", "learning rate of the tensor's update; only where groups of parameters have rates of their own", float
)

ACTIVATION_STATISTICS = (
    Measure("mean", "1", "mean over the subsample", lambda outputs: outputs.sample.mean(dtype=np.float64)),
    Measure(
        "std",
        "1",
        "standard deviation over the subsample (ddof 0)",
        lambda outputs: outputs.sample.std(dtype=np.float64),
    ),
    Measure(
        "zero_fraction", "share", "share of exact zeros in the subsample", lambda outputs: zero_fraction(outputs.sample)
    ),
    Measure(
        "saturated_fraction",
        "share",
        "share of the subsample where the function is flat: sigmoid outside [0.01, 0.99], tanh outside "
        "[-0.98, 0.98]; NaN for other functions",
        saturated_fraction,
    ),
    Measure("dead_fraction", "share", "share of units silent, 0 for every sample of the whole batch", dead_fraction),
    Measure(
        "dead_window_fraction",
        "share",
        "share of units silent at every one of the last W steps (attribute `window`); NaN before step W-1",
        dead_window_fraction,
    ),
)


def positions(measures: Sequence[Measure], *names: str) -> tuple[int, ...]:
    """The positions of the measures of these names in a list. Raises ValueError where one is not declared."""
    declared = [one.name for one in measures]
    return tuple(declared.index(name) for name in names)


def others(measures: Sequence[Measure], *names: str) -> tuple[tuple[int, Measure], ...]:
    """The positions of the measures of all other names, with these measures."""
    return tuple((place, one) for place, one in enumerate(measures) if one.name not in names)
