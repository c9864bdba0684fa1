"""A view, a printer or a tracker that fails is switched off with one line, and the training is what it would have been.

Any other hook that fails ends the training, as before.
"""

from __future__ import annotations

import errno
import io
import logging
import os
from typing import Any, ClassVar

import pytest

from lenet.hooks import Hook
from lenet.training.printing import PrintProgress
from tests.helpers.small_trainings import GoesBackOnce, digits, small_model, train

EVENTS = sorted(Hook._events)
MEETS_NOBODY = {"on_run_end"}


class View(Hook):
    """Fails in one event, at its second step."""

    optional = "the view"
    error: ClassVar[BaseException] = ZeroDivisionError("division by zero")

    def __init__(self, event: str) -> None:
        self.heard: list[str] = []
        self.given_back = 0
        self._event = event

    def __getattribute__(self, name: str) -> Any:
        if name in Hook._events:
            return lambda event: self.hear(name, event)
        return super().__getattribute__(name)

    def hear(self, name: str, event: Any) -> None:
        self.heard.append(name)
        if name == self._event and getattr(event, "step", 1) >= 1:
            raise self.error

    def switched_off(self) -> None:
        self.given_back += 1


# Listeners look at the class for what it overrides.
for _name in EVENTS:
    setattr(View, _name, lambda self, event: None)


@pytest.fixture(scope="module")
def undisturbed() -> str:
    return train([]).parameters.digest()


@pytest.mark.parametrize("event", EVENTS)
def test_a_view_that_fails_is_switched_off_and_the_training_goes_on(
    event: str, undisturbed: str, caplog: pytest.LogCaptureFixture
) -> None:
    view, other = View(event), View("none")

    model = small_model()
    train([view, other, GoesBackOnce(model)], model)

    assert model.parameters.digest() == undisturbed
    assert model.run_end.status == "completed"
    assert view.heard.count(event) == (2 if event in PER_STEP else 1)
    assert view.given_back == 1
    assert len(other.heard) > len(view.heard) or event == "on_run_end"
    at = " at step 1" if event in PER_STEP or event == "on_validation_end" else ""
    at = {"on_validation_end": " at step 12", "on_turned_back": " at step 3"}.get(event, at)
    line = f"the view was switched off{at}: ZeroDivisionError: division by zero"
    assert model.run_end.switched_off == (line,)
    assert [record.getMessage() for record in caplog.records] == [f"{line}; the training goes on"]


PER_STEP = {"on_step_start", "on_activations_ready", "on_gradients_ready", "on_update_done", "on_step_end"}


def test_a_view_that_cannot_say_what_it_wants_is_switched_off(undisturbed: str) -> None:
    class Undecided(View):
        def wants(self, step: int) -> bool:
            raise ValueError("no idea")

    model = train([Undecided("none")])

    assert model.parameters.digest() == undisturbed
    assert model.run_end.switched_off == ("the view was switched off at step 0: ValueError: no idea",)


def test_a_view_that_cannot_even_give_back_what_it_holds_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(View):
        def switched_off(self) -> None:
            raise OSError(errno.EIO, "Input/output error")

    assert train([Stuck("on_step_end")]).run_end.status == "completed"
    assert "the view could not be ended in order: input/output error" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_ctrl_c_inside_a_view_still_ends_the_training(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "error", error)

    with pytest.raises(type(error)):
        train([View("on_step_end")])


@pytest.mark.parametrize("event", EVENTS)
def test_a_hook_that_is_not_optional_ends_the_training(event: str) -> None:
    class Needed(View):
        optional = ""

    model = small_model()
    with pytest.raises(ZeroDivisionError):
        train([Needed(event), GoesBackOnce(model)], model)


class FullDisk(io.StringIO):
    """Takes two lines, then has no room."""

    code = errno.ENOSPC

    def write(self, text: str) -> int:
        if self.getvalue().count("\n") >= 2:
            raise OSError(self.code, os.strerror(self.code))
        return super().write(text)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_printing_ends_where_stdout_takes_no_more(
    code: int, undisturbed: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream = FullDisk()
    monkeypatch.setattr(stream, "code", code, raising=False)
    monkeypatch.setattr("sys.stdout", stream)

    model = train([], print_every=3)

    assert model.parameters.digest() == undisturbed
    assert stream.getvalue().startswith("step:3, acc:")
    assert model.run_end.switched_off == (f"printing was switched off at step 6: {os.strerror(code).lower()}",)


def test_a_closed_stdout_ends_printing_alone(undisturbed: str) -> None:
    stream = io.StringIO()
    stream.close()

    model = train([PrintProgress(3, stream)])

    assert model.parameters.digest() == undisturbed
    assert "I/O operation on closed file" in model.run_end.switched_off[0]


def test_a_validation_goes_on_where_its_lines_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = small_model()
    expected = model.validate(digits(40, 4), batch_size=8, print_every=0)
    monkeypatch.setattr("sys.stdout", FullDisk())

    assert model.validate(digits(40, 4), batch_size=8, print_every=1) == expected
    assert [r.getMessage() for r in caplog.records] == [
        "printing was switched off: no space left on device; the validation goes on"
    ]


class BrokenTracker:
    """A tracker whose disk is full."""

    def add_time(self, phase: str, seconds: float) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def record_epoch_accuracy(self, epoch: int, accuracy: float) -> None:
        raise AssertionError("was told although it is switched off")

    record_validation_accuracy = record_epoch_accuracy  # type: ignore[assignment]


def test_a_tracker_that_fails_ends_no_training(caplog: pytest.LogCaptureFixture) -> None:
    from lenet import Model

    model = small_model()
    model._tracking = Model(BrokenTracker())._tracking  # type: ignore[attr-defined]

    train([], model)

    assert model.run_end.status == "completed"
    assert model.run_end.switched_off == ("the tracker was switched off at step 0: no space left on device",)


def test_one_line_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        train([View("on_step_end")], epochs=3)

    assert len(caplog.records) == 1
