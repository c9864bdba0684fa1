"""The options that decide what is trained, declared once for all commands that take them.

Nothing heavy is imported here, so that ``--help`` answers at once; a test holds
names, choices and defaults against :class:`lenet.settings.Settings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class TrainOption:
    """One option: its flags, the setting it fills, its click type, its default, and a line of help."""

    flags: str
    field: str
    type: Any
    default: Any
    help: str

    @property
    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return self.type is bool

    def declare(self, several: bool) -> Callable[[F], F]:
        """The click option; with ``several`` it may be given more than once and has no default."""
        more: dict[str, Any] = {"multiple": True} if several else {"default": self.default}
        if not self.is_flag:
            more["type"] = self.type
        elif "/" not in self.flags:
            more["is_flag"] = True
        shown = ("no", "yes")[self.default] if self.is_flag else self.default
        told = self.help if shown is None else f"{self.help}  [default: {shown}]"
        return click.option(self.flags, self.field, help=told, **more)


# Numbers of steps, up to lenet.settings.LARGEST, which would cost every --help the import of NumPy.
STEPS, STEPS_OR_NEVER = (click.IntRange(min=least, max=2**53) for least in (1, 0))


def _choice(*names: str) -> click.Choice[str]:
    return click.Choice(names)


class Penalty(click.ParamType[float | str]):
    """A number for all layers, or text that names some, which the settings check."""

    name = "number|layer=number,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """A float where it is one."""
        try:
            return float(value)
        except ValueError:
            return str(value)


MODEL_OPTIONS = (
    TrainOption("--network", "network", _choice("feedforward", "conv", "conv2", "conv-pool", "lenet"), "lenet",
                "One of the report's five networks."),
    TrainOption("--activation", "activation", _choice("relu", "sigmoid", "tanh"), "relu",
                "Function after every layer with weights."),
    TrainOption("--convolution", "convolution", _choice("exact", "report"), "exact",
                "A correct convolution, or the report's own arithmetic."),
    TrainOption("--init", "init", _choice("report", "lecun", "glorot", "he"), "report", "Initial weights."),
    TrainOption("--init-shape", "init_shape", _choice("normal", "uniform"), "normal",
                "Distribution of the initial weights (not for --init report)."),
)  # fmt: skip

TRAIN_OPTIONS = (
    *MODEL_OPTIONS,
    TrainOption("--epochs", "epochs", click.IntRange(min=1), 3, "Passes over the training set."),
    TrainOption("--batch-size", "batch_size", click.IntRange(min=1), 128, "Samples in a step."),
    TrainOption("--steps", "steps", click.IntRange(min=1), None, "End after so many steps, even within an epoch."),
    TrainOption("--seed", "seed", click.IntRange(min=0), 0, "Decides initial weights and shuffling."),
    TrainOption("--shuffle/--no-shuffle", "shuffle", bool, False, "Shuffle the samples before each epoch."),
    TrainOption("--optimizer", "optimizer", _choice("sgd", "momentum", "rmsprop", "adam"), "sgd", "Optimiser."),
    TrainOption("--lr", "lr", float, 0.5, "Learning rate."),
    TrainOption("--momentum", "momentum", float, None, "Momentum (0.9 with --optimizer momentum)."),
    TrainOption("--nesterov", "nesterov", bool, False, "Nesterov momentum."),
    TrainOption("--lr-decay", "lr_decay", _choice("none", "inverse-time", "step", "exponential", "cosine"), "none",
                "How the learning rate falls."),
    TrainOption("--decay-rate", "decay_rate", float, None, "Rate of the decay (3e-4 for inverse-time, else 0.5)."),
    TrainOption("--decay-every", "decay_every", click.IntRange(min=1), None,
                "Steps in which the decay acts once (inverse-time: 1; cosine: all; else an epoch)."),
    TrainOption("--warmup", "warmup", click.IntRange(min=0), 0, "Steps in which the learning rate rises."),
    TrainOption("--l1", "l1", Penalty(), 0.0, "L1 penalty of all weights, or of some layers: dense1=0.01,conv1=0.001."),
    TrainOption("--l2", "l2", Penalty(), 0.0, "L2 penalty, in the same way."),
    TrainOption("--weight-decay", "weight_decay", float, 0.0, "Weight decay beside the gradient."),
    TrainOption("--clip-norm", "clip_norm", float, None, "Largest norm of the gradient."),
    TrainOption("--clip-value", "clip_value", float, None, "Largest entry of the gradient."),
    TrainOption("--data", "data", click.Path(readable=False), None,
                "Folder with the four IDX files (MNIST is built in)."),
    TrainOption("--limit", "limit", click.IntRange(min=1), None, "Use the first so many training images."),
    TrainOption("--threads", "threads", click.IntRange(min=1), None, "Threads of one run; the result is the same."),
)  # fmt: skip


def train_options(function: F) -> F:
    """Give a command the options of a training, each with its default, as keywords named like the settings."""
    for option in reversed(TRAIN_OPTIONS):
        function = option.declare(several=False)(function)
    return function


def model_options(function: F) -> F:
    """Give a command the options that choose a model."""
    for option in reversed(MODEL_OPTIONS):
        function = option.declare(several=False)(function)
    return function


def grid_options(function: F) -> F:
    """Give a command the options of a training, each of which may be given more than once, as tuples."""
    for option in reversed(TRAIN_OPTIONS):
        function = option.declare(several=True)(function)
    return function
