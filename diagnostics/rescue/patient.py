"""What a rescue knows of the run that died: where its chain begins, and what was usual before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import RescueError
from diagnostics.record.rollback import settings_at
from diagnostics.replay.replayed_run import is_of_this_library, whose_log
from diagnostics.run.run import Run
from diagnostics.run.usual import USUAL_STEPS, usual_gradient_norm
from lenet.setting_values import option_name

OWN_TRIAL = 'docs/own-network.md, "What would have saved it", shows how to try changes on a loop of your own'


@dataclass(frozen=True)
class Treatment:
    """A remedy that can be switched on while the run goes on.

    key: its name, as on the command line.
    title: what it does, in words.
    changes: the settings that differ.
    """

    key: str
    title: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Patient:
    """The run that died.

    name: the name of its log.
    run_id: the identity of the run.
    first_link: the step of the first link of its chain.
    blow: the step after which the lasting state held to the end.
    confirmed: the step at which its death was confirmed.
    layers: the layers that the first link names; all layers with weights where it names none.
    learning_rate: the rate of the update at the first link.
    usual_gradient_norm: the median norm of the whole gradient over the 20 steps before the first link; 0 if unknown.
    usual_share_of_update: the median update-to-weight ratio of the layers over these steps, over that of the
        first link's update; 1 where the update was not larger than usual.
    remedies: what the diagnosis suggests, as far as it can be switched on in a run that goes on.
    left_out: titles of the remedies that need a new run.
    turned_back_to: the step to which the run was turned back last; 0 where it never was.
    """

    name: str
    run_id: str
    first_link: int
    blow: int
    confirmed: int
    layers: tuple[str, ...]
    learning_rate: float
    usual_gradient_norm: float
    usual_share_of_update: float
    remedies: tuple[Treatment, ...]
    left_out: tuple[str, ...] = ()
    turned_back_to: int = 0


def examine(run: Run) -> Patient:
    """What a rescue has to know of a run. Raises RescueError, one line, where it did not die or cannot be trained."""
    if not is_of_this_library(run.info):
        how = "" if run.info.is_imported else f"; {OWN_TRIAL}"
        raise RescueError(f"{run.name}: {whose_log(run.info)}; no rescue can train it{how}")
    diagnosis = run.diagnosis
    if not diagnosis.verdict.is_defect or diagnosis.confirmed is None:
        raise RescueError(f"{run.name}: its verdict is {diagnosis.verdict}; a rescue needs a run that died")
    link, blow = diagnosis.first_link, diagnosis.blow
    layers = (link.layer,) if link is not None and link.layer else tuple(one.name for one in run.info.layers)
    first = link.step if link is not None else diagnosis.onset or 0
    before = (max(0, first - USUAL_STEPS), max(0, first - 1))
    settings = settings_at(run, first)
    live, left_out = [], []
    for suggestion in diagnosis.suggestions:
        if settings and suggestion.remedy.is_live(settings):
            changes = suggestion.changed(settings)
            options = ", ".join(
                f"{option_name(name)} {value:g}" for name, value in changes.items() if isinstance(value, int | float)
            )
            title = f"{suggestion.title} ({options})" if options else suggestion.title
            live.append(Treatment(suggestion.remedy.key, title, changes))
        else:
            left_out.append(suggestion.title)
    return Patient(
        name=run.name,
        run_id=run.header.run_id,
        first_link=first,
        blow=max(first, blow.step if blow is not None else first),
        confirmed=diagnosis.confirmed,
        layers=layers,
        learning_rate=_rate(run, first),
        usual_gradient_norm=usual_gradient_norm(run, first),
        usual_share_of_update=_usual_share(run, layers, first, *before),
        remedies=tuple(live),
        left_out=tuple(left_out),
        turned_back_to=run.rollbacks[-1].step if run.rollbacks else 0,
    )


def _rate(run: Run, step: int) -> float:
    rates = run.block(["learning_rate"], step, step)
    return float(rates[0, 0]) if len(rates) else 0.0


def _usual_share(run: Run, layers: tuple[str, ...], step: int, first: int, last: int) -> float:
    def ratios(begin: int, end: int) -> NDArray[np.float64]:
        tensors = [(layer, tensor) for layer, tensor in run.columns.tensors if layer in layers]
        norms = {
            kind: np.sqrt(
                np.square(run.block([f"{la}/{t}/{kind}/norm" for la, t in tensors], begin, end).astype(np.float64)).sum(
                    axis=1
                )
            )
            for kind in ("update", "value")
        }
        with np.errstate(all="ignore"):
            found: NDArray[np.float64] = norms["update"] / norms["value"]
        return found[np.isfinite(found)]

    usual, at = ratios(first, last), ratios(step, step)
    if not len(usual) or not len(at) or at[0] <= 0:
        return 1.0
    return min(1.0, float(np.median(usual) / at[0]))
