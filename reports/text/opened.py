"""Words for the steps of a run that a page shows side by side."""

from __future__ import annotations

import math

import numpy as np

from diagnostics.replay.opened import OpenedRun, OpenedStep
from diagnostics.replay.proof import ReplayCheck
from reports.text.numbers import counted, number, percent

ROLES = {
    "ordinary": "an ordinary step",
    "first link": "where it began",
    "blow": "the blow",
    "largest": "the largest update of a run in which nothing died",
    "asked": "the step asked for",
}
PARTS = {"by_bias": "their own biases", "by_weights": "their own weights", "by_layers_below": "the layers below"}
STRONGEST = 16


def step_title(opened: OpenedRun, one: OpenedStep) -> str:
    """The title of a step: its number, and why it is opened."""
    role = ROLES[one.role]
    if one.role == "first link" and not any(other.role == "blow" for other in opened.steps):
        role = "where it died"
    return f"step {one.step:,}, {role}"


def proof_sentence(proof: ReplayCheck) -> str:
    """Which steps were replayed, from where, and what proves that they are those of the run."""
    rows = "1 row was replayed and was" if proof.rows == 1 else f"{proof.rows:,} rows were replayed and all were"
    first, last = proof.first_step, proof.last_step
    steps = f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"
    digests = f", and so {'was' if proof.digests == 1 else 'were'} {counted(proof.digests, 'digest')} of all parameters"
    return (
        f"The training was done again from {proof.start}, {steps}: {rows} "
        f"equal to the log {proof.compared}{digests if proof.digests else ''}."
    )


def of_its_size(ratio: float) -> str:
    """An update-to-weight ratio in words; "an amount that was not logged" where it is not known."""
    if not math.isfinite(ratio):
        return "an amount that was not logged"
    return f"{number(ratio, 2)} times its size" if ratio >= 10 else f"{number(100 * ratio)} % of its size"


def what_happened(opened: OpenedRun) -> list[str]:
    """What the main step shows: the units, the update, its length, and why the units moved, a sentence or two each."""
    told = [_update(opened), _units(opened.main), _length(opened.main), _movement(opened.main), _batch(opened.main)]
    return [sentence for sentence in told if sentence]


def _update(opened: OpenedRun) -> str:
    main, ordinary = opened.main, opened.ordinary
    known = {name: ratio for name, ratio in main.update_ratios.items() if math.isfinite(ratio)}
    if main.layer not in known:
        return ""
    told = f"Step {main.step:,} changed {main.layer} by {of_its_size(main.update_ratio)}"
    most = max(known, key=lambda name: known[name])
    if most != main.layer:
        told += f", and {most} most, by {of_its_size(known[most])}"
    if ordinary is not None and ordinary is not main and math.isfinite(ordinary.update_ratio):
        told += (
            f"; step {ordinary.step:,}, an ordinary one, changed {main.layer} by {of_its_size(ordinary.update_ratio)}"
        )
    return f"{told}."


def _units(one: OpenedStep) -> str:
    """Which ReLU layers lost units in the step."""
    mine = one.answering.get(one.layer)
    if mine is None:
        return ""
    told = (
        f"Of the {mine.units} units of {one.layer} {mine.before} were above 0 for some image of the batch before step "
        f"{one.step:,}, and {mine.after} after it."
    )
    lost = [
        f"of {name} {other.before} before it and {other.after} after it"
        for name, other in one.answering.items()
        if name != one.layer and other.after < other.before
    ]
    if lost:
        told += f" Fewer units of other layers are above 0 as well: {'; '.join(lost)}."
    dead = [name for name, other in one.answering.items() if other.after == 0 and other.before > 0]
    if dead:
        told += (
            f" A layer that is 0 for every image ({', '.join(dead)}) passes no gradient. Where that holds for all "
            "images, neither the layer nor those below it learn any more, and every image gets the same answer."
        )
    return told


def _length(one: OpenedStep) -> str:
    """The best length of the step for the loss of its own batch."""
    losses, best = one.line["this_batch"], one.best_multiple
    if not math.isfinite(best):
        return "The loss along the step is not a number."
    before, after, least = float(losses.loc[0.0]), float(losses.loc[1.0]), float(losses.min())
    if number(before) == number(after):
        return (
            f"The step changed the loss of its own batch, {number(before)} nats, by {number(after - before, 2)} only."
        )
    told = f"The step brought the loss of its own batch from {number(before)} to {number(after)} nats"
    if best == 1.0:
        return f"{told}, and no other length of those tried would have been better."
    if best == 0.0:
        return f"{told}; every step in this direction would have made it worse."
    return f"{told}; {number(best)} times its length in the same direction would have brought it to {number(least)}."


def _movement(one: OpenedStep) -> str:
    """The parts that moved the inputs of the units, the largest first."""
    sizes = {name: float(np.nansum(np.abs(one.moved[name]))) for name in PARTS}
    whole = sum(sizes.values())
    if not whole or not math.isfinite(whole):
        return ""
    parts = sorted(sizes, key=lambda name: -sizes[name])
    words = ", ".join(f"{PARTS[name]} for {percent(sizes[name] / whole, 0)}" for name in parts)
    return f"What reaches the units of {one.layer} moved: {words} of all movement."


def _batch(one: OpenedStep) -> str:
    """Whether few samples or all of them made the step."""
    shares = np.sort(one.moment.shares())[::-1]
    if not len(shares) or not np.isfinite(shares[0]):
        return "The gradient of the batch is exactly zero, or not a number, so no sample has a share of it."
    few = min(STRONGEST, len(shares))
    answers, counts = np.unique(one.moment.answers, return_counts=True)
    return (
        f"The {few} samples with the largest shares made {percent(float(shares[:few].sum()), 0)} of the gradient "
        f"({percent(few / len(shares), 0)} of the batch). The network answered {answers[int(np.argmax(counts))]} to "
        f"{counts.max()} of the {len(shares)} images."
    )
