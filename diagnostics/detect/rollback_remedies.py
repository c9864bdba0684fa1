"""The remedies with which a run goes on after a rollback, as data: the setting that changes, and its new value.

The default is a quarter of the learning rate. In docs/remedies.md, with 40 seeds an arm, half the
rate, a quarter of it and a gradient clipped to norm 1 each saved all ten seeds that died without
them. In docs/rescue.md each is switched on shortly before a death, which is what a rollback does;
there a quarter of the rate saved more branches than the other two, with the paper's own
convolution too. It suits every optimiser: clipping saved 0 of 6 dead runs of Adam and RMSprop
(:mod:`diagnostics.detect.remedies`).

Remedies that exchange the optimiser, such as momentum and Adam, are not here: they would throw
away its memory and all settings that the user chose for it. Warm-up acts at the beginning of a run.

A run may be turned back more than once, and a training with the same settings from the same
state would die again. So each remedy starts from what is in use: the second time the rate is
divided again, and the limit of the norm is half of the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diagnostics.detect.remedies import REMEDIES, Remedy
from diagnostics.schema.rollback import Rollback

ROLLBACKS = 3
"""How often a run is turned back, at most."""
USUAL_CLIP = 1.0
"""The limit of the norm where no healthy step tells a usual one."""


@dataclass(frozen=True)
class RollbackRemedy:
    """A remedy that is switched on when a run is turned back.

    key: its name on the command line and in the log.
    remedy: the remedy whose strength it computes.
    setting: the setting that it changes: "lr" or "clip_norm".
    title: what it does, in words; ``{value}`` stands for the new value of the setting.
    strength: gives the new value from the value in use (None where nothing is set) and the median norm of the gradient
        over the healthy steps before the defect (NaN where there are none).
    """

    key: str
    remedy: Remedy
    setting: str
    title: str
    strength: Callable[[float | None, float], float]

    def words(self, value: float) -> str:
        """The title with the new value of the setting."""
        return self.title.format(value=f"{value:.3g}")


def _times(factor: float) -> Callable[[float | None, float], float]:
    return lambda in_use, norm: (in_use or 0.0) * factor


def _clip(in_use: float | None, norm: float) -> float:
    """The median norm at first, then half of the limit in use; rounded to the digits that are reported."""
    usual = norm if norm > 0 else USUAL_CLIP
    return float(f"{usual if in_use is None else min(usual, in_use / 2):.3g}")


_ALL = (
    RollbackRemedy("half-rate", REMEDIES["smaller-rate"], "lr", "half the learning rate ({value})", _times(0.5)),
    RollbackRemedy(
        "quarter-rate", REMEDIES["smaller-rate"], "lr", "a quarter of the learning rate ({value})", _times(0.25)
    ),
    RollbackRemedy("clip", REMEDIES["clip"], "clip_norm", "clipping the gradient at norm {value}", _clip),
)
ROLLBACK_REMEDIES: Mapping[str, RollbackRemedy] = {one.key: one for one in _ALL}
DEFAULT_REMEDY = "quarter-rate"


def remedy_words(rollback: Rollback) -> str:
    """The remedy that a run went on with, in words."""
    remedy = ROLLBACK_REMEDIES.get(rollback.remedy)
    words = remedy.words(rollback.value) if remedy else f"{rollback.remedy} ({rollback.value:g})"
    return words if rollback.order_seed is None else f"{words} and a new order of the samples"


def rollback_words(rollback: Rollback) -> str:
    """A rollback as a clause: the steps, the reason, and the remedy."""
    return (
        f"turned back from step {rollback.last_step:,} to before step {rollback.step:,} "
        f"({rollback.kind} from step {rollback.onset:,}); went on with {remedy_words(rollback)}"
    )
