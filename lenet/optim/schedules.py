"""Schedules: the factor of the learning rate as a function of the step.

The learning rate of step t is the optimiser's ``learning_rate`` times ``schedule(t)``.
Schedules keep no state, so a continued run needs only the number of its step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lenet.arguments import expect_number, expect_whole, not_negative
from lenet.errors import SettingsError


@dataclass(frozen=True)
class Constant:
    """A constant learning rate: the factor is always 1."""

    def __call__(self, step: int) -> float:
        return 1.0


@dataclass(frozen=True)
class InverseTime:
    """The factor 1 / (1 + rate t / every) at step t; the paper's decay is InverseTime(3e-4).

    Args:
        rate: 0 or more.
        every: steps in which the rate acts once, 1 or more, default 1.
    """

    rate: float
    every: int = 1

    def __post_init__(self) -> None:
        expect_number("decay rate", self.rate, "0 or more", not_negative)
        _expect_steps(self.every)

    def __call__(self, step: int) -> float:
        return 1.0 / (1.0 + self.rate * step / self.every)


@dataclass(frozen=True)
class StepDecay:
    """The factor rate^floor(t / every) at step t, which falls in stairs.

    Args:
        rate: the factor between two stairs, above 0 and at most 1.
        every: the length of a stair in steps, 1 or more.
    """

    rate: float
    every: int

    def __post_init__(self) -> None:
        expect_number("decay rate", self.rate, "above 0 and at most 1", _is_rate)
        _expect_steps(self.every)

    def __call__(self, step: int) -> float:
        return float(self.rate ** (step // self.every))


@dataclass(frozen=True)
class Exponential:
    """The factor rate^(t / every) at step t, which falls smoothly.

    Args:
        rate: the factor after ``every`` steps, above 0 and at most 1.
        every: steps, 1 or more.
    """

    rate: float
    every: int

    def __post_init__(self) -> None:
        expect_number("decay rate", self.rate, "above 0 and at most 1", _is_rate)
        _expect_steps(self.every)

    def __call__(self, step: int) -> float:
        return float(self.rate ** (step / self.every))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to ``floor``, and ``floor`` from there on (arXiv:1608.03983, one period).

    Args:
        steps: the length of the fall in steps, 1 or more.
        floor: the lowest factor, 0 to 1, default 0.
    """

    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        _expect_steps(self.steps)
        expect_number("cosine floor", self.floor, "between 0 and 1", _is_share)

    def __call__(self, step: int) -> float:
        share = min(step / self.steps, 1.0)
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * share))


PlainSchedule = Constant | InverseTime | StepDecay | Exponential | Cosine


@dataclass(frozen=True)
class Warmup:
    """A warm-up: linear from 1 / steps to 1, and another schedule from there on.

    Args:
        steps: the length of the warm-up in steps, 1 or more.
        then: the schedule after the warm-up, which counts from its own step 0; default constant.
    """

    steps: int
    then: PlainSchedule = Constant()

    def __post_init__(self) -> None:
        _expect_steps(self.steps)
        expect_schedule("schedule after the warm-up", self.then)

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return (step + 1) / self.steps
        return self.then(step - self.steps)


Schedule = PlainSchedule | Warmup


def expect_schedule(name: str, value: object) -> None:
    """Raises SettingsError unless ``value`` can be called with a step, as a schedule or a function can."""
    if isinstance(value, type):
        raise SettingsError(f"{name}: received the class {value.__name__}, expected a schedule, {value.__name__}(...)")
    if not callable(value):
        raise SettingsError(f"{name}: received {value!r}, expected a schedule such as InverseTime(3e-4)")


def _expect_steps(steps: object) -> None:
    expect_whole("steps of the schedule", steps, 1)


def _is_rate(value: float) -> bool:
    return 0 < value <= 1


def _is_share(value: float) -> bool:
    return 0 <= value <= 1
