"""What a run is like, as far as rules and remedies ask: its optimiser, its layers, its targets."""

from __future__ import annotations

import math

from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import ABSOLUTE_ERROR, REGRESSION

WIDE = 5  # from such a spread on the targets of a regression count as not scaled; the rule input-scale has the same
ADAPTIVE = ("adam", "rmsprop", "adagrad", "adadelta", "adafactor", "lamb", "lion")
"""What the names of such optimisers contain: AdamW and Nadam have the name of Adam."""


def is_adaptive(info: RunInfo) -> bool:
    """Whether the size of a step does not depend on the size of the gradient, as with Adam and RMSprop."""
    return any(name in str(info.description.get("optimizer", "")).lower() for name in ADAPTIVE)


def has_report_convolution(info: RunInfo) -> bool:
    """Whether a layer has the paper's own convolution."""
    return any(layer.kind == "ReportConvolutionLayer" for layer in info.layers)


def has_flat_functions(info: RunInfo) -> bool:
    """Whether a hidden layer ends with a function that is flat on both sides."""
    return any(layer.activation in ("sigmoid", "tanh") for layer in info.hidden_layers)


def has_wide_targets(info: RunInfo) -> bool:
    """Whether the best constant of a regression is wrong by more than :data:`WIDE` on average."""
    if info.task.kind != REGRESSION:
        return False
    error = info.guessing[0] / info.task.scale
    return (error if info.task.loss == ABSOLUTE_ERROR else math.sqrt(error)) > WIDE
