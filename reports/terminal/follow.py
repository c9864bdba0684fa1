"""Follow a run that another process is writing, through its log."""

from __future__ import annotations

import time
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console

from diagnostics.detect.detector import Detector
from diagnostics.run.run import Run
from reports.terminal.judgement import Judgement
from reports.terminal.model import LiveModel
from reports.terminal.pace import Pace
from reports.terminal.screen import Screen
from reports.terminal.state import LiveState
from reports.text.events import epoch_ended, final_verdict, last_rollback, turned_back_to, validated

POLL = 0.25
RATE_SECONDS = 10.0


class Follower:
    """Reads the new rows of a log, judges them, and makes the state to show."""

    def __init__(self, run: Run, title: str) -> None:
        self._run = run
        self._model = LiveModel(run.info, title)
        self._rollbacks = 0
        self._begin()
        self._read()

    def _begin(self) -> None:
        """Judge from the first row on."""
        self._detector = Detector(self._run.info, name=self._run.name)
        self._judgement = Judgement(self._detector, self._rollbacks > 0)
        self._epochs = self._validations = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._run.status != "running"

    def update(self) -> bool:
        """Read what is new; returns whether anything is."""
        changed = self._run.refresh()
        if changed:
            self._read()
        return changed

    def state(self) -> LiveState:
        """The state to show now."""
        status = "writer gone" if self._run.status == "crashed" else self._run.status
        note = last_rollback(self._run.rollbacks)
        if self._run.status == "unclear":
            note = "cannot tell whether a writer lives: the file system of the log has no locks"
        if self._run.status == "crashed":
            note = f"writer gone: the writing process died; the log reaches step {self._model.last_step:,}"
        if self.is_over:
            diagnosis = self._run.diagnosis
            verdict, words = diagnosis.verdict, final_verdict(diagnosis)
        else:
            verdict, words = self._judgement.verdict, self._judgement.words
        return self._model.state(
            status=status,
            rate=self._rate(),
            verdict=verdict,
            verdict_words=words,
            suspects=self._judgement.suspects,
            note=note,
        )

    def _read(self) -> None:
        """Read the new rows, and note their events in the order of their steps."""
        self._turn_back()
        news = self._run.between(first=self._model.last_step + 1)
        for step, epoch, row in news.rows():
            self._model.take(step, epoch, row)
            self._detector.observe(step, epoch, row)
        epochs, validations = self._run.epochs, self._run.validations
        events: list[tuple[int, str]] = []
        for number, row_ in epochs.iloc[self._epochs :].iterrows():
            events.append((int(row_["last_step"]), epoch_ended(int(str(number)), row_["accuracy"], row_["loss"])))
        for _, row_ in validations.iloc[self._validations :].iterrows():
            events.append((int(row_["step"]), validated(row_["accuracy"], row_["loss"])))
        self._epochs, self._validations = len(epochs), len(validations)
        events += self._judgement.news()
        # Many rows may come at once, so the events are sorted by their steps.
        for step, message in sorted(events, key=lambda event: event[0]):
            self._model.note(step, message)

    def _turn_back(self) -> None:
        """Begin again with the rows that are left, where the run was turned back."""
        rollbacks = self._run.rollbacks
        if len(rollbacks) == self._rollbacks:
            return
        self._model.events.clear()  # the events of steps that are left are noted again
        for rollback in rollbacks:
            self._model.note(rollback.last_step, turned_back_to(rollback))
        self._rollbacks = len(rollbacks)
        self._model.turn_back(0)
        self._begin()

    def _rate(self) -> float | None:
        """Steps a second, from the times at which the last ten seconds' rows were made."""
        wall, steps = self._run.index["wall"], self._run.index["step"]
        if len(steps) < 2 or not np.isfinite(wall[-1]):
            return None
        first = int(np.searchsorted(wall, wall[-1] - RATE_SECONDS))
        seconds = float(wall[-1] - wall[first])
        return float(steps[-1] - steps[first]) / seconds if seconds > 0 else None


def follow(path: Path, console: Console) -> int:
    """Show the run until it ends or Ctrl-C; returns the exit code. Raises LogError.

    Off a terminal the state is printed once.
    """
    from diagnostics.log.reader import open_run

    follower = Follower(open_run(path, live=True), str(path))
    screen, pace = Screen(console), Pace()
    interrupted = False
    if console.is_terminal and not follower.is_over:
        screen.open()
        try:
            while not follower.is_over:
                started = perf_counter()
                if pace.due(started):
                    follower.update()
                    screen.draw(follower.state())
                    ended = perf_counter()
                    pace.spent(ended - started, frame_at=ended)
                time.sleep(POLL)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            screen.leave()  # an error about the log belongs on the ordinary screen
    screen.close(follower.state())
    return 130 if interrupted else 0
