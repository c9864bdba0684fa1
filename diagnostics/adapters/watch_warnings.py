"""What watch warns of at the first step, each in one line with what to do."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from diagnostics.adapters.told_loss import ToldLoss, doubt
from diagnostics.adapters.watched_network import WatchedNetwork
from diagnostics.schema.task import Task
from lenet.gradcheck.foreign.locations import Location

log = logging.getLogger("lenet-diag")
DICTIONARY = 'watch(lambda: {"W1": ..., "b1": ...}, ...)'
"""How a user says which arrays are trained."""
CURE = (
    'pass them with step(gradients=...), or say watch(..., description={"optimizer": "SGD"}) if each update is the '
    "learning rate times the gradient"
)
"""What a user does where gradients are not recorded."""


def warn_of_no_step() -> None:
    """The watch was closed before it recorded anything."""
    log.warning("watch: closed before the first step, so nothing was recorded")


def warn_of_new_tensors() -> None:
    """The first step made tensors that were not there before it."""
    log.warning("watch: the log begins with the second step, since the first one made some of the tensors")


def warn_of_first_step(network: WatchedNetwork) -> None:
    """The first step changed no tensor, or arrays that are not among the tensors, or left gradients of 0."""
    if network.is_unchanged():
        log.warning(
            "watch: the first step changed no tensor; call step after the update, and where the update makes new "
            "arrays, pass a function that returns them: watch(lambda: parameters, ...)"
        )
    elif network.forget_gradients_of_zero() and not network.optimizer_state:
        log.warning(
            "watch: the gradients that the network keeps are all 0 after the first step, which changed the tensors, so "
            "they are derived from the updates; pass those from before the reset with step(gradients=...)"
        )
    if untaken := network.changed_without_being_taken():
        log.warning(
            f"watch: the first step changed {_listed(untaken)}, whose names do not say that they are trained; if they "
            f"are, name all that are: {DICTIONARY}"
        )


def warn_of_loss(task: Task, loss: ToldLoss) -> None:
    """The first loss is not that of the task, or may not be it."""
    if found := doubt(task, loss):
        log.warning(f"watch: the first loss, {loss.value:.3g}, {found}; else the verdict may be wrong")


def warn_of_optimizer_state(state: Sequence[Location]) -> None:
    """The updates are not plain SGD, as far as the names of what the network keeps say it."""
    log.warning(
        f"watch: found no gradients, and they do not follow from updates with {_listed([*map(str, state)], 2)}, so "
        f"they are not recorded; {CURE}"
    )


def warn_of_other_updates() -> None:
    """The updates are not plain SGD, as far as the batches of the first two steps say it."""
    log.warning(
        "watch: found no gradients, and they do not follow from the updates, which no plain gradient descent on these "
        "inputs makes (momentum and Adam do, and networks that change their inputs first), so they are not recorded; "
        f"{CURE}"
    )


def warn_of_derived_gradients() -> None:
    """Nothing says whether the updates are plain SGD."""
    log.warning(
        "watch: found no gradients, so they are derived from the updates as those of plain gradient descent; if there "
        'is momentum, or another optimizer, they are wrong: name it, as in watch(..., description={"optimizer": '
        '"Momentum"}), or pass them with step(gradients=...)'
    )


def warn_of_older_gradients() -> None:
    """The network keeps what is no gradient of its batch alone."""
    log.warning(
        "watch: the gradients of the second step are not those of its batch alone: they hold earlier batches, by "
        "momentum or because nothing sets them to 0, or are clipped one by one; pass those of the batch "
        "with step(gradients=...)"
    )


def warn_of_sums() -> None:
    """The gradients are too large for those of a mean."""
    log.warning(
        "watch: the gradients are larger than those of the mean loss, as sums over the batch are, and are recorded "
        "as they are; where their size matters pass the means with step(gradients=...)"
    )


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (" and others" if len(names) > most else "")
