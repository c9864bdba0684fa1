"""LiveView: the hook that shows a training in this process while it runs."""

from __future__ import annotations

import io
from collections import deque
from contextlib import AbstractContextManager, redirect_stderr
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console

from lenet.hooks import EpochEnd, Hook, RunEnd, RunStart, StepEnd, TurnedBack, ValidationEnd
from reports.terminal.console import TerminalConsole
from reports.terminal.judgement import Judgement
from reports.terminal.model import LiveModel
from reports.terminal.output import talk
from reports.terminal.pace import Pace
from reports.terminal.screen import Screen
from reports.terminal.state import LiveState
from reports.text.events import epoch_ended, final_verdict, last_rollback, turned_back_to, validated

if TYPE_CHECKING:
    from diagnostics.record.recorder import Recorder

RATE_SECONDS = 10.0


class LiveView(Hook):
    """Shows what ``recorder`` measures and judges. List it after the recorder among the hooks.

    What other code writes to stderr meanwhile is kept and written when the view closes, so
    that no warning is lost and none overwrites the picture. The view takes at most one
    per cent of the time of the run.
    """

    optional = "the live view"

    def __init__(self, recorder: Recorder, console: Console | None = None, pace: Pace | None = None) -> None:
        self._recorder = recorder
        self._console = console or TerminalConsole()
        self._screen = Screen(self._console)
        self._pace = pace
        self._model: LiveModel | None = None
        self._judgement: Judgement | None = None
        self._times: deque[tuple[float, int]] = deque()
        self._held = io.StringIO()
        self._holding: AbstractContextManager[object] | None = None
        self._status = "running"

    @property
    def pace(self) -> Pace | None:
        """The budget of the view, with the time it has taken."""
        return self._pace

    def on_run_start(self, event: RunStart) -> None:
        """Open the screen and show the first frame."""
        info, detector = self._recorder.info, self._recorder.detector
        if info is None:
            raise RuntimeError("the live view must be listed after its recorder")
        self._model = LiveModel(info, str(self._recorder.path or "no log"), event.first_step)
        self._judgement = Judgement(detector, bool(self._recorder.rollbacks)) if detector else None
        self._pace = self._pace or Pace()
        if self._console.is_terminal:
            # A console that writes to stderr has to keep the real stderr.
            self._console.file = self._console.file
            self._holding = redirect_stderr(self._held)
            self._holding.__enter__()
        self._screen.open()
        self._draw()

    def on_step_end(self, event: StepEnd) -> None:
        """Add the row, and draw where time allows."""
        started = perf_counter()
        row, model, pace = self._recorder.latest, self._model, self._pace
        if row is None or model is None or pace is None:
            return
        if model.last_step != self._recorder.step:
            model.take(self._recorder.step, event.epoch, row)
        pace.spent(perf_counter() - started)
        if pace.due(started):
            self._draw()

    def on_epoch_end(self, event: EpochEnd) -> None:
        """Note the epoch's training figures."""
        self._note(event.last_step, epoch_ended(event.epoch, event.accuracy, event.loss))

    def on_validation_end(self, event: ValidationEnd) -> None:
        """Note the validation."""
        self._note(event.step, validated(event.accuracy, event.loss))

    def on_turned_back(self, event: TurnedBack) -> None:
        """Remove the undone steps from the curves, and follow the new detector."""
        detector = self._recorder.detector
        if self._model is None or event.after < event.step:
            return
        self._note_news()
        self._model.turn_back(event.step)
        self._judgement = Judgement(detector, was_turned_back=True) if detector else None
        if self._judgement is not None:
            self._judgement.news()  # these were reported before
        self._times.clear()
        for rollback in self._recorder.rollbacks[-1:]:
            self._model.note(event.after, turned_back_to(rollback))
        self._draw()

    def on_run_end(self, event: RunEnd) -> None:
        """Close the screen and leave the last frame where it can be read."""
        if self._model is None:
            return
        self._status = event.status
        state = self._state()
        self._stop_holding()
        self._screen.close(state)
        self._tell_held()

    def switched_off(self) -> None:
        """Go back to the ordinary screen, and write what was kept."""
        self._stop_holding()
        self._screen.leave()
        self._tell_held()

    def _stop_holding(self) -> None:
        if self._holding is not None:
            self._holding.__exit__(None, None, None)
            self._holding = None

    def _tell_held(self) -> None:
        """Write what other code wrote to stderr while the view was open."""
        held = self._held.getvalue().rstrip("\n")
        if held:
            talk(held)

    def _draw(self) -> None:
        started = perf_counter()
        self._screen.draw(self._state())
        ended = perf_counter()
        if self._pace is not None:
            self._pace.spent(ended - started, frame_at=ended)

    def _state(self) -> LiveState:
        model, judgement, diagnosis = self._model, self._judgement, self._recorder.diagnosis
        assert model is not None
        self._note_news()
        held = self._held.getvalue().strip()
        return model.state(
            status=self._status,
            rate=self._rate(),
            verdict=diagnosis.verdict if diagnosis else judgement.verdict if judgement else None,
            verdict_words=final_verdict(diagnosis) if diagnosis else judgement.words if judgement else "",
            suspects=judgement.suspects if judgement else None,
            note=held.splitlines()[-1] if held else last_rollback(self._recorder.rollbacks),
        )

    def _note(self, step: int, message: str) -> None:
        self._note_news()  # events of earlier steps come first
        if self._model is not None:
            self._model.note(step, message)

    def _note_news(self) -> None:
        if self._judgement is not None and self._model is not None:
            for step, message in self._judgement.news():
                self._model.note(step, message)

    def _rate(self) -> float | None:
        """Steps a second over the last ten seconds."""
        assert self._model is not None
        now = perf_counter()
        self._times.append((now, self._model.last_step + 1))
        while len(self._times) > 2 and now - self._times[0][0] > RATE_SECONDS:
            self._times.popleft()
        seconds, steps = now - self._times[0][0], self._model.last_step + 1 - self._times[0][1]
        return steps / seconds if seconds > 0 and steps > 0 else None
