"""What a branch does differently from the logged run: exactly one thing.

An intervention is plain data, so that a plan can be printed, stored and handed to another
process. It changes the optimiser before the branch begins, or one step, and nothing else:

Nothing       the control
SwitchOn      a remedy, from the branch point on
ScaleUpdate   the update of one step is made smaller, or left out
SwapBatch     the samples of one step are others
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from diagnostics.errors import DiagnosticsError
from diagnostics.record.rollback import ADJUSTABLE, settings_at
from diagnostics.replay.branch import Branch
from lenet.losses import LossCategoricalCrossEntropy
from lenet.metrics import AccuracyCategorical
from lenet.optim.regularizers import Penalty
from lenet.settings import Settings

_PENALTIES = ("l1", "l2")
_SWAPPED = 3  # part of the seed sequence of a draw; 0 to 2 are those of weights and orders


class Intervention:
    """Base: changes nothing."""

    def begin(self, branch: Branch) -> None:
        """Change the branch before its first step."""


@dataclass(frozen=True)
class Nothing(Intervention):
    """No intervention: the control, and the branch that has to reproduce the log."""


@dataclass(frozen=True)
class SwitchOn(Intervention):
    """A remedy from the branch point on.

    changes: the settings that differ, as a remedy of :mod:`diagnostics.detect.remedies` gives them.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)

    def begin(self, branch: Branch) -> None:
        """Set what can be set on the optimiser that is there; else build that of the changed settings.

        A new optimiser takes over the count of updates, and the memory of an optimiser of its own kind;
        memory that there is not begins at zero.
        Raises DiagnosticsError where a change needs settings and the run has none.
        """
        model = branch.model
        for name in _PENALTIES:
            if name in self.changes:
                setattr(model, name, float(self.changes[name]))
                strengths = {la.name: (model.l1 + la.l1, model.l2 + la.l2) for la in model.trainable_layers}
                model.penalty = Penalty(model.parameters, strengths)
        changes = {name: value for name, value in self.changes.items() if name not in _PENALTIES}
        if changes.keys() <= ADJUSTABLE.keys():
            for name, value in changes.items():
                setattr(model.optimizer, ADJUSTABLE[name], value)
            return
        info, settings = branch.moment.run.info, settings_at(branch.moment.run, branch.moment.step)
        if not settings:
            raise DiagnosticsError(
                f"the remedy changes {', '.join(changes)}; that needs a log with the settings of lenet-diag train"
            )
        before = model.optimizer
        after = replace(Settings.from_dict(settings), **changes).build_optimizer(info.samples)
        after.iterations = before.iterations
        known = before.memory if type(after) is type(before) else {}
        if after.iterations:  # before its first update an optimiser has no memory
            after.memory = {slot: known.get(slot, np.zeros_like(model.parameters.values)) for slot in after.slots}
        model.set(loss=LossCategoricalCrossEntropy(), optimizer=after, accuracy=AccuracyCategorical())


@dataclass(frozen=True)
class ScaleUpdate(Intervention):
    """The update of one step is made ``factor`` times as large; 0 leaves it out, while its batch is consumed."""

    step: int
    factor: float = 0.0

    def begin(self, branch: Branch) -> None:
        """Tell the branch which update to change."""
        branch.scale_updates({self.step: self.factor})


@dataclass(frozen=True)
class SwapBatch(Intervention):
    """The samples of one step are others, drawn from the whole training set by the seed ``draw``."""

    step: int
    draw: int

    def begin(self, branch: Branch) -> None:
        """Tell the branch which samples to take."""
        info = branch.moment.run.info
        first = self.step % info.steps_per_epoch * info.batch_size
        size = min(info.batch_size, info.samples - first)
        seeds = np.random.SeedSequence(self.draw, spawn_key=(_SWAPPED, self.step))
        branch.swap_batch(self.step, np.random.default_rng(seeds).permutation(info.samples)[:size])
