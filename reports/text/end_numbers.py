"""Accuracy and loss at the end of a run, from its log or while it is trained."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import fmean

from diagnostics.run.run import Run
from diagnostics.schema.window import window_steps
from lenet.hooks import EpochEnd, Hook, RunStart, StepEnd, TurnedBack, ValidationEnd
from reports.text.numbers import number, percent

Pair = tuple[float, float | None]
"""Accuracy (a share, NaN where none is recorded) and loss (in nats, None where none is recorded)."""


@dataclass(frozen=True)
class EndNumbers:
    """Accuracy and loss at the end of a run.

    training: of its last epoch, or of its last steps where it ended within one.
    over: what they are means of, such as "epoch 3".
    validation: of the validation after that; None where there was none.
    """

    training: Pair
    over: str
    validation: Pair | None = None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Labels and words."""
        found = [("training:", f"{_words(self.training)} (mean of {self.over})")]
        return [*found, ("validation:", _words(self.validation))] if self.validation else found


def _words(numbers: Pair) -> str:
    accuracy, loss = numbers
    words = [] if math.isnan(accuracy) else [f"accuracy {percent(accuracy, 2)}"]
    if loss is not None:
        words.append(f"loss {'NaN' if math.isnan(loss) else number(loss)}")
    return ", ".join(words)


def end_of(run: Run) -> EndNumbers | None:
    """The numbers at the end of a run, from its log; None where it has no step."""
    if not len(run):
        return None
    epochs, validations, last = run.epochs, run.validations, int(run.index["step"][-1])
    if len(epochs) and int(epochs["last_step"].iloc[-1]) >= last:
        training, over = _pair(epochs.iloc[-1]), f"epoch {epochs.index[-1]}"
    else:
        rows = run.steps.reindex(columns=["accuracy", "loss"]).tail(run.info.window)
        training, over = _pair(rows.mean()), _steps(len(rows))
    after = validations[validations["step"] >= last]
    validation = _pair(after.iloc[-1]) if len(after) else None
    if validation is not None and run.info.is_imported and validations["loss"].isna().all():
        validation = (validation[0], None)
    return EndNumbers(training, over, validation)


def _pair(row: object) -> Pair:
    return float(row["accuracy"]), float(row["loss"])  # type: ignore[index]  # a row of a frame


def _steps(count: int) -> str:
    return "its last step" if count == 1 else f"its last {count} steps"


class WatchEnd(Hook):
    """Remembers the numbers of the steps, the epoch and the validation that came last."""

    def __init__(self) -> None:
        self._rows: deque[Pair] = deque()
        self._epoch: EpochEnd | None = None
        self._validation: ValidationEnd | None = None

    def on_run_start(self, event: RunStart) -> None:
        """As many steps are remembered as the detector looks at together."""
        self._rows = deque(maxlen=window_steps(event.batch_size))

    def on_step_end(self, event: StepEnd) -> None:
        """A new step begins: epoch and validation are no longer the last events."""
        self._rows.append((event.accuracy, event.loss))
        self._epoch = self._validation = None

    def on_epoch_end(self, event: EpochEnd) -> None:
        """The epoch that came last."""
        self._epoch = event

    def on_validation_end(self, event: ValidationEnd) -> None:
        """The validation that came last."""
        self._validation = event

    def on_turned_back(self, event: TurnedBack) -> None:
        """The steps until now are undone."""
        self._rows.clear()

    @property
    def numbers(self) -> EndNumbers | None:
        """The numbers until now; None before the first step."""
        ended = self._validation
        validation = None if ended is None else (ended.accuracy, ended.loss)
        if self._epoch is not None:
            return EndNumbers((self._epoch.accuracy, self._epoch.loss), f"epoch {self._epoch.epoch}", validation)
        if not self._rows:
            return None
        accuracy, loss = (fmean(one) for one in zip(*self._rows, strict=True))
        return EndNumbers((accuracy, loss), _steps(len(self._rows)), validation)
