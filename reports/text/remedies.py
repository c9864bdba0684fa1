"""From a remedy in words to the command line that tries it, and the reason why it may help.

The detector says what to try in a few words; how that is typed, and what number
to begin with, depends on the run's own settings. Numbers are starting points.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reports.text.command_line import flags

Changes = dict[str, Any]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*(?:[ =](?!--)(?:[0-9.][0-9.e+-]*[0-9]|[0-9]|[a-z][a-z0-9-]*))?")
FLAGS = {"shuffle", "nesterov"}
NOT_REPEATED = ("threads",)


@dataclass(frozen=True)
class Remedy:
    """What the words of a remedy mean: the words it is known by, why it may help, what it changes."""

    words: str
    reason: str
    changes: Callable[[Mapping[str, Any]], Changes]


def _rate(factor: float) -> Callable[[Mapping[str, Any]], Changes]:
    return lambda settings: {"lr": float(f"{float(settings.get('lr', 0.5)) * factor:.3g}")}


def _fixed(**changes: Any) -> Callable[[Mapping[str, Any]], Changes]:
    return lambda settings: dict(changes)


KNOWN = (
    Remedy("clipping", "one outsized gradient can no longer throw the weights far away: its length is cut, its "
           "direction kept", _fixed(clip_norm=1.0)),
    Remedy("learning rate ten times larger", "the updates are too small to move the weights within the steps given",
           _rate(10.0)),
    Remedy("smaller learning rate", "every update moves the weights less, so that none of them throws a layer off",
           _rate(0.2)),
    Remedy("learning rate as it was", "the run broke when the learning rate rose",
           _fixed(lr_decay="none", warmup=0)),
    Remedy("warm-up", "the first updates are small while the gradients are still large, and most early deaths happen "
           "within the first fifty steps", _fixed(warmup=100)),
    Remedy("Glorot", "weights sized to the number of inputs keep units out of the flat part of their curve",
           _fixed(init="glorot")),
    Remedy("LeCun initialisation", "weights sized to the number of inputs, and smaller than the report's, keep outputs "
           "and gradients at one scale", _fixed(init="lecun")),
    Remedy("ReLU instead", "a ReLU is not flat for large inputs, so that the gradient passes",
           _fixed(activation="relu")),
    Remedy("Adam", "it scales each update by the size of the gradients, so that small gradients still move the "
           "weights", _fixed(optimizer="adam", lr=0.001, momentum=None, nesterov=False)),
    Remedy("L2", "it pulls parameters that drift away back towards zero", _fixed(l2=1e-4)),
    Remedy("exact convolution", "the report's convolution computes gradients that are not those of its output",
           _fixed(convolution="exact")),
)  # fmt: skip


def meaning(remedy: str) -> Remedy | None:
    """What is known of a remedy given in words; None where it is not one of settings."""
    return next((known for known in KNOWN if known.words.lower() in remedy.lower()), None)


def options_in(remedy: str) -> dict[str, str | bool]:
    """The options a remedy names itself, such as ``{"lr": "0.1"}`` in "a smaller step: --lr 0.1"."""
    found: dict[str, str | bool] = {}
    for match in OPTION.findall(remedy):
        name, _, value = match.replace("=", " ").removeprefix("--").partition(" ")
        if name.removeprefix("no-") in FLAGS:
            found[name.removeprefix("no-").replace("-", "_")] = not name.startswith("no-")
        elif value:
            found[name.replace("-", "_")] = value
    return found


def command_for(settings: Mapping[str, Any], remedy: str) -> str | None:
    """``lenet-diag train`` with the run's settings and the remedy's change.

    None where the run was started from Python, where the remedy is nothing that
    an option changes, or where the run had it already. Only settings that differ
    from the defaults of ``train`` are written, and the seed always, since the
    remedy is to be tried on the same run.
    """
    from lenet.settings import Settings

    known = meaning(remedy)
    changes: Mapping[str, Any] = options_in(remedy) or (known.changes(settings) if known else {})
    defaults = Settings().to_dict()
    before = {**defaults, **settings}
    if not settings or all(str(before.get(name)) == str(value) for name, value in changes.items()):
        return None
    merged = {**before, **changes}
    parts = ["lenet-diag", "train"]
    for name, default in defaults.items():
        value = merged[name]
        if name not in NOT_REPEATED and (value != default or name == "seed"):
            parts += flags(name, value)
    return shlex.join(parts)
