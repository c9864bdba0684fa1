"""Runs made by hand, and what the detector says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import DEFAULT_THRESHOLDS, Detector, Event
from diagnostics.detect.examples import example, example_info
from diagnostics.detect.findings import Diagnosis
from diagnostics.detect.thresholds import Thresholds
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import prior_entropy

H = math.log(10)
P = int(DEFAULT_THRESHOLDS["verdict.patience"])
G = int(DEFAULT_THRESHOLDS["verdict.grace"])
S = int(P * DEFAULT_THRESHOLDS["verdict.standstill"])  # from this step on a standstill is a defect


@dataclass(frozen=True)
class Told:
    """What came of a run: the detector, what it said at each step, and its last word."""

    detector: Detector
    events: list[tuple[Event, ...]]
    diagnosis: Diagnosis

    @property
    def stretches(self) -> list[tuple[str, int, int, int | None]]:
        """(kind, onset, confirmed, recovery) of each."""
        return [(str(s.kind), s.onset, s.confirmed, s.recovery) for s in self.diagnosis.stretches]


def info(prior: Sequence[float] = (0.1,) * 10, batch_size: int = 128, **changes: Any) -> RunInfo:
    """The example's network on data of this prior, in batches of this size."""
    return replace(example_info(), prior=tuple(prior), batch_size=batch_size, **{"window": 0, **changes})


def rows(
    loss: Sequence[float] | NDArray[Any],
    accuracy: float | Sequence[float] | NDArray[Any] | None = None,
    samples: float = 128,
    changes: dict[str, Any] | None = None,
    function: str = "relu",
) -> NDArray[np.float32]:
    """Rows of a healthy network with this data loss; the accuracy follows from the loss where it is not given."""
    loss = np.asarray(loss, dtype=np.float64)
    loss = loss * (1 + 1e-4 * np.sin(np.arange(len(loss))))  # the loss of a real run never is the same number twice
    if accuracy is None:
        accuracy = np.where(loss > 0.8 * H, 0.1, 0.95)
    given = {"data_loss": loss, "loss": loss, "accuracy": accuracy, "samples": samples, **(changes or {})}
    return example(DEFAULT_THRESHOLDS, given, steps=len(loss), start=0, function=function).rows


def judge(
    values: NDArray[np.float32],
    about: RunInfo | None = None,
    limits: Thresholds | None = None,
    steps: Sequence[int] | None = None,
    status: str = "completed",
) -> Told:
    """Feed the rows one after another."""
    detector = Detector(about or info(), limits=limits)
    numbers = range(len(values)) if steps is None else steps
    events = [detector.observe(step, 1, row) for step, row in zip(numbers, values, strict=True)]
    return Told(detector, events, detector.finish(status))


def piecewise(*parts: tuple[int, float]) -> NDArray[np.float64]:
    """(how many steps, which value) one after another."""
    return np.concatenate([np.full(count, value) for count, value in parts])


def entropy(prior: Sequence[float]) -> float:
    """The loss of guessing."""
    return prior_entropy(prior)
