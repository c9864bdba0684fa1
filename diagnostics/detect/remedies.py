"""Remedies as data: what can be tried, why it may help, what it changes, and which runs use it already.

Rules name remedies by their keys. Terminal, report page, studies and a rescue read the same objects. An entry in
:data:`REMEDIES` adds a remedy.

The changes of a remedy are changes of :class:`lenet.settings.Settings`. Those that are :data:`LIVE` can be switched
on in a training that goes on, since they concern the optimiser alone; the others need a new run. A remedy with a
:class:`Dose` can be given in several strengths.

Which remedy suits which optimiser was measured on fifteen defect runs of random settings, each with its own seed
again. With plain gradient descent clipping saved 4 of 4 runs and a smaller rate 4 of 4. With Adam and RMSprop
clipping saved 0 of 6 and a smaller rate 6 of 6: the size of an adaptive step does not depend on the size of the
gradient. A rate ten times larger saved 1 of 4 runs whose steps were a hundred or ten thousand times too small, so
the factor is the one that the measured updates ask for.

Rules name remedies in the order of what they saved in docs/rescue.md. There a smaller rate and clipping saved all
branches with the exact convolution, a smaller rate far more than clipping with the paper's, and warm-up fewest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diagnostics.detect.run_traits import has_flat_functions, has_report_convolution, has_wide_targets, is_adaptive
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import BINARY

Changes = dict[str, Any]
# The settings that can change while a training goes on.
LIVE = frozenset({
    "optimizer", "lr", "momentum", "nesterov", "lr_decay", "decay_rate", "decay_every", "warmup", "l1", "l2",
    "weight_decay", "clip_norm", "clip_value",
})  # fmt: skip


@dataclass(frozen=True)
class Dose:
    """The strengths of a remedy: their unit, the usual one, and others worth trying, the mildest first."""

    unit: str
    usual: float
    others: tuple[float, ...] = ()


@dataclass(frozen=True)
class Remedy:
    """A change that may help a run.

    key: its name in rules, studies and rescues.
    title: the suggestion in a few words; ``{dose}`` stands for the strength.
    reason: why it may help, as a clause without capital and full stop.
    changes: gives the settings that it changes, from the settings of the run and the strength; none (default) where no
        setting does it.
    is_in_use: whether a run has it already; default never.
    suits: whether it can help a run, by its layers and its optimiser; default always.
    dose: its strengths; None (default) where it has no strength.
    command: the option or command that the title names in runs of ``lenet-diag``; "" (default) for none.
    reaches: the last step at which a chain of events may begin for the remedy to help; None (default) for any.
    """

    key: str
    title: str
    reason: str
    changes: Callable[[Mapping[str, Any], float], Changes] = lambda settings, dose: {}
    is_in_use: Callable[[RunInfo], bool] = lambda info: False
    suits: Callable[[RunInfo], bool] = lambda info: True
    dose: Dose | None = None
    command: str = ""
    reaches: int | None = None

    def changed(self, settings: Mapping[str, Any], dose: float | None = None) -> Changes:
        """The settings that this remedy changes, with their new values; ``dose`` None for the usual strength."""
        usual = self.dose.usual if self.dose else 1.0
        return self.changes(settings, usual if dose is None else dose)

    def is_live(self, settings: Mapping[str, Any]) -> bool:
        """Whether it can be switched on while a training goes on: all settings that it changes are :data:`LIVE`."""
        changed = self.changed(settings)
        return bool(changed) and LIVE.issuperset(changed)


@dataclass(frozen=True)
class Suggestion:
    """A remedy for one run, with its strength and its title in words."""

    remedy: Remedy
    title: str
    dose: float | None = None

    def changed(self, settings: Mapping[str, Any]) -> Changes:
        """The settings that it changes, with their new values."""
        return self.remedy.changed(settings, self.dose)


def suggestion(key: str, info: RunInfo | None = None, dose: float | None = None) -> Suggestion:
    """The remedy of ``key`` for the run of ``info``. Raises KeyError for an unknown key."""
    remedy = REMEDIES[key]
    strength = dose if dose is not None else remedy.dose.usual if remedy.dose else 1.0
    title = remedy.title.format(dose=f"{strength:,.15g}")
    if remedy.command and info is not None and info.settings:
        title += f" ({remedy.command})"
    return Suggestion(remedy, title, dose)


def suggestions(
    keys: Iterable[str], info: RunInfo, began: int = 0, doses: Mapping[str, float] | None = None
) -> tuple[Suggestion, ...]:
    """The remedies of ``keys`` that may help, in their order, each once.

    Those that the run uses already, that do not suit it, and that reach no chain which ``began`` so late are left out.
    """
    fitting: Sequence[Remedy] = [
        remedy
        for remedy in (REMEDIES[key] for key in dict.fromkeys(keys))
        if remedy.suits(info) and not remedy.is_in_use(info) and (remedy.reaches is None or began <= remedy.reaches)
    ]
    return tuple(suggestion(remedy.key, info, (doses or {}).get(remedy.key)) for remedy in fitting)


def _starts_with(init: str) -> Callable[[RunInfo], bool]:
    return lambda info: info.settings.get("init") == init


def _rate(settings: Mapping[str, Any], factor: float) -> Changes:
    return {"lr": float(f"{float(settings.get('lr', 0.5)) * factor:.3g}")}


def _adam(settings: Mapping[str, Any], rate: float) -> Changes:
    return {"optimizer": "adam", "lr": rate, "momentum": None, "nesterov": False}


_ALL = (
    Remedy(
        "clip", "clipping the gradient by its norm",
        "one very large gradient can no longer move the weights far: its length is cut, its direction kept",
        lambda settings, norm: {"clip_norm": norm},
        is_in_use=lambda info: info.description.get("clip_norm") is not None,
        suits=lambda info: not is_adaptive(info),
        dose=Dose("largest norm of the whole gradient", 1.0, (4.0, 2.0, 0.5)),
    ),
    Remedy(
        "smaller-rate", "a smaller learning rate",
        "every update moves the weights less, so that no single one changes a layer by a large part of itself",
        _rate, dose=Dose("times the learning rate", 0.2, (0.8, 0.6, 0.5, 0.25, 0.1)),
    ),
    Remedy(
        "larger-rate", "a learning rate {dose} times larger",
        "the updates are too small to move the weights within the steps given",
        _rate, dose=Dose("times the learning rate", 10.0),
    ),
    Remedy(
        "rate-over-batch", "the gradient averaged over the batch, or a learning rate {dose} times smaller",
        "a gradient that is summed over the batch is as many times larger as the batch has samples",
        lambda settings, size: _rate(settings, 1 / size), dose=Dose("samples in a batch", 128.0),
    ),
    Remedy(
        "average-once", "the gradient of the loss as it is reported, or a learning rate {dose} times larger",
        "a gradient that is divided once more than the loss moves the weights by as much less",
        _rate, dose=Dose("times the learning rate", 128.0),
    ),
    Remedy(
        "warm-up", "warm-up",
        "the first updates are small while the gradients are still large, and most early deaths happen within the "
        "first fifty steps",
        lambda settings, steps: {"warmup": round(steps)},
        is_in_use=lambda info: "Warmup" in str(info.description.get("schedule", "")),
        dose=Dose("steps", 100.0), reaches=200,
    ),
    Remedy(
        "lecun-init", "LeCun initialisation",
        "weights sized to the number of inputs keep outputs and gradients at one scale",
        lambda settings, dose: {"init": "lecun"}, is_in_use=_starts_with("lecun"),
    ),
    Remedy(
        "glorot-init", "Glorot initialisation",
        "weights sized to the numbers of inputs and outputs keep gradients at one scale, and sigmoids and tanhs out of "
        "the flat parts of their curves",
        lambda settings, dose: {"init": "glorot"}, is_in_use=_starts_with("glorot"),
    ),
    Remedy(
        "relu", "ReLU instead of sigmoid or tanh",
        "a ReLU has slope 1 for all inputs above 0, so that the gradient passes",
        lambda settings, dose: {"activation": "relu"}, is_in_use=lambda info: not has_flat_functions(info),
    ),
    Remedy(
        "adaptive", "Adam or RMSprop",
        "they divide each update by the size of the gradients, so that small gradients still move the weights",
        _adam, is_in_use=is_adaptive, dose=Dose("learning rate", 0.001),
    ),
    Remedy(
        "weight-decay", "L2 regularisation or weight decay",
        "it pulls parameters that drift away back towards zero",
        lambda settings, strength: {"l2": strength}, dose=Dose("strength", 1e-4, (5e-4,)),
    ),
    Remedy(
        "less-decay", "a smaller weight decay or L2 regularisation",
        "a penalty that pulls more than the gradient of the loss takes the weights to zero",
    ),
    Remedy(
        "exact-convolution", "the exact convolution",
        "the paper's convolution computes gradients that are not those of its output",
        lambda settings, dose: {"convolution": "exact"},
        is_in_use=lambda info: not has_report_convolution(info), command="--convolution exact",
    ),
    Remedy(
        "rate-before-jump", "the learning rate as it was before the jump",
        "the run died when the learning rate rose",
        lambda settings, dose: {"lr_decay": "none", "decay_rate": None, "decay_every": None, "warmup": 0},
    ),
    Remedy("look-at-schedule", "a look at the schedule", "no usual schedule raises the rate several times in one step"),
    Remedy(
        "scaled-inputs", "inputs divided by 255, or standardised to mean 0 and standard deviation 1",
        "inputs many times larger than 1 make outputs and gradients of the first layer as many times larger",
    ),
    Remedy(
        "scaled-targets", "targets standardised to mean 0 and standard deviation 1",
        "the targets spread so far that the first errors, and with them the gradients, are many times larger than 1",
        suits=has_wide_targets,
    ),
    Remedy(
        "look-at-inputs", "a look at how the inputs are read",
        "inputs that are the same everywhere carry nothing that could be learned",
    ),
    Remedy(
        "finite-inputs", "inputs checked for NaN and infinity",
        "one such number spreads to all parameters with the next update",
    ),
    Remedy(
        "look-at-optimizer", "a look at the arithmetic of the optimiser",
        "its gradient was finite, so a division by zero or a root of a negative number made the update",
    ),
    Remedy(
        "look-at-pairs", "a look at how images and labels are paired",
        "labels that do not belong to the images carry nothing that could be learned",
    ),
    Remedy(
        "gradient-check", "a gradient check",
        "finite differences find out whether what the loop follows is the gradient of the loss",
        command="lenet-diag gradcheck",
    ),
    Remedy("update-sign", "a look at the sign of the update", "a step along the gradient climbs instead of descending"),
    Remedy(
        "look-at-initial-weights", "a look at the initial weights and biases",
        "a layer that cannot learn before the first update was made so by the numbers that it began with",
    ),
    Remedy(
        "random-weights", "initial weights drawn at random",
        "units with the same weights get the same gradient and stay the same",
    ),
    Remedy(
        "look-at-assignment", "a look at where the update is written",
        "an update that is assigned to another name, or made on a copy, does not reach the layer",
    ),
    Remedy(
        "zero-gradients", "gradients set to zero before each step",
        "gradients that are added to those of the step before repeat all earlier updates",
    ),
    Remedy(
        "probabilities", "one softmax, and outputs that are probabilities, before the loss",
        "a cross-entropy asks for numbers between 0 and 1 that add up to 1",
        suits=lambda info: info.task.kind != BINARY,
    ),
    Remedy(
        "one-sigmoid", "one sigmoid before the loss, which gives outputs between 0 and 1",
        "the cross-entropy of a yes or no asks for the probability of a yes",
        suits=lambda info: info.task.kind == BINARY,
    ),
    Remedy(
        "momentum-before", "the momentum as it was before",
        "a momentum of m makes steps 1 / (1 - m) times as long",
    ),
    Remedy(
        "look-at-writers", "a look at what writes to the weights",
        "training changes weights by its updates alone, so something else has set them",
    ),
)  # fmt: skip
REMEDIES: Mapping[str, Remedy] = {remedy.key: remedy for remedy in _ALL}
INITIAL_REMEDIES = ("lecun-init", "look-at-initial-weights")
"""For a layer that could not learn before the first update: no rate and no order of batches changes that."""
