"""MeasuringHook: measures a replay as the recorder measured the run, for what compares its rows or judges them."""

from __future__ import annotations

from diagnostics.measure.meter import StepMeter
from diagnostics.measure.silence import State as MeterState
from diagnostics.run.run import Run
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import ActivationsReady, GradientsReady, Hook, RunStart, UpdateDone


class MeasuringHook(Hook):
    """Measures the steps of which the recorder made rows. A subclass takes the rows in ``on_step_end``.

    Args:
        run: the run as it was logged.
        state: what the meter knew before the first step; None at the beginning of the run.
    """

    def __init__(self, run: Run, state: MeterState | None) -> None:
        self._run, self._state = run, state
        self._meter: StepMeter | None = None

    def wants(self, step: int) -> bool:
        """The steps of which the recorder made rows."""
        return step % self._run.header.log_every == 0

    def on_run_start(self, event: RunStart) -> None:
        """Make the meter; a training that goes on keeps the one that it has."""
        if self._meter is None:
            self._meter = StepMeter(RunInfo.from_start(event, window=logged_window(self._run)))
            if self._state is not None:
                self._meter.restore(self._state)

    def on_activations_ready(self, event: ActivationsReady) -> None:
        self.meter.activations(event)

    def on_gradients_ready(self, event: GradientsReady) -> None:
        self.meter.gradients(event)

    def on_update_done(self, event: UpdateDone) -> None:
        self.meter.update(event)

    @property
    def meter(self) -> StepMeter:
        """What measures the steps; it exists once the run has started."""
        if self._meter is None:
            raise RuntimeError("the start of the run has to be announced before its steps")
        return self._meter


def logged_window(run: Run) -> int:
    """The window W with which the rows of a run were measured; logs before version 1.2 do not say it."""
    if run.header.schema_version >= (1, 2):
        return run.info.window
    return max(20, -(-2560 // run.info.batch_size))
