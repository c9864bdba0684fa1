"""Every hook gets the end of the run: after errors, Ctrl-C, a request to stop, and errors of other hooks at the end."""

from __future__ import annotations

from typing import Any

import pytest

from lenet import Hook, Model, SettingsError, StopTraining
from tests.helpers.small_models import EVENTS, STEP_EVENTS, Call, Everything, blobs, raising, small_model, watched
from tests.helpers.small_trainings import GoesBackOnce

WHEN = [name for name in EVENTS if name != "on_run_end"]


def ended(
    hook: Hook, error: type[BaseException] | None, where: int = 0, goes_back: bool = False
) -> tuple[Everything, Model]:
    """A run with a hook that raises, first or last of the listeners, and what another one hears."""
    heard, model = Everything(), small_model()
    hooks = [hook, heard] if where == 0 else [heard, hook]
    hooks += [GoesBackOnce(model, 0, 1)] if goes_back else []
    options: dict[str, Any] = {"hooks": hooks, "epochs": 2, "validation_data": blobs(10)}
    if error is None:
        watched(model, **options)
    else:
        with pytest.raises(error):
            watched(model, **options)
    return heard, model


@pytest.mark.parametrize("where", [0, 1], ids=["first", "last"])
@pytest.mark.parametrize("event", WHEN)
@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("boom"), "failed", "RuntimeError: boom"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt"),
        (SystemExit(143), "interrupted", "SystemExit"),
    ],
    ids=["error", "Ctrl-C", "exit"],
)
def test_run_end_arrives_after_an_error_or_ctrl_c_at_any_event(
    event: str, error: BaseException, status: str, reason: str, where: int
) -> None:
    heard, model = ended(Call(event, raising(error)), type(error), where, goes_back=True)
    [end] = heard.of("on_run_end")

    assert heard.names()[-1] == "on_run_end"
    assert (end.status, end.reason, end.error) == (status, reason, error)
    assert (end.steps, end.digest) == (model.step, model.digest())


@pytest.mark.parametrize("event", [name for name in WHEN if name != "on_turned_back"])
def test_stop_training_ends_the_run_after_the_step_once_all_have_heard_of_it(event: str) -> None:
    step = 1 if event in STEP_EVENTS else None
    heard, model = ended(Call(event, raising(StopTraining("seen enough")), step), None)
    [end] = heard.of("on_run_end")
    made = {"on_run_start": 0, "on_epoch_end": 3, "on_validation_end": 3}.get(event, 2)

    assert (end.status, end.reason, end.error) == ("stopped", "seen enough", None)
    assert end.steps == model.step == made
    assert [e.step for e in heard.of("on_step_end")] == list(range(made))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "completed"),
        (StopTraining("seen enough"), "stopped"),
        (KeyboardInterrupt(), "interrupted"),
        (RuntimeError("boom"), "failed"),
    ],
)
def test_the_model_keeps_how_its_last_training_ended_whatever_ended_it(
    error: BaseException | None, status: str
) -> None:
    hook = Hook() if error is None else Call("on_step_end", raising(error), 1)
    heard, model = ended(hook, None if status in ("completed", "stopped") else type(error))

    assert model.run_end is heard.of("on_run_end")[0]
    assert model.run_end.status == status
    assert model.run_end.error is (error if status in ("interrupted", "failed") else None)


def test_a_model_that_was_not_trained_has_no_end_of_a_run() -> None:
    with pytest.raises(SettingsError, match="run_end: the model has not been trained"):
        _ = small_model().run_end


def test_the_first_of_two_requests_to_stop_gives_the_reason() -> None:
    heard = Everything()
    first, second = (Call("on_step_end", raising(StopTraining(text))) for text in ("one", "two"))
    watched(hooks=[first, second, heard])

    assert heard.of("on_run_end")[0].reason == "one"


def test_an_error_in_one_hooks_run_end_keeps_it_from_nobody_and_is_passed_on() -> None:
    bad = Call("on_run_end", raising(RuntimeError("no space left")))
    heard, _ = ended(bad, RuntimeError)

    assert heard.of("on_run_end")[0].status == "completed"


def test_an_error_in_run_end_after_an_error_keeps_the_first_one_as_its_context() -> None:
    hooks = [Call("on_step_end", raising(KeyError("first"))), Call("on_run_end", raising(RuntimeError("second")))]
    with pytest.raises(RuntimeError, match="second") as caught:
        watched(hooks=hooks)

    assert isinstance(caught.value.__context__, KeyError)


def test_stopping_at_run_end_stops_nothing() -> None:
    heard, model = ended(Call("on_run_end", raising(StopTraining())), None)

    assert heard.of("on_run_end")[0].status == "completed"
    assert model.step == 6


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()])
def test_a_model_can_be_trained_again_after_a_run_that_failed(error: BaseException) -> None:
    model, fresh = small_model(threads=2), small_model(threads=2)
    beginning = model.state()
    with pytest.raises(type(error)):
        watched(model, hooks=[Call("on_gradients_ready", raising(error), 1)])
    model.restore(beginning)
    watched(model)
    watched(fresh)

    assert model.digest() == fresh.digest()


def test_an_error_in_wants_ends_the_run_as_any_other() -> None:
    class LooksUpInVain(Hook):
        def wants(self, step: int) -> bool:
            raise LookupError("wants")

    heard, _ = ended(LooksUpInVain(), LookupError)

    assert heard.names() == ["on_run_start", "on_run_end"]


def test_a_refused_argument_is_no_run_and_tells_nobody() -> None:
    heard = Everything()
    with pytest.raises(ValueError, match="epochs"):
        watched(hooks=[heard], epochs=0)

    assert heard.events == []
