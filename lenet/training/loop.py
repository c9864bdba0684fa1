"""The training loop: batches, updates, and telling the hooks.

It prints nothing and writes nothing. Whatever happens, an error or Ctrl-C, every
hook gets its run end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from lenet.hooks import (
    ActivationsReady,
    EpochEnd,
    GradientsReady,
    Hook,
    RunEnd,
    RunStart,
    RunStatus,
    StepEnd,
    StepStart,
    StopTraining,
    UpdateDone,
    ValidationEnd,
)
from lenet.layers.base import Array
from lenet.losses import Labels
from lenet.parameters import read_only
from lenet.training.engine import Engine, Outputs, Rows
from lenet.training.listeners import Listeners, Stopwatch
from lenet.training.order import Indices, Order, as_they_lie, samples_of, shuffled

if TYPE_CHECKING:
    from lenet.model import Model


@dataclass(frozen=True)
class Plan:
    """What was asked of ``Model.train``, checked and complete. ``order`` None: as ``shuffle`` says."""

    X: Array
    labels: Labels
    epochs: int
    batch_size: int
    total_steps: int
    steps_per_epoch: int
    shuffle: bool
    order: Order | None
    validation: tuple[Array, Labels] | None


@dataclass
class Progress:
    """Where a run is, the sums of the epoch it is in, and how it is fed: all that a continued run must know."""

    step: int = 0
    steps_per_epoch: int = 0
    shuffle: bool = False
    loss_sum: float = 0.0
    correct: int = 0
    samples: int = 0
    seconds: float = 0.0

    def count(self, loss: float, correct: int, samples: int, seconds: float) -> None:
        """One step was made, with this mean loss."""
        self.step += 1
        self.loss_sum += loss * samples
        self.correct += correct
        self.samples += samples
        self.seconds += seconds

    def end_epoch(self, learning_rate: float) -> EpochEnd:
        """The epoch whose last step was counted; its sums begin again."""
        epoch = self.step // self.steps_per_epoch
        first, last = (epoch - 1) * self.steps_per_epoch, self.step - 1
        loss, accuracy = self.loss_sum / self.samples, self.correct / self.samples
        event = EpochEnd(epoch, first, last, loss, accuracy, learning_rate, self.seconds)
        self.loss_sum, self.correct, self.samples, self.seconds = 0.0, 0, 0, 0.0
        return event


def run(model: Model, engine: Engine, plan: Plan, hooks: Sequence[Hook]) -> float:
    """Train as planned, from the model's position on; returns the seconds it took.

    Errors and interrupts are passed on after every hook got its RunEnd.
    """
    listeners = Listeners(hooks)
    started = perf_counter()
    status: RunStatus = "failed"
    reason = ""
    failure: BaseException | None = None
    try:
        with engine.running():
            listeners.tell("on_run_start", _run_start(model, plan))
            listeners.heed()
            _train(model, engine, plan, listeners)
        status = "completed"
    except StopTraining as stop:
        status, reason = "stopped", str(stop)
    except (KeyboardInterrupt, SystemExit) as error:
        status, reason, failure = "interrupted", type(error).__name__, error
        raise
    except BaseException as error:
        reason, failure = f"{type(error).__name__}: {error}", error
        raise
    finally:
        seconds = perf_counter() - started
        end = RunEnd(status, reason, model.progress.step, model.digest(), seconds, failure)
        listeners.tell_all_before_raising("on_run_end", end)
    return seconds


def _train(model: Model, engine: Engine, plan: Plan, listeners: Listeners) -> None:
    progress = model.progress
    if progress.samples and progress.step % plan.steps_per_epoch == 0:
        # A state from between the last step of an epoch and the end of that epoch.
        _end_epoch(model, engine, plan, listeners)
    chosen = plan.order or (shuffled(model.seed, len(plan.X)) if plan.shuffle else as_they_lie)
    while progress.step < plan.total_steps:
        epoch, step_in_epoch = divmod(progress.step, plan.steps_per_epoch)
        order = samples_of(chosen, epoch + 1, len(plan.X))
        while step_in_epoch < plan.steps_per_epoch and progress.step < plan.total_steps:
            rows = _rows(order, step_in_epoch, plan.batch_size, len(plan.X))
            _step(model, engine, plan, listeners.wanting(progress.step), rows)
            listeners.heed()
            step_in_epoch += 1
        if step_in_epoch == plan.steps_per_epoch:
            _end_epoch(model, engine, plan, listeners)
        elif plan.validation is not None:
            _validate(model, engine, plan.validation, listeners, None)
        listeners.heed()


def _step(model: Model, engine: Engine, plan: Plan, listeners: Listeners, rows: Rows) -> None:
    """One batch: gradients, penalty, update; the clock stops while hooks listen."""
    parameters, optimizer, progress = model.parameters, model.optimizer, model.progress
    step = progress.step
    epoch, step_in_epoch = step // plan.steps_per_epoch + 1, step % plan.steps_per_epoch
    values = read_only(parameters.values)
    if listeners.hears("on_step_start"):
        listeners.tell("on_step_start", StepStart(step, epoch, step_in_epoch))
    clock = Stopwatch()
    announce = None
    if listeners.hears("on_activations_ready"):
        announce = clock.without(_announcer(listeners, step, _length(rows)))
    result = engine.gradients(plan.X, plan.labels, rows, announce)
    penalty = model.penalty.add(parameters.values, parameters.gradients) if model.penalty.is_active else 0.0
    data_loss, accuracy = result.loss_sum / result.samples, result.correct / result.samples
    loss, rate = data_loss + penalty, optimizer.current_learning_rate
    clock.stop()
    if listeners.hears("on_gradients_ready"):
        gradients = read_only(parameters.gradients)
        listeners.tell(
            "on_gradients_ready",
            GradientsReady(step, epoch, values, gradients, loss, data_loss, penalty, accuracy, rate),
        )
    clock.start()
    optimizer.update(parameters.values, parameters.gradients)
    clock.stop()
    progress.count(loss, result.correct, result.samples, clock.seconds)
    if listeners.hears("on_update_done"):
        listeners.tell("on_update_done", UpdateDone(step, values))
    if listeners.hears("on_step_end"):
        listeners.tell(
            "on_step_end",
            StepEnd(
                step, epoch, step_in_epoch, loss, data_loss, penalty, accuracy, rate, clock.seconds, result.samples
            ),
        )


def _end_epoch(model: Model, engine: Engine, plan: Plan, listeners: Listeners) -> None:
    """Tell the end of the epoch whose last step was made, and validate."""
    # Summed up before anybody hears of it, so that a state taken by a hook from here on does not tell it again.
    event = model.progress.end_epoch(model.optimizer.current_learning_rate)
    listeners.tell("on_epoch_end", event)
    if plan.validation is not None:
        _validate(model, engine, plan.validation, listeners, event.epoch)


def _validate(
    model: Model, engine: Engine, data: tuple[Array, Labels], listeners: Listeners, epoch: int | None
) -> None:
    started = perf_counter()
    result = engine.evaluate(data[0], data[1], slice(0, len(data[0])))
    seconds = perf_counter() - started
    loss, accuracy = result.loss_sum / result.samples, result.correct / result.samples
    listeners.tell(
        "on_validation_end",
        ValidationEnd(epoch, model.progress.step - 1, loss, accuracy, result.samples, seconds),
    )


def _announcer(listeners: Listeners, step: int, batch_samples: int) -> Callable[[Outputs, int, int], None]:
    def announce(outputs: Outputs, first_sample: int, samples: int) -> None:
        listeners.tell("on_activations_ready", ActivationsReady(step, outputs, first_sample, samples, batch_samples))

    return announce


def _run_start(model: Model, plan: Plan) -> RunStart:
    counts = np.bincount(plan.labels, minlength=model.classes)
    return RunStart(
        tensors=model.parameters.tensors,
        layers=model.layer_infos,
        values=read_only(model.parameters.values),
        first_step=model.progress.step,
        total_steps=plan.total_steps,
        steps_per_epoch=plan.steps_per_epoch,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        samples=len(plan.X),
        prior=tuple(float(share) for share in counts / len(plan.labels)),
        description={**model.describe(), "order": _order_name(plan)},
        seed=model.seed,
        threads=model.threads,
        digest=model.digest(),
        inputs=read_only(plan.X),
        labels=read_only(plan.labels),
    )


def _order_name(plan: Plan) -> str:
    if plan.order is not None:
        return "given"
    return "shuffled" if plan.shuffle else "as they lie"


def _rows(order: Indices | None, step_in_epoch: int, batch_size: int, samples: int) -> Rows:
    start, stop = step_in_epoch * batch_size, min((step_in_epoch + 1) * batch_size, samples)
    return slice(start, stop) if order is None else order[start:stop]


def _length(rows: Rows) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)
