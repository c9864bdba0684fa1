"""TimedEvents: a hook that passes the events of a training on to its recording, and counts the time that this takes."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import TypeVar

from diagnostics.errors import DiagnosticsError
from diagnostics.record.recording import Recording
from lenet.hooks import (
    ActivationsReady,
    EpochEnd,
    GradientsReady,
    Hook,
    RunEnd,
    StepEnd,
    StepStart,
    TurnedBack,
    UpdateDone,
    ValidationEnd,
)

Event = TypeVar("Event")


class TimedEvents(Hook):
    """Passes events on to the recording of the training under way, which a subclass makes at the start.

    ``cost`` is the time that measuring, judging and writing took since the start of the training, in microseconds.
    """

    cost = 0.0
    _recording: Recording | None = None

    def on_step_start(self, event: StepStart) -> None:
        self._pass_on(Recording.on_step_start, event)

    def on_activations_ready(self, event: ActivationsReady) -> None:
        self._pass_on(Recording.on_activations_ready, event)

    def on_gradients_ready(self, event: GradientsReady) -> None:
        self._pass_on(Recording.on_gradients_ready, event)

    def on_update_done(self, event: UpdateDone) -> None:
        self._pass_on(Recording.on_update_done, event)

    def on_step_end(self, event: StepEnd) -> None:
        self._pass_on(Recording.on_step_end, event)

    def on_epoch_end(self, event: EpochEnd) -> None:
        self._pass_on(Recording.on_epoch_end, event)

    def on_validation_end(self, event: ValidationEnd) -> None:
        if self._recording is not None:  # a model may be validated before it is trained
            self._pass_on(Recording.on_validation_end, event)

    def on_turned_back(self, event: TurnedBack) -> None:
        self._pass_on(Recording.on_turned_back, event)

    def on_run_end(self, event: RunEnd) -> None:
        if self._recording is not None:  # the run may have failed before it began
            self._pass_on(lambda recording, end: recording.finish(end, self.cost), event)

    def _pass_on(self, handler: Callable[[Recording, Event], None], event: Event) -> None:
        if self._recording is None:
            raise DiagnosticsError("Recorder: received an event of a training before its start")
        started = perf_counter_ns()
        try:
            handler(self._recording, event)
        finally:
            self.cost += (perf_counter_ns() - started) / 1000
