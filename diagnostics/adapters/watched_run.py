"""WatchedRun: announces the steps of a watched loop to its recorder, from the first one to the end."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from diagnostics.adapters import watch_warnings
from diagnostics.adapters.recorded_gradients import RecordedGradients
from diagnostics.adapters.told_step import ToldStep
from diagnostics.adapters.watched_network import WatchedNetwork
from diagnostics.record.recorder import Recorder
from lenet.hooks import StopTraining
from lenet.training.custom_loop import LoopMonitor

_open: dict[Path, WatchedRun] = {}
"""The runs of this process that write a log, by its path."""


class WatchedRun:
    """Announces steps once their network shows them.

    Where the second step decides whether gradients are derived, the first one is announced together with it.

    Args:
        network: the network.
        recorder: it is told what the run does not record, before its first step.
        path: the log; None where there is none.
        has_gradients: whether gradients are recorded, as far as the user says it.
        description: what the log says of the model.
        outputs: how many numbers the network puts out for a sample; 0 where that is not known.
        monitor: further arguments of the LoopMonitor; a batch size of None is that of the first batch.

    Attributes:
        source: where the gradients come from; None before the first step.
        is_closed: whether the run has ended.
    """

    def __init__(
        self,
        network: WatchedNetwork,
        recorder: Recorder,
        path: Path | None,
        *,
        has_gradients: bool,
        description: Mapping[str, Any],
        outputs: int,
        monitor: Mapping[str, Any],
    ) -> None:
        self._network, self._recorder, self._path = network, recorder, path
        self._has_gradients, self.description, self._arguments = has_gradients, dict(description), dict(monitor)
        self._outputs = outputs
        self.monitor: LoopMonitor | None = None
        self.source: RecordedGradients | None = None
        self.is_closed = False
        self._held: ToldStep | None = None
        self._since = 0.0

    @property
    def records_gradients(self) -> bool:
        """Whether gradients are recorded, as far as it is known."""
        return self._has_gradients if self.source is None else self.source.is_recorded

    def take(self, told: ToldStep) -> None:
        """Announce a step, which the network shows from before its update, or keep it for the next one."""
        if self.source is None:
            self.source = RecordedGradients(
                self._network,
                told,
                task=self._recorder.task,
                outputs=self._outputs,
                is_wanted=self._has_gradients,
                description=self.description,
            )
            if self.source.waits:
                self._held, self._since = told.copied(), perf_counter()
                self._network.hold()
                self._network.show_after()
                return
        else:
            self.source.see_next(told)
        seconds = None if self._held is None else perf_counter() - self._since
        if self._held is not None:
            self._announce_held()
            self._network.show_before(len(told.batch), told.rate)
        self._announce(told, seconds)

    def validated(self, loss: float, accuracy: float | None, samples: int, seconds: float) -> bool:
        """Announce a validation; returns whether there was a step before it."""
        self._announce_held()
        if self.monitor is not None:
            self.monitor.validated(loss, accuracy, samples, seconds)
        return self.monitor is not None

    def end(self, error: BaseException | None) -> bool:
        """End the run; returns whether the error was a request to stop, which goes no further."""
        atexit.unregister(self._end_at_exit)
        if self.is_closed:
            return False
        self.is_closed = True
        try:
            self._announce_held()
        except StopTraining as stop:
            error = error or stop
        if self.monitor is None:
            if error is None:
                watch_warnings.warn_of_no_step()
            return False
        if self._path is not None and _open.get(self._path) is self:
            del _open[self._path]
        return self.monitor.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)

    # ---- inside

    def _announce_held(self) -> None:
        """Announce the step that waits for the next one, if there is one."""
        held, self._held = self._held, None
        if held is not None:
            self._network.show_held()
            try:
                self._announce(held, None)
            finally:
                self._network.show_present()

    def _announce(self, told: ToldStep, seconds: float | None) -> None:
        """Announce a step; ``seconds`` is its time, None for that since the step before."""
        monitor = self.monitor or self._begin(told)
        is_first = monitor.step == 0
        monitor.before_update(told.batch, told.loss, told.accuracy, told.rate, told.penalty)
        if is_first:  # after the log has registered what it does at the exit: what comes last is called first
            atexit.register(self._end_at_exit)
        if told.targets is not None:
            self._recorder.targets(told.targets)
        self._network.show_after()
        monitor.after_update(seconds)

    def _begin(self, told: ToldStep) -> LoopMonitor:
        if not self.records_gradients:
            self._recorder.not_recorded += ("gradients",)
        elif self.source is not None and self.source.derived:
            self.description["derived_gradients"] = self.source.derived
        if told.accuracy is None and self._recorder.task.has_classes:
            self._recorder.not_recorded += ("accuracy",)
        self._replace_open()
        arguments = {**self._arguments, "batch_size": self._arguments["batch_size"] or len(told.batch)}
        self.monitor = LoopMonitor(self._network.layers, description=self.description, **arguments)
        self.monitor.__enter__()
        return self.monitor

    def _replace_open(self) -> None:
        """End the run of this process that writes the same log, as where a cell of a notebook is run again."""
        if self._path is not None:
            if before := _open.get(self._path):
                before.end(None)
            _open[self._path] = self

    def _end_at_exit(self) -> None:
        """A program that ends without ``close`` has completed its run, unless an error ended it."""
        self.end(getattr(sys, "last_exc", None) or getattr(sys, "last_value", None))
