"""Handlers of signals are there while they are needed and gone afterwards, however many logs there were."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diagnostics.record.recorder import Recorder
from diagnostics.signals import SIGNALS, Deferral, EndsBetweenSteps
from lenet.hooks import Hook
from tests.helpers.small_trainings import train


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Every test here leaves the handlers as they were."""
    before = handlers()
    yield
    assert handlers() == before


def close(user: Deferral | EndsBetweenSteps) -> None:
    if isinstance(user, Deferral):
        user.remove()
    else:
        user.__exit__(None, None, None)


KINDS = list(itertools.product([Deferral, EndsBetweenSteps], repeat=3))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("kinds", KINDS, ids=lambda kinds: "-".join(kind.__name__ for kind in kinds))
def test_nothing_is_left_behind_in_whatever_order_logs_and_trainings_end(
    kinds: tuple[Any, ...], order: tuple[int, ...]
) -> None:
    before = handlers()
    users = [kind() for kind in kinds]
    for user in users:
        if isinstance(user, EndsBetweenSteps):
            user.__enter__()
    assert handlers() != before

    for number in order:
        close(users[number])

    assert handlers() == before


def test_two_recorders_in_one_training_leave_no_handler(tmp_path: Path) -> None:
    before = handlers()

    train([Recorder(tmp_path / "a.h5"), Recorder(tmp_path / "b.h5")])

    assert handlers() == before


def test_a_handler_of_the_caller_gets_its_signals_during_and_after(tmp_path: Path) -> None:
    got: list[str] = []
    old = signal.signal(signal.SIGTERM, lambda *_: got.append("caller"))
    try:

        class Strike(Hook):
            def on_step_end(self, event: Any) -> None:
                if event.step == 3:
                    os.kill(os.getpid(), signal.SIGTERM)

        train([Recorder(tmp_path / "a.h5"), Recorder(tmp_path / "b.h5"), Strike()])
        assert got == ["caller"]
        os.kill(os.getpid(), signal.SIGTERM)
        assert got == ["caller", "caller"]
    finally:
        signal.signal(signal.SIGTERM, old)


def test_a_signal_during_a_write_of_one_log_waits_though_another_is_not_written() -> None:
    first, second, got = Deferral(), Deferral(), []
    try:
        with pytest.raises(KeyboardInterrupt), first:  # noqa: PT012
            with second:
                os.kill(os.getpid(), signal.SIGINT)
                got.append("inner")
            got.append("outer")
    finally:
        first.remove()
        second.remove()
    assert got == ["inner", "outer"]


def test_a_training_inside_an_open_log_takes_the_signal(tmp_path: Path) -> None:
    log = Deferral()
    try:
        with pytest.raises(KeyboardInterrupt), EndsBetweenSteps() as guard:  # noqa: PT012
            os.kill(os.getpid(), signal.SIGINT)  # waits for the end of the step
            guard.on_step_end(None)  # type: ignore[arg-type]
    finally:
        log.remove()


def test_what_ignores_interrupts_goes_on_ignoring_them() -> None:
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        log = Deferral()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with EndsBetweenSteps():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        log.remove()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, old)
