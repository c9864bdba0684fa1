"""The training loop of ``Model.train``: batches, gradients and updates.

It prints nothing and writes nothing. Every hook gets the end of the run, also where an
error or Ctrl-C ended it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from lenet.checks import check_same_feeding
from lenet.hooks import ContinueFrom
from lenet.layers.workspace import Array
from lenet.losses import Labels
from lenet.network import Network
from lenet.optim.optimizers import Optimizer
from lenet.training.announcer import Announcer, StepResult
from lenet.training.engine import Engine
from lenet.training.order import Indices, Order, as_they_lie, samples_of, shuffled
from lenet.training.progress import TrainingProgress
from lenet.training.shards import Rows
from lenet.training.state import apply


@dataclass(frozen=True)
class TrainingPlan:
    """The checked and completed arguments of ``Model.train``.

    Args:
        X: training inputs, (N, H, W, C) or (N, F).
        labels: their classes, (N,).
        epochs: how many times the data are gone through.
        batch_size: samples a step, at most N.
        total_steps: the number of steps at which the run ends, counted from its step 0.
        shuffle: whether every epoch has an order of its own, which the seed decides.
        order: the order of the samples in each epoch, in place of ``shuffle``; None for that of ``shuffle``.
        validation: inputs and labels that are evaluated after each epoch, or None.
    """

    X: Array
    labels: Labels
    epochs: int
    batch_size: int
    total_steps: int
    shuffle: bool
    order: Order | None
    validation: tuple[Array, Labels] | None

    @property
    def order_name(self) -> str:
        """The order in words, as hooks and logs have it."""
        if self.order is not None:
            return "given"
        return "shuffled" if self.shuffle else "as they lie"


@dataclass(frozen=True)
class TrainingLoop:
    """One run of a network over its data.

    Args:
        network: the finalized network.
        optimizer: makes the updates.
        engine: computes the gradients of a batch.
        plan: the data, and how long to train.
        progress: the position of the run; above step 0 where it is continued.
        announcer: announces events to the hooks.
    """

    network: Network
    optimizer: Optimizer
    engine: Engine
    plan: TrainingPlan
    progress: TrainingProgress
    announcer: Announcer

    def run(self) -> None:
        """Train to the end of the plan. Errors and interrupts are raised after every hook got the end of the run."""
        with self.announcer, self.engine.running():
            self.announcer.run_start(
                layers=self.network.layer_infos,
                inputs=self.plan.X,
                labels=self.plan.labels,
                classes=self.network.classes,
                samples=len(self.plan.X),
                epochs=self.plan.epochs,
                batch_size=self.plan.batch_size,
                total_steps=self.plan.total_steps,
                description={**self.network.describe(), "order": self.plan.order_name},
                seed=self.network.seed,
                threads=self.engine.threads,
            )
            order = self.plan.order or self._usual_order()
            while True:
                try:
                    self.announcer.raise_if_stopped()
                    return self._train(order)
                except ContinueFrom as request:
                    order = self._turn_back(request, order)

    def _usual_order(self) -> Order:
        plan = self.plan
        return shuffled(self.network.seed, len(plan.X)) if plan.shuffle else as_they_lie

    def _turn_back(self, request: ContinueFrom, order: Order) -> Order:
        """Restore the state that a hook asked for; returns the order of the samples from there on."""
        progress = self.progress
        after, per_epoch, shuffle = progress.step - 1, progress.steps_per_epoch, progress.shuffle
        apply(dict(request.state), self.network, self.optimizer, progress)
        if progress.step:
            check_same_feeding(progress.steps_per_epoch, progress.shuffle, per_epoch, shuffle)
        progress.steps_per_epoch, progress.shuffle = per_epoch, shuffle
        self.announcer.turned_back(request, after)
        return order if request.reorder is None else request.reorder(order)

    def _train(self, order: Order) -> None:
        plan, progress = self.plan, self.progress
        if progress.samples and progress.step_in_epoch == 0:
            # The state was taken between the last step of an epoch and the end of that epoch.
            self._end_epoch()
        while progress.step < plan.total_steps:
            samples = samples_of(order, progress.epoch, len(plan.X))
            stop = min(progress.epoch * progress.steps_per_epoch, plan.total_steps)
            while progress.step < stop:
                self._step(_rows(samples, progress.step_in_epoch, plan.batch_size, len(plan.X)))
                self.announcer.raise_if_stopped()
            if progress.ended_epoch is not None:
                self._end_epoch()
            else:
                self._validate()
            self.announcer.raise_if_stopped()

    def _step(self, rows: Rows) -> None:
        """Train on one batch."""
        announcer, plan, penalty = self.announcer, self.plan, self.network.penalty
        parameters = self.network.parameters
        announcer.step_start()
        announcer.clock.restart()
        announce = announcer.activations_ready if announcer.wants_activations() else None
        batch = self.engine.gradients(plan.X, plan.labels, rows, announce)
        result = StepResult(
            data_loss=batch.loss_sum / batch.samples,
            penalty=penalty.add(parameters.values, parameters.gradients) if penalty.is_active else 0.0,
            accuracy=batch.correct / batch.samples,
            correct=batch.correct,
            samples=batch.samples,
            learning_rate=self.optimizer.current_learning_rate,
        )
        announcer.gradients_ready(result)
        self.optimizer.update(parameters.values, parameters.gradients)
        announcer.step_end(result)

    def _end_epoch(self) -> None:
        self.announcer.epoch_end(self.optimizer.current_learning_rate)
        self._validate()

    def _validate(self) -> None:
        """Evaluate the validation data, where there are any."""
        if self.plan.validation is None:
            return
        X, labels = self.plan.validation
        started = perf_counter()
        result = self.engine.evaluate(X, labels, slice(0, len(X)))
        seconds = perf_counter() - started
        loss, accuracy = result.loss_sum / result.samples, result.correct / result.samples
        self.announcer.validation_end(loss, accuracy, result.samples, seconds)


def _rows(samples: Indices | None, step_in_epoch: int, batch_size: int, total: int) -> Rows:
    """The samples of one batch, as a slice where the epoch has the order of the data."""
    start, stop = step_in_epoch * batch_size, min((step_in_epoch + 1) * batch_size, total)
    return slice(start, stop) if samples is None else samples[start:stop]
