"""Announces a run to its hooks, event by event. Both training loops use this class.

:mod:`lenet.training.loop` is the loop of ``Model.train``, and :mod:`lenet.training.custom_loop`
observes a loop that a user wrote. Both make the calls in this order:

    with announcer:                                   # the end of the block is the end of the run
        announcer.run_start(...)
        announcer.raise_if_stopped()
        for each step:
            announcer.step_start()
            announcer.activations_ready(...)          # once a portion of the batch
            announcer.gradients_ready(result)
            announcer.step_end(result)                # the update is done, and so is the step
            after the last step of an epoch:
                announcer.epoch_end(learning_rate)
                announcer.validation_end(...)         # where there are validation data
            announcer.raise_if_stopped()
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import numpy as np

from lenet.hooks import (
    ActivationsReady,
    ContinueFrom,
    FloatArray,
    GradientsReady,
    LayerInfo,
    RunEnd,
    RunStart,
    RunStatus,
    StepEnd,
    StepStart,
    StopTraining,
    TurnedBack,
    UpdateDone,
    ValidationEnd,
)
from lenet.layers.workspace import Array
from lenet.losses import Labels
from lenet.parameters import FlatParameters, read_only
from lenet.training.listeners import Listeners, Stopwatch
from lenet.training.progress import ENDLESS, TrainingProgress


@dataclass(frozen=True, slots=True)
class StepResult:
    """The numbers of one step, known before its update.

    Args:
        data_loss: mean loss of the batch without penalty, nats.
        penalty: what regularisation adds to the loss.
        accuracy: share of the batch that was guessed right; NaN where it is not known.
        correct: number of samples that were guessed right; NaN where it is not known.
        samples: size of the batch.
        learning_rate: the learning rate of the update.
    """

    data_loss: float
    penalty: float
    accuracy: float
    correct: float
    samples: int
    learning_rate: float

    @property
    def loss(self) -> float:
        """Data loss and penalty together."""
        return self.data_loss + self.penalty

    def numbers(self) -> dict[str, float]:
        """The fields that GradientsReady and StepEnd have in common."""
        return {
            "loss": self.loss,
            "data_loss": self.data_loss,
            "penalty": self.penalty,
            "accuracy": self.accuracy,
            "learning_rate": self.learning_rate,
        }


class Announcer:
    """Makes the events of one run, gives them to the hooks, and counts the steps.

    Args:
        listeners: the hooks of the run.
        parameters: the flat buffers; hooks see them read-only.
        progress: the position of the run, which :meth:`step_end` and :meth:`epoch_end` move on.

    ``clock`` measures a step. A loop restarts it where a step begins, and it pauses while hooks
    run. ``end`` is the event of the end of the run; None until then.
    """

    def __init__(self, listeners: Listeners, parameters: FlatParameters, progress: TrainingProgress) -> None:
        self.clock = Stopwatch()
        self.end: RunEnd | None = None
        self._parameters, self._progress = parameters, progress
        self._values, self._gradients = read_only(parameters.values), read_only(parameters.gradients)
        self._all = self._of_step = listeners

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Announce the end of the run. StopTraining ends here; all other errors are raised again."""
        status: RunStatus = "failed"
        reason = f"{kind.__name__}: {error}" if kind else ""
        if error is None:
            status = "completed"
        elif isinstance(error, StopTraining):
            status, reason = "stopped", str(error)
        elif isinstance(error, KeyboardInterrupt | SystemExit):
            status, reason = "interrupted", type(error).__name__
        is_stopped = status == "stopped"
        self.end = RunEnd(
            status=status,
            reason=reason,
            steps=self._progress.step,
            digest=self._parameters.digest(),
            seconds=perf_counter() - self._started,
            error=None if is_stopped else error,
            switched_off=self._all.switched_off,
        )
        try:
            self._all.emit_to_all("on_run_end", self.end)
        finally:
            if self._all.switched_off != self.end.switched_off:  # an optional hook failed at the end of the run
                self.end = replace(self.end, switched_off=self._all.switched_off)
        return is_stopped

    def raise_if_stopped(self) -> None:
        """Raise StopTraining if a hook has asked for it."""
        self._all.raise_if_stopped()

    def wants_activations(self) -> bool:
        """Whether any hook listens to the activations of the step under way."""
        return self._of_step.has_listener("on_activations_ready")

    def run_start(
        self,
        *,
        layers: Sequence[LayerInfo],
        labels: Labels | None,
        inputs: Array | None,
        classes: int,
        samples: int,
        epochs: int,
        batch_size: int,
        total_steps: int,
        description: Mapping[str, Any],
        seed: int,
        threads: int,
    ) -> None:
        """Announce the run, before its first step.

        ``inputs`` (N, ...) and ``labels`` (N,) are the data, as far as the loop has them, and ``samples`` is N.
        """
        per_epoch = self._progress.steps_per_epoch
        shares = None if labels is None else np.bincount(labels, minlength=classes) / len(labels)
        event = RunStart(
            tensors=self._parameters.tensors,
            layers=tuple(layers),
            values=self._values,
            first_step=self._progress.step,
            total_steps=total_steps,
            steps_per_epoch=per_epoch if per_epoch < ENDLESS else 0,
            epochs=epochs,
            batch_size=batch_size,
            samples=samples,
            prior=(math.nan,) if shares is None else tuple(float(share) for share in shares),
            description=description,
            seed=seed,
            threads=threads,
            digest=self._parameters.digest(),
            inputs=None if inputs is None else read_only(inputs),
            labels=None if inputs is None or labels is None else read_only(labels),
        )
        self._emit(self._all, "on_run_start", event)

    def wants(self, step: int) -> bool:
        """Whether any hook wants the events of this step."""
        return bool(self._all.wanting(step).hooks)

    def step_start(self) -> None:
        """Announce a step, before its forward pass, or at the first call about the step."""
        progress = self._progress
        with self.clock.paused():
            self._of_step = self._all.wanting(progress.step)
        if self._of_step.has_listener("on_step_start"):
            event = StepStart(progress.step, progress.epoch, progress.step_in_epoch)
            self._emit(self._of_step, "on_step_start", event)

    def activations_ready(
        self, outputs: Mapping[str, tuple[FloatArray, ...]], first_sample: int, samples: int, batch_samples: int
    ) -> None:
        """Announce the outputs of one portion of the batch."""
        event = ActivationsReady(self._progress.step, outputs, first_sample, samples, batch_samples)
        self._emit(self._of_step, "on_activations_ready", event)

    def gradients_ready(self, result: StepResult) -> None:
        """Announce the gradients, before clipping and update."""
        if self._of_step.has_listener("on_gradients_ready"):
            event = GradientsReady(
                step=self._progress.step,
                epoch=self._progress.epoch,
                values=self._values,
                gradients=self._gradients,
                **result.numbers(),
            )
            self._emit(self._of_step, "on_gradients_ready", event)

    def step_end(self, result: StepResult, seconds: float | None = None) -> None:
        """Announce the end of a step. It is counted first, so that a hook gets the state after the step.

        ``seconds``: the time of the step, without that of the hooks; None (default) asks the clock.
        """
        progress = self._progress
        if seconds is None:
            seconds = self.clock.seconds
        step, epoch, step_in_epoch = progress.step, progress.epoch, progress.step_in_epoch
        progress.count(result.loss, result.correct, result.samples, seconds)
        if self._of_step.has_listener("on_update_done"):
            self._emit(self._of_step, "on_update_done", UpdateDone(step, self._values))
        if self._of_step.has_listener("on_step_end"):
            event = StepEnd(
                step=step,
                epoch=epoch,
                step_in_epoch=step_in_epoch,
                seconds=seconds,
                samples=result.samples,
                **result.numbers(),
            )
            self._emit(self._of_step, "on_step_end", event)

    def epoch_end(self, learning_rate: float) -> None:
        """Announce the end of an epoch. Its sums are set to 0 before any hook gets the event."""
        self._emit(self._all, "on_epoch_end", self._progress.end_epoch(learning_rate))

    def validation_end(self, loss: float, accuracy: float, samples: int, seconds: float) -> None:
        """Announce a validation. Right after the last step of an epoch it belongs to that epoch."""
        progress = self._progress
        event = ValidationEnd(progress.ended_epoch, progress.step - 1, loss, accuracy, samples, seconds)
        self._emit(self._all, "on_validation_end", event)

    def turned_back(self, request: ContinueFrom, after: int) -> None:
        """Announce that the state a hook asked for was restored. ``after``: the last step made before."""
        self._all.forget_requests()
        self._emit(self._all, "on_turned_back", TurnedBack(self._progress.step, after, str(request)))

    def _emit(self, listeners: Listeners, name: str, event: object) -> None:
        with self.clock.paused():
            listeners.emit(name, event)
