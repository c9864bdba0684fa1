"""How the learning rate changes: a schedule is a factor as a function of the step.

The learning rate of step t is the optimiser's ``learning_rate`` times
``schedule(t)``. Schedules keep no state, so a run that is continued needs to
know its step and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lenet.arguments import expect_number, expect_whole, not_negative
from lenet.errors import SettingsError


@dataclass(frozen=True)
class Constant:
    """Always 1."""

    def __call__(self, step: int) -> float:
        return 1.0


@dataclass(frozen=True)
class InverseTime:
    """1 / (1 + rate t / every): the report's decay, 3e-4 a step."""

    rate: float
    every: int = 1

    def __post_init__(self) -> None:
        expect_number("decay rate", self.rate, "0 or more", not_negative)
        _expect_steps(self.every)

    def __call__(self, step: int) -> float:
        return 1.0 / (1.0 + self.rate * step / self.every)


@dataclass(frozen=True)
class StepDecay:
    """rate^floor(t / every): a stair."""

    rate: float
    every: int

    def __post_init__(self) -> None:
        expect_number("decay rate", self.rate, "above 0 and at most 1", _is_rate)
        _expect_steps(self.every)

    def __call__(self, step: int) -> float:
        return float(self.rate ** (step // self.every))


@dataclass(frozen=True)
class Exponential:
    """rate^(t / every): the stair made smooth."""

    rate: float
    every: int

    def __post_init__(self) -> None:
        expect_number("decay rate", self.rate, "above 0 and at most 1", _is_rate)
        _expect_steps(self.every)

    def __call__(self, step: int) -> float:
        return float(self.rate ** (step / self.every))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to ``floor`` over ``steps``, then ``floor`` (arXiv:1608.03983, one period)."""

    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        _expect_steps(self.steps)
        expect_number("cosine floor", self.floor, "between 0 and 1", _is_share)

    def __call__(self, step: int) -> float:
        share = min(step / self.steps, 1.0)
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + math.cos(math.pi * share))


@dataclass(frozen=True)
class Warmup:
    """Linear from 1 / steps up to 1 over ``steps``, then ``then``, which starts from its own step 0."""

    steps: int
    then: Constant | InverseTime | StepDecay | Exponential | Cosine = Constant()

    def __post_init__(self) -> None:
        _expect_steps(self.steps)
        expect_schedule("schedule after the warm-up", self.then)

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return (step + 1) / self.steps
        return self.then(step - self.steps)


Schedule = Constant | InverseTime | StepDecay | Exponential | Cosine | Warmup


def expect_schedule(name: str, value: object) -> None:
    """Raises SettingsError unless ``value`` maps a step to a factor, as a schedule or a function does."""
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
