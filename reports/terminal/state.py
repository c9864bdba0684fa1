"""The state of the live view as one immutable value, which is all that drawing needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reports.terminal.history import Array, Curve
from reports.text.phrases import Tone


def nothing() -> Curve:
    """A curve without a value."""
    empty = np.full(1, np.nan)
    return Curve(empty, empty, empty)


@dataclass(frozen=True)
class LayerLine:
    """One layer now, and the course of its numbers over the run. ``suspicion`` is the message of a rule."""

    name: str
    gradient: float
    ratio: float
    dead: float
    gradient_trend: Array
    ratio_trend: Array
    dead_trend: Array
    suspicion: str = ""


@dataclass(frozen=True)
class LiveState:
    """One moment of a run. ``steps`` counts those made; rates and times left are None while unknown.

    ``has_accuracy``: whether the run records an accuracy, default True.
    """

    title: str
    settings: str
    status: str = "running"
    steps: int = 0
    total: int = 1
    epoch: int = 1
    epochs: int = 1
    rate: float | None = None
    seconds_left: float | None = None
    loss: float = float("nan")
    accuracy: float = float("nan")
    loss_curve: Curve = field(default_factory=nothing)
    accuracy_curve: Curve = field(default_factory=nothing)
    guess_loss: float = float("nan")
    guess_accuracy: float = float("nan")
    has_accuracy: bool = True
    layers: tuple[LayerLine, ...] = ()
    verdict: str = ""
    tone: Tone = "plain"
    events: tuple[str, ...] = ()
    note: str = ""
