"""A hook asks the loop to continue from another state: what comes after is what that state leads to, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import ContinueFrom, DataError, SettingsError, StopTraining
from lenet.hooks import Hook, StepEnd
from lenet.training.order import reshuffled, shuffled
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_models import Call, Everything, raising
from tests.helpers.small_trainings import GoesBackOnce, digits, small_model, train


@pytest.mark.parametrize(("to", "after"), [(0, 0), (3, 5), (11, 14), (13, 20), (0, 25), (12, 12)])
def test_a_run_that_continues_from_one_of_its_states_ends_as_it_would_have(to: int, after: int) -> None:
    model, heard = small_model(), Everything()
    train([heard, GoesBackOnce(model, to, after)], model)

    assert model.digest() == train([]).digest()
    steps = [event.step for event in heard.of("on_step_start")]
    assert steps == [*range(after + 1), *range(to, 26)]
    [event] = heard.of("on_turned_back")
    assert (event.step, event.after, event.reason) == (to, after, "once more")
    assert model.run_end.status == "completed"
    assert model.run_end.steps == 26


def test_sums_of_an_epoch_leave_out_what_is_not_part_of_the_run_any_more() -> None:
    model, heard, plain = small_model(), Everything(), Everything()
    train([heard, GoesBackOnce(model, 11, 14)], model)
    train([plain])

    told = [(e.epoch, e.first_step, e.last_step, e.loss, e.accuracy) for e in heard.of("on_epoch_end")]
    expected = [(e.epoch, e.first_step, e.last_step, e.loss, e.accuracy) for e in plain.of("on_epoch_end")]
    assert told == [expected[0], *expected]  # the first epoch ended twice, each time the same


def test_the_next_step_begins_when_every_hook_has_been_told() -> None:
    model, heard = small_model(), Everything()
    train([heard, GoesBackOnce(model)], model)

    names = heard.names()
    place = names.index("on_turned_back")
    assert names[place - 1] == "on_step_end"
    assert names[place + 1] == "on_step_start"


def test_the_samples_may_come_in_another_order_from_there_on() -> None:
    def reorder(order: Any) -> Any:
        return reshuffled(order, 7, 3 * 16, 1, 200)

    turned, given = small_model(), small_model()
    train([GoesBackOnce(turned, 3, 5, reorder)], turned)
    train([], given, order=reorder(shuffled(5, 200)), shuffle=False)

    assert turned.digest() == given.digest() != train([]).digest()


def test_a_request_to_stop_comes_first() -> None:
    model = small_model()
    hooks = [GoesBackOnce(model, 3, 5), Call("on_step_end", raising(StopTraining("enough")), 5)]
    train(hooks, model)

    assert (model.run_end.status, model.run_end.reason, model.step) == ("stopped", "enough", 6)


def test_a_run_may_be_stopped_where_it_was_turned_back_to() -> None:
    model = small_model()
    train([GoesBackOnce(model, 3, 5), Call("on_turned_back", raising(StopTraining("enough")))], model)

    assert (model.run_end.status, model.run_end.reason, model.step) == ("stopped", "enough", 3)


def test_a_state_of_another_network_fails_the_run() -> None:
    model, other = small_model(), small_model()
    train([], other, steps=2)
    state = {**other.state(), "parameters": np.zeros(3, np.float32)}

    with pytest.raises(DataError, match="parameters"):
        train([Call("on_step_end", raising(ContinueFrom("because", state)), 3)], model)
    assert model.run_end.status == "failed"


def test_a_state_of_a_run_with_other_batches_fails_the_run() -> None:
    model, other = small_model(), small_model()
    train([], other, steps=2, batch_size=10)

    with pytest.raises(SettingsError, match="13 steps an epoch, expected 20"):
        train([Call("on_step_end", raising(ContinueFrom("because", other.state())), 3)], model)


def test_a_loop_that_a_user_wrote_cannot_go_back_and_stops() -> None:
    network = ScratchNetwork()

    class Asks(Hook):
        def on_step_end(self, event: StepEnd) -> None:
            if event.step == 1:
                raise ContinueFrom("back to the start", {})

    training = network.training([Asks()])
    network.train(training)

    assert training.status == "stopped"
    assert training.step == 2


def test_it_may_be_asked_for_before_the_first_step() -> None:
    X, y = digits()
    model = small_model()
    state = model.state()
    model.train(
        X, y, 2, 16, print_every=0, shuffle=True, hooks=[Call("on_run_start", raising(ContinueFrom("again", state)))]
    )

    assert model.step == 26
