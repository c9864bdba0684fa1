"""Schedules: the factor of the learning rate follows from the step alone."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import Constant, Cosine, Exponential, InverseTime, StepDecay, Warmup

steps = st.integers(0, 100_000)
every = st.integers(1, 500)
factors = st.floats(0.01, 1.0)
SCHEDULES: st.SearchStrategy[Any] = st.one_of(
    st.just(Constant()),
    st.builds(InverseTime, st.floats(0, 10), every),
    st.builds(StepDecay, factors, every),
    st.builds(Exponential, factors, every),
    st.builds(Cosine, every, st.floats(0, 1)),
)


@given(steps, st.floats(0, 10), every)
def test_inverse_time_divides_by_one_more_each_time(t: int, rate: float, k: int) -> None:
    assert InverseTime(rate, k)(t) == pytest.approx(1 / (1 + rate * t / k))


@given(st.integers(0, 2000), factors, every)
def test_step_decay_is_a_stair_and_exponential_meets_it_at_its_corners(t: int, rate: float, k: int) -> None:
    stair = 1.0
    for _ in range(t // k):
        stair *= rate

    assert StepDecay(rate, k)(t) == pytest.approx(stair)
    assert Exponential(rate, k)(t // k * k) == pytest.approx(stair)
    assert Exponential(rate, k)(t) == pytest.approx(math.exp(math.log(rate) * t / k))


def test_cosine_goes_from_one_through_the_middle_to_its_floor_and_stays_there() -> None:
    schedule = Cosine(100, floor=0.2)

    assert [schedule(t) for t in (0, 50, 100, 101, 10_000)] == pytest.approx([1.0, 0.6, 0.2, 0.2, 0.2])
    assert schedule(25) == pytest.approx(0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2)


@given(SCHEDULES, steps)
def test_every_schedule_starts_at_one_and_never_rises(schedule: Any, t: int) -> None:
    assert schedule(0) == 1.0
    assert 0.0 <= schedule(t + 1) <= schedule(t) <= 1.0


@given(SCHEDULES, st.integers(1, 300), steps)
def test_warm_up_rises_evenly_in_front_of_any_schedule_which_then_starts_from_its_own_beginning(
    schedule: Any, length: int, t: int
) -> None:
    warm = Warmup(length, schedule)

    assert [warm(step) for step in range(length)] == pytest.approx([(step + 1) / length for step in range(length)])
    assert warm(length + t) == schedule(t)


def test_warm_up_alone_ends_at_the_full_rate() -> None:
    assert [Warmup(4)(t) for t in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@given(SCHEDULES, steps)
def test_schedules_keep_no_state_and_equal_ones_are_equal(schedule: Any, t: int) -> None:
    first = schedule(t)
    schedule(t + 17)

    assert schedule(t) == first
    assert Warmup(3, schedule) == Warmup(3, schedule)
