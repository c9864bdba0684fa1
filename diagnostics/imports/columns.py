"""What the usual names of metrics mean: ``train/loss``, ``val_acc``, ``lr``, ``grad_{layer}`` and the like.

A name is cut into words. Words such as ``train`` or ``val`` name the data of a metric; ``step`` or ``epoch`` at the end
says whether it is a value of a step or a mean. The other words are looked up, first among the numbers of the whole run,
then among the patterns of numbers of a layer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from diagnostics.errors import LogError

Data = Literal["train", "validation"]
Over = Literal["", "step", "epoch"]

SCALAR_NAMES: dict[str, tuple[str, ...]] = {
    "loss": ("loss", "nll", "ce", "xent", "cost", "cross_entropy", "crossentropy", "nll_loss", "ce_loss", "total_loss",
             "batch_loss", "cross_entropy_loss", "average_loss", "avg_loss", "mean_loss", "main_loss", "lm_loss",
             "running_loss", "final_loss", "loss_total", "loss_total_loss", "log_loss", "logloss", "mini_batch_loss",
             "losses", "mlogloss", "multi_logloss", "binary_logloss", "multi_class"),
    "data_loss": ("data_loss",),
    "penalty": ("penalty",),
    "accuracy": ("acc", "accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy", "acc1",
                 "top1", "top_1", "acc_1", "batch_accuracy", "multiclass_accuracy", "multiclassaccuracy",
                 "accuracy_top1", "accuracy_top_1", "top1_acc", "top_1_acc", "top1_accuracy", "acc@1", "prec@1",
                 "main_accuracy", "main_acc", "mini_batch_accuracy", "accs", "accuracies"),
    "learning_rate": ("lr", "learning_rate", "learningrate", "learn_rate", "lr_sgd", "lr_adam", "lr_adamw",
                      "lr_rmsprop", "lr_pg0", "x_lr0", "base_learning_rate", "lrs", "learning_rates"),
    "seconds": ("seconds", "step_time", "step_seconds"),
    "samples": ("samples",),
}  # fmt: skip
"""The names of each number of a step, in small letters with "_" between the words."""

LAYER = r"(?P<layer>.+)"
LAYER_PATTERNS: tuple[tuple[str, str], ...] = (
    (rf"grad_[\d.]+_norm/{LAYER}", "gradient"),
    (rf"(?:grad|gradient)_?norms?[/_.:]{LAYER}", "gradient"),
    (rf"(?:grad|grads|gradient|gradients)[/_.:]{LAYER}", "gradient"),
    (rf"{LAYER}[/_.:](?:grad|gradient)(?:_?norm)?", "gradient"),
    (rf"(?:wnorm|weight_?norm|weights?)[/_.:]{LAYER}", "value"),
    (rf"{LAYER}[/_.:](?:wnorm|weight_?norm)", "value"),
    (rf"(?:dead|dead_?fraction|dead_?units)[/_.:]{LAYER}", "dead"),
    (rf"{LAYER}[/_.:](?:dead|dead_?fraction|dead_?units)", "dead"),
    (rf"(?:update_?ratio[/_.:]|ratio[/.:]){LAYER}", "ratio"),
    (rf"{LAYER}(?:[/_.:]update_?ratio|[/.:]ratio)", "ratio"),
)
"""The patterns of the numbers of a layer: its gradient's norm, its weights' norm, its silent units, its update."""
NO_LAYERS = frozenset({
    "norm", "total", "global", "all", "train", "training", "optim", "optimizer", "policy", "step", "steps", "epoch",
    "mean", "avg", "average", "max", "min", "before", "after", "pre", "post", "scale", "scaler", "clip", "clipped",
    "clipping", "accum", "accumulation", "penalty", "decay", "time",
})  # fmt: skip
"""Words of which no name of a layer consists: ``train/grad_norm`` is of the whole run, ``weight_decay`` a setting."""

STEP_NAMES = ("step", "global_step", "iteration", "iter", "_step", "trainer/global_step", "train/global_step", "batch",
              "steps", "iterations", "num_updates", "#")  # fmt: skip
EPOCH_NAMES = ("epoch", "epochs", "train/epoch", "training_iteration")
"""Ray Tune calls an epoch, or whatever a training reports once, ``training_iteration``."""
UNIT = re.compile(r"(?<=\S)[\s_]*(?:\([^()]*\)|\[[^\[\]]*\]|%)$")
"""The unit at the end of a name, as in ``accuracy [%]`` or ``time (s)``."""
EDGE = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a word begins in a name such as ``trainLoss``."""
VALIDATION_WORDS = frozenset({"val", "valid", "validation", "eval", "evaluation", "test", "testing", "dev", "validate"})
TRAIN_WORDS = frozenset({"train", "training", "tr"})
KNOWN_NAMES = 4096
"""So many names are remembered with what they mean: those of a file stand in each of its rows."""
RAY = "ray/tune/"
"""What Ray Tune puts before the names of metrics in event files."""
ULTRALYTICS = "metrics"
"""Ultralytics calls what it measures in its validation ``metrics/accuracy_top1``."""


