"""Turns a run back: chooses the step and the remedy, and makes the run go on from there.

The recorder asks the training loop for a rollback by raising :class:`lenet.hooks.ContinueFrom`.
A run that is resumed or replayed gets its remedies and orders from the same functions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Stretch
from diagnostics.detect.rollback_remedies import ROLLBACK_REMEDIES, ROLLBACKS, rollback_words
from diagnostics.errors import DiagnosticsError
from diagnostics.log.checkpoints import Checkpoint
from diagnostics.log.resume import ResumePoint
from diagnostics.log.run_log import RunLog
from diagnostics.record.events import Judge
from diagnostics.record.options import RecordingOptions
from diagnostics.run.run import Run
from diagnostics.run.usual import usual_gradient_norm
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.run_info import RunInfo
from lenet.errors import LenetError
from lenet.hooks import ContinueFrom
from lenet.model import Model
from lenet.training.order import Order, reshuffled

log = logging.getLogger("lenet-diag")
ADJUSTABLE = {"lr": "learning_rate", "clip_norm": "clip_norm", "clip_value": "clip_value"}
"""The settings that can change while an optimiser is in use, with its attributes."""


@dataclass(frozen=True)
class PreparedRollback:
    """A rollback that was asked for and not yet made.

    rollback: its row for the log.
    checkpoint: the state to which the run goes back.
    run: the run as it was before the rollback.
    """

    rollback: Rollback
    checkpoint: Checkpoint
    run: Run


class RollbackRequests:
    """Asks for the rollbacks of one run, at most three.

    options: the remedy, and whether the samples get a new order.
    model: the model that is trained.
    info: what was known of the run before its first step.
    run_log: its log.
    """

    def __init__(self, options: RecordingOptions, model: Model, info: RunInfo, run_log: RunLog) -> None:
        self._options, self._model, self._info, self._log = options, model, info, run_log
        self._prepared_rollback: PreparedRollback | None = None
        self._has_given_up = False

    def ask(self, step: int, judge: Judge) -> None:
        """Raise ContinueFrom for a run that is in a defect stretch after ``step``, unless it cannot be turned back."""
        stretch = judge.detector.symptoms.open_stretch
        if stretch is None or self._has_given_up:
            return
        try:
            self._prepared_rollback = prepared = self._prepare(step, stretch, judge)
        except (DiagnosticsError, LenetError) as error:
            self._has_given_up = True
            log.warning("the run is not turned back: %s; the training goes on", error)
            return
        reorder = reordering([prepared.rollback], self._info)
        raise ContinueFrom(rollback_words(prepared.rollback), prepared.checkpoint.model, reorder)

    def take(self) -> PreparedRollback | None:
        """Switch on the remedy of the rollback that was asked for; None where none was."""
        prepared, self._prepared_rollback = self._prepared_rollback, None
        if prepared is not None:
            switch_on(self._model, [prepared.rollback])
        return prepared

    def _prepare(self, step: int, stretch: Stretch, judge: Judge) -> PreparedRollback:
        """The rollback of the run. Raises DiagnosticsError or LenetError where it cannot be turned back."""
        number = len(judge.rollbacks) + 1
        if number > ROLLBACKS:
            raise DiagnosticsError(f"it was turned back {ROLLBACKS} times, and dies again")
        began = chain_begins(judge.detector, stretch)
        run = self._log.run_so_far()
        checkpoint = self._log.checkpoint_before(began, run)
        remedy = ROLLBACK_REMEDIES[self._options.rollback_with]
        in_use = getattr(self._model.optimizer, ADJUSTABLE[remedy.setting])
        rollback = Rollback(
            step=checkpoint.step,
            last_step=step,
            kind=str(stretch.kind),
            onset=stretch.onset,
            remedy=remedy.key,
            setting=remedy.setting,
            value=remedy.strength(in_use, usual_gradient_norm(run, began)),
            order_seed=self._info.seed + number if self._options.rollback_reshuffle else None,
            file=checkpoint.name,
        )
        return PreparedRollback(rollback, checkpoint, run)


def chain_begins(detector: Detector, stretch: Stretch) -> int:
    """The first step of the chain of events that led to a defect; its onset where no rule sees a chain."""
    explanation = detector.cause_of(stretch)
    if explanation is None or explanation.first_link is None:
        return stretch.onset
    return min([explanation.first_link.step, *(finding.first_step for finding in explanation.chain)])


def switch_on(model: Model, rollbacks: Sequence[Rollback]) -> None:
    """Change the optimiser of a model as these rollbacks changed it."""
    for rollback in rollbacks:
        setattr(model.optimizer, ADJUSTABLE[rollback.setting], rollback.value)


def phases(rollbacks: Sequence[Rollback]) -> list[tuple[int, tuple[Rollback, ...]]]:
    """From which steps of a run on, in order, which rollbacks are in use; a rollback ends what began after its step."""
    found: list[tuple[int, tuple[Rollback, ...]]] = []
    for number, rollback in enumerate(rollbacks, 1):
        found = [(step, before) for step, before in found if step < rollback.step]
        found.append((rollback.step, tuple(rollbacks[:number])))
    return found


def settings_at(run: Run, step: int) -> dict[str, Any]:
    """The settings of ``lenet-diag train`` as they are at ``step``, remedies of rollbacks included; none without."""
    in_use: tuple[Rollback, ...] = next((used for begin, used in reversed(phases(run.rollbacks)) if begin <= step), ())
    settings = run.info.settings
    return {**settings, **{one.setting: one.value for one in in_use}} if settings else {}


def reordering(rollbacks: Sequence[Rollback], info: RunInfo) -> Callable[[Order], Order] | None:
    """The function that changes the order of the samples as these rollbacks did; None where they changed none."""
    seeded = [(one.order_seed, one.step) for one in rollbacks if one.order_seed is not None]
    if not seeded:
        return None

    def reorder(order: Order) -> Order:
        for seed, step in seeded:
            epoch, step_in_epoch = divmod(step, info.steps_per_epoch)
            order = reshuffled(order, seed, step_in_epoch * info.batch_size, epoch + 1, info.samples)
        return order

    return reorder


def go_on_after_rollbacks(model: Model, info: RunInfo, resume: ResumePoint) -> None:
    """Give the model of a resumed run its remedies. Raises ContinueFrom where the samples have another order."""
    rollbacks = resume.run.rollbacks
    switch_on(model, rollbacks)
    reorder = reordering(rollbacks, info)
    if reorder is not None:
        raise ContinueFrom("the order of the samples is that of a rollback", resume.checkpoint.model, reorder)
