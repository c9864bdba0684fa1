"""All that decides a training run, as one frozen, checked object.

``lenet-diag train`` fills it from its options, a study from its grid, and a log
keeps it. The same settings on the same machine give the same run, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import PurePath
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np

from lenet.errors import SettingsError
from lenet.layers.initializers import SCHEMES, SHAPES, Initializer
from lenet.losses import LossCategoricalCrossEntropy
from lenet.metrics import AccuracyCategorical
from lenet.model import Model
from lenet.networks import ACTIVATIONS, CONVOLUTIONS, NETWORKS, layers_with_weights, network_layers
from lenet.optim.optimizers import Optimizer, OptimizerAdam, OptimizerRMSprop, OptimizerSGD
from lenet.optim.regularizers import strengths_by_layer
from lenet.optim.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay, Warmup

OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adam")
DECAYS = ("none", "inverse-time", "step", "exponential", "cosine")

# Where a decay is asked for without numbers: the report's for inverse-time, custom for the others.
DEFAULT_RATE = {"inverse-time": 3e-4, "step": 0.5, "exponential": 0.5}
DEFAULT_MOMENTUM = 0.9

# What a decay setting goes with: cosine falls to 0 and has no rate.
WITH = {"decay_rate": ("inverse-time", "step", "exponential"), "decay_every": DECAYS[1:]}

_CHOICES: dict[str, tuple[str, ...]] = {
    "network": NETWORKS,
    "activation": tuple(ACTIVATIONS),
    "convolution": tuple(CONVOLUTIONS),
    "init": SCHEMES,
    "init_shape": SHAPES,
    "optimizer": OPTIMIZERS,
    "lr_decay": DECAYS,
}
_AT_LEAST = {
    "epochs": 1, "batch_size": 1, "steps": 1, "seed": 0, "decay_every": 1, "warmup": 0, "limit": 1, "threads": 1,
    "lr": 0, "l1": 0, "l2": 0, "weight_decay": 0, "momentum": 0, "decay_rate": 0,
}  # fmt: skip
LARGEST = 2**53  # of a whole number: what logs and floats hold exactly
_IN_WORDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}


@dataclass(frozen=True)
class Settings:
    """The options of ``lenet-diag train`` that decide what is computed; defaults are the report's.

    ``data`` is a folder with the four IDX files, None for the embedded MNIST.
    ``decay_rate`` and ``decay_every`` None take the default of the decay: for
    inverse-time 3e-4 a step, else halving once an epoch; cosine falls to 0 over
    the run. ``l1`` and ``l2`` are a number for all layers, or text that names some:
    ``"dense1=0.01,conv1=0.001"``. Raises SettingsError naming the field, its value
    and what is allowed.
    """

    network: str = "lenet"
    activation: str = "relu"
    convolution: str = "exact"
    init: str = "report"
    init_shape: str = "normal"
    epochs: int = 3
    batch_size: int = 128
    steps: int | None = None
    seed: int = 0
    shuffle: bool = False
    optimizer: str = "sgd"
    lr: float = 0.5
    momentum: float | None = None
    nesterov: bool = False
    lr_decay: str = "none"
    decay_rate: float | None = None
    decay_every: int | None = None
    warmup: int = 0
    l1: float | str = 0.0
    l2: float | str = 0.0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    clip_value: float | None = None
    data: str | None = None
    limit: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise SettingsError(f"{_option(name)}: received {value!r}, expected one of {', '.join(known)}")
        for field in fields(self):
            object.__setattr__(self, field.name, _plain(field.name, getattr(self, field.name)))
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if isinstance(value, int | float) and value < least:
                raise SettingsError(f"{_option(name)}: received {value}, expected at least {least}")
            if isinstance(value, int) and value > LARGEST:
                raise SettingsError(f"{_option(name)}: received {value}, expected at most {LARGEST}")
        for name in ("l1", "l2"):
            strengths_by_layer(_option(name), getattr(self, name), layers_with_weights(self.network))
        for name in ("clip_norm", "clip_value"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SettingsError(f"{_option(name)}: received {value}, expected more than 0")
        if self.lr_decay in ("step", "exponential") and self.decay_rate is not None and not 0 < self.decay_rate <= 1:
            raise SettingsError(f"--decay-rate: received {self.decay_rate}, expected above 0 and at most 1")
        for name in idle(self.__dict__):
            needs = "--init lecun, glorot or he" if name == "init_shape" else f"--lr-decay {' or '.join(WITH[name])}"
            raise SettingsError(f"{_option(name)}: received {getattr(self, name)}, has no effect without {needs}")
        if self.momentum is not None and not 0 <= self.momentum < 1:
            raise SettingsError(f"--momentum: received {self.momentum}, expected at least 0 and below 1")
        if self.momentum is not None and self.optimizer not in ("sgd", "momentum"):
            raise SettingsError(f"--momentum: goes with --optimizer momentum, not {self.optimizer}")
        if self.nesterov and self.effective_momentum == 0:
            raise SettingsError("--nesterov: needs momentum; add --optimizer momentum")

    @property
    def effective_momentum(self) -> float:
        """The momentum SGD runs with: 0 for ``sgd``, 0.9 for ``momentum``, unless it is given."""
        if self.momentum is not None:
            return self.momentum
        return DEFAULT_MOMENTUM if self.optimizer == "momentum" else 0.0

    def build_model(
        self,
        *,
        samples: int,
        image: tuple[int, int, int] = (28, 28, 1),
        classes: int = 10,
        stats: Any = None,
    ) -> Model:
        """The finalized model for ``samples`` training images (height, width, depth) of ``classes`` classes."""
        model = Model(
            stats,
            self.threads,
            seed=self.seed,
            initializer=Initializer(self.init, self.init_shape),
            l1=0.0 if isinstance(self.l1, str) else self.l1,
            l2=0.0 if isinstance(self.l2, str) else self.l2,
        )
        for layer in network_layers(
            self.network, activation=self.activation, convolution=self.convolution, image=image, classes=classes
        ):
            model.add(layer)
        for layer in model.trainable_layers:
            layer.l1, layer.l2 = self._own_penalty("l1", layer.name), self._own_penalty("l2", layer.name)
        model.set(
            loss=LossCategoricalCrossEntropy(),
            optimizer=self.build_optimizer(samples),
            accuracy=AccuracyCategorical(),
        )
        model.finalize()
        return model

    def build_optimizer(self, samples: int) -> Optimizer:
        """The optimiser with its schedule; ``samples`` decide how long an epoch and the run are."""
        options: dict[str, Any] = {
            "schedule": self._schedule(samples),
            "weight_decay": self.weight_decay,
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
        }
        if self.optimizer == "rmsprop":
            return OptimizerRMSprop(self.lr, **options)
        if self.optimizer == "adam":
            return OptimizerAdam(self.lr, **options)
        return OptimizerSGD(self.lr, momentum=self.effective_momentum, nesterov=self.nesterov, **options)

    def _own_penalty(self, name: str, layer: str) -> float:
        """What a layer is penalised with beside the model's penalty of all layers."""
        value: float | str = getattr(self, name)
        if not isinstance(value, str):
            return 0.0
        return strengths_by_layer(_option(name), value, layers_with_weights(self.network)).get(layer, 0.0)

    def _schedule(self, samples: int) -> Constant | InverseTime | StepDecay | Exponential | Cosine | Warmup:
        epoch = -(-samples // min(self.batch_size, samples))
        total = min(self.epochs * epoch, self.steps or self.epochs * epoch)
        rate = self.decay_rate if self.decay_rate is not None else DEFAULT_RATE.get(self.lr_decay, 0.0)
        schedule: Constant | InverseTime | StepDecay | Exponential | Cosine = Constant()
        if self.lr_decay == "inverse-time":
            schedule = InverseTime(rate, self.decay_every or 1)
        elif self.lr_decay == "step":
            schedule = StepDecay(rate, self.decay_every or epoch)
        elif self.lr_decay == "exponential":
            schedule = Exponential(rate, self.decay_every or epoch)
        elif self.lr_decay == "cosine":
            schedule = Cosine(self.decay_every or max(1, total - self.warmup))
        return Warmup(self.warmup, schedule) if self.warmup else schedule

    def to_dict(self) -> dict[str, Any]:
        """All settings in plain types, as a log keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Settings:
        """The settings of :meth:`to_dict`. Raises SettingsError for a name it does not know."""
        known = {field.name for field in fields(cls)}
        for name in settings:
            if name not in known:
                raise SettingsError(f"settings: received unknown {name!r}, expected some of {', '.join(sorted(known))}")
        return cls(**settings)


def idle(settings: Mapping[str, Any]) -> list[str]:
    """The names among ``settings`` that were set and decide nothing, since another setting would have to be another."""
    decay = settings.get("lr_decay", "none")
    names = [name for name, decays in WITH.items() if settings.get(name) is not None and decay not in decays]
    if settings.get("init", "report") == "report" and settings.get("init_shape", "normal") != "normal":
        names.append("init_shape")
    return names


@cache
def _kinds() -> dict[str, tuple[type, ...]]:
    """What each setting may be: (float, NoneType) for ``float | None``."""
    return {name: get_args(kind) or (kind,) for name, kind in get_type_hints(Settings).items()}


def _plain(name: str, value: Any) -> Any:
    """The value in Python's own types, NumPy's numbers too. Raises SettingsError for one of another kind."""
    kinds = _kinds()[name]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PurePath) and str in kinds:
        value = str(value)
    if type(value) is int and float in kinds:
        value = float(value)
    if type(value) not in kinds:
        words = " or ".join(_IN_WORDS[kind] for kind in kinds if kind is not NoneType)
        raise SettingsError(f"{_option(name)}: received {value!r}, expected {words}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{_option(name)}: received {value}, expected a finite number")
    return value


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
