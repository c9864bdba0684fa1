"""Makes the state of the live view from rows: the present numbers and the curves of the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Verdict
from diagnostics.schema.run_info import RunInfo
from lenet.settings import shown_setting
from reports.terminal.history import History
from reports.terminal.state import LayerLine, LiveState
from reports.text.phrases import tone_of

SHOWN = ("network", "activation", "convolution", "optimizer", "lr", "lr_decay", "batch_size", "init", "seed")
EVENTS = 40
BUFFER = 256


class LiveModel:
    """Takes rows as they come and makes a :class:`LiveState` when asked.

    Rows are only copied when they arrive; they are folded into the curves when
    a frame is made, or when 256 have gathered. ``first_step`` is above 0 where a
    run is continued.
    """

    def __init__(self, info: RunInfo, title: str, first_step: int = 0) -> None:
        self.info = info
        self._title = title
        self._layers = tuple(dict.fromkeys(layer for layer, _ in info.columns.tensors))
        self._places = self._choose()
        self._history = History(len(self._places), info.total_steps)
        self._steps = np.zeros(BUFFER, np.int64)
        self._rows = np.zeros((BUFFER, len(self._places)))
        self._waiting = 0
        self._now = np.full(len(self._places), np.nan)
        self.last_step = first_step - 1
        self.epoch = 1
        self.events: list[str] = []
        self._guess = info.guessing

    def take(self, step: int, epoch: int, row: NDArray[Any]) -> None:
        """Add a copy of one row, in the order of the run's columns."""
        self._steps[self._waiting] = step
        self._rows[self._waiting] = np.where(self._places < 0, np.nan, row[self._places])
        self._waiting += 1
        self.last_step, self.epoch = step, epoch
        if self._waiting == BUFFER:
            self._fold()

    def turn_back(self, step: int) -> None:
        """Forget the rows from ``step`` on, which are undone; the events stay."""
        self._fold()
        self._history.forget(step)
        self._now[:] = np.nan
        self.last_step = step - 1

    def note(self, step: int, message: str) -> None:
        """An event for the list at the bottom; the last 40 are kept."""
        self.events.append(f"step {step:,}  {message}")
        del self.events[:-EVENTS]

    def state(
        self,
        *,
        status: str = "running",
        rate: float | None = None,
        verdict: Verdict | None = None,
        verdict_words: str = "",
        suspects: Mapping[str, str] | None = None,
        note: str = "",
    ) -> LiveState:
        """The state to show now. ``suspects``: the message of a rule for each suspected layer."""
        self._fold()
        done = self.last_step + 1
        total = self.info.total_steps
        left = (total - done) / rate if rate and total and status == "running" else None
        suspects = suspects or {}
        return LiveState(
            title=self._title,
            settings=self._settings(),
            status=status,
            steps=done,
            total=total,
            epoch=self.epoch,
            epochs=self.info.epochs,
            rate=rate,
            seconds_left=left,
            loss=float(self._now[0]),
            accuracy=float(self._now[1]),
            loss_curve=self._history.curve(0),
            accuracy_curve=self._history.curve(1),
            guess_loss=self._guess[0],
            guess_accuracy=self._guess[1],
            has_accuracy=bool(self._places[1] >= 0),
            layers=tuple(self._line(i, name, suspects.get(name, "")) for i, name in enumerate(self._layers)),
            verdict=verdict_words or (str(verdict) if verdict else ""),
            tone=tone_of(verdict),
            events=tuple(self.events),
            note=note,
        )

    def _choose(self) -> NDArray[np.intp]:
        """Columns of loss and accuracy, then of all layers gradient norms, update ratios, silent shares; -1: none."""
        columns = self.info.columns
        main = dict(reversed(columns.tensors))
        gradient = [f"{la}/{main[la]}/gradient/norm" for la in self._layers]
        ratio = [f"{la}/{main[la]}/update/ratio" for la in self._layers]
        dead = [f"{la}/dead_fraction" for la in self._layers]
        found = [columns.find(name) for name in ("data_loss", "accuracy", *gradient, *ratio, *dead)]
        return np.array([-1 if place is None else place for place in found], np.intp)

    def _fold(self) -> None:
        n = self._waiting
        if n:
            self._history.fold(self._steps[:n], self._rows[:n])
            self._now[:] = self._rows[n - 1]
            self._waiting = 0

    def _line(self, i: int, name: str, suspicion: str) -> LayerLine:
        n = len(self._layers)
        places = (2 + i, 2 + n + i, 2 + 2 * n + i)
        trends = [self._history.curve(place, max(self.last_step, 0)).high for place in places]
        low = self._history.curve(places[0], max(self.last_step, 0)).low
        trends[0] = np.where(low == 0, 0.0, trends[0])  # a gradient of exactly zero matters more than the peak
        gradient, ratio, dead = (float(self._now[place]) for place in places)
        return LayerLine(name, gradient, ratio, dead, trends[0], trends[1], trends[2], suspicion)

    def _settings(self) -> str:
        known: Mapping[str, Any] = {
            **self.info.description,
            "batch_size": self.info.batch_size,
            "seed": None if self.info.seed < 0 else self.info.seed,
            **{name: shown_setting(name, value) for name, value in self.info.settings.items()},
        }
        words = {
            "lr": "lr {}",
            "batch_size": "batch {}",
            "seed": "seed {}",
            "learning_rate": "lr {}",
            "convolution": "{} convolution",
            "init": "init {}",
            "lr_decay": "decay {}",
        }
        shown = [n for n in SHOWN if known.get(n) not in (None, "none")]
        return ", ".join(words.get(n, "{}").format(known[n]) for n in shown)