@dataclass(frozen=True, slots=True)
class MetricMeaning:
    """What one metric is.

    ``quantity``: a number of a step, such as "loss"; of a layer "gradient", "value", "dead" or "ratio".
    ``layer``: the layer, "" for the whole run.
    ``data``: whether it is about training or validation.
    ``over``: "step" or "epoch" where the name says so, else "".
    """

    quantity: str
    layer: str = ""
    data: Data = "train"
    over: Over = ""


@lru_cache(KNOWN_NAMES)
def meaning_of(name: str) -> MetricMeaning | None:
    """The meaning of a metric of this name; None for a name that is not known."""
    plain = UNIT.sub("", name.strip()).removeprefix(RAY)
    for pattern, quantity in LAYER_PATTERNS:
        found = re.fullmatch(pattern, plain, re.IGNORECASE)
        if found and _is_layer(found["layer"]):
            return MetricMeaning(quantity, found["layer"])
    words = [word for word in re.split(r"[\s/_.:\-]+", EDGE.sub(" ", plain).lower()) if word]
    data: Data = "train"
    over: Over = ""
    if len(words) > 1 and words[-1] in ("step", "epoch"):
        over = "step" if words.pop() == "step" else "epoch"
    for place in (0, -1):
        if len(words) > 1 and words[place] in VALIDATION_WORDS | TRAIN_WORDS:
            data = "validation" if words.pop(place) in VALIDATION_WORDS else "train"
            break
    if (scalar := _quantity(words)) is not None:
        return MetricMeaning(scalar, "", data, over)
    first, rest = (words[0], words[1:]) if words else ("", [])
    if first == ULTRALYTICS and _quantity(rest) == "accuracy":
        return MetricMeaning("accuracy", "", "validation", over)
    if first == "epoch" and (meaning := meaning_of(" ".join(rest))) is not None:
        return replace(meaning, over="epoch", data=data if data == "validation" else meaning.data)
    return None


def _quantity(words: Sequence[str]) -> str | None:
    name = "_".join(words)
    return next((quantity for quantity, names in SCALAR_NAMES.items() if name in names), None)


def _is_layer(name: str) -> bool:
    """Whether a layer may have this name: not where all its words are numbers and words of the whole run."""
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word and not word.isdigit()]
    return not words or not NO_LAYERS.issuperset(words)


def meanings(names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, MetricMeaning]:
    """The meaning of each metric that has one.

    names: the names in a file.
    chosen: names of metrics by what they are, such as ``{"loss": "my_cost"}``; all others go by their names.

    Raises LogError where a chosen metric is not in the file, or stands for nothing that is known.
    """
    found = {name: meaning for name in names if (meaning := meaning_of(name)) is not None}
    for quantity, name in chosen.items():
        meaning = meaning_of(quantity)
        if meaning is None:
            known = ", ".join(
                [*SCALAR_NAMES, "step", "epoch", "val_loss", "val_accuracy", "grad_LAYER", "wnorm_LAYER", "dead_LAYER"]
            )
            raise LogError(f"--columns {quantity}={name}: {quantity} is not known; known are {known}")
        if name not in names:
            raise LogError(f"--columns {quantity}={name}: found no {name}; found {', '.join(sorted(names)[:12])}")
        same = (meaning.quantity, meaning.layer, meaning.data)
        found = {key: one for key, one in found.items() if (one.quantity, one.layer, one.data) != same}
        found[name] = meaning
    return found


def is_loss(name: str) -> bool:
    """Whether a metric of this name is a loss, of the training or of a validation."""
    meaning = meaning_of(name)
    return meaning is not None and meaning.quantity in ("loss", "data_loss")


@lru_cache(KNOWN_NAMES)
def is_step(name: str) -> bool:
    """Whether a column of this name holds the step."""
    return UNIT.sub("", name.strip().lower()).replace(" ", "_") in STEP_NAMES


@lru_cache(KNOWN_NAMES)
def is_epoch(name: str) -> bool:
    """Whether a column of this name holds the epoch."""
    return UNIT.sub("", name.strip().lower()) in EPOCH_NAMES
