"""The settings that decide a training run, as one frozen, checked object.

``lenet-diag train`` makes it from its options, a study from its grid, and a log keeps it.
The same settings on the same machine give the same run, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from lenet.architectures import ACTIVATIONS, CONVOLUTIONS, NETWORKS, layers_with_weights, network_layers
from lenet.arguments import did_you_mean
from lenet.declaration import PAPER, Declaration
from lenet.errors import SettingsError
from lenet.layers.initializers import SCHEMES, SHAPES, Initializer
from lenet.losses import LossCategoricalCrossEntropy
from lenet.metrics import AccuracyCategorical
from lenet.model import Model
from lenet.optim.optimizers import Optimizer, OptimizerAdam, OptimizerRMSprop, OptimizerSGD
from lenet.optim.regularizers import strengths_by_layer
from lenet.optim.schedules import Constant, Cosine, Exponential, InverseTime, PlainSchedule, Schedule, StepDecay, Warmup
from lenet.setting_values import expect_in_range, option_name, plain_value

OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adam")
DECAYS = ("none", "inverse-time", "step", "exponential", "cosine")

# The numbers of a decay that is chosen without numbers: the paper's for inverse-time, usual ones for others.
DEFAULT_RATE = {"inverse-time": 3e-4, "step": 0.5, "exponential": 0.5}
DEFAULT_MOMENTUM = 0.9

T = TypeVar("T")


def _setting(default: T, meaning: str, **declared: Any) -> T:
    """A field of :class:`Settings` with its declaration."""
    made: T = field(default=default, metadata={"declaration": Declaration(meaning, **declared)})
    return made


@dataclass(frozen=True)
class Settings:
    """The options of ``lenet-diag train`` that decide what is computed. The defaults are the paper's.

    What comes from the paper is called "paper" or "report"; both mean the same, and logs keep "report".

    Raises SettingsError, which names the field, its value and what is allowed.
    """

    network: str = _setting("lenet", "One of the paper's five networks.", choices=NETWORKS, group="network")
    activation: str = _setting(
        "relu", "Function after every layer with weights.", choices=tuple(ACTIVATIONS), group="network"
    )
    convolution: str = _setting(
        "exact",
        "A correct convolution, or the paper's own arithmetic.",
        choices=tuple(CONVOLUTIONS),
        shown_as=PAPER,
        group="network",
    )
    init: str = _setting("report", "Initial weights.", choices=SCHEMES, shown_as=PAPER, group="network")
    init_shape: str = _setting(
        "normal",
        "Distribution of the initial weights (not for --init paper).",
        choices=SHAPES,
        requires=("init", SCHEMES[1:]),
        group="network",
    )
    epochs: int = _setting(3, "Passes over the training set.", at_least=1)
    batch_size: int = _setting(128, "Samples in a step.", at_least=1)
    steps: int | None = _setting(None, "End after so many steps, even within an epoch.", at_least=1)
    seed: int = _setting(0, "Decides initial weights and shuffling.", at_least=0)
    shuffle: bool = _setting(False, "Shuffle the samples before each epoch.")
    optimizer: str = _setting("sgd", "Optimiser.", choices=OPTIMIZERS)
    lr: float = _setting(0.5, "Learning rate.", at_least=0)
    momentum: float | None = _setting(None, "Momentum (0.9 with --optimizer momentum).", at_least=0, below=1)
    nesterov: bool = _setting(False, "Nesterov momentum.")
    lr_decay: str = _setting("none", "How the learning rate falls.", choices=DECAYS, group="remedies")
    decay_rate: float | None = _setting(
        None,
        "Rate of the decay: 3e-4 for inverse-time; 0.5 for step and exponential, where it is at most 1.",
        at_least=0,
        requires=("lr_decay", ("inverse-time", "step", "exponential")),
        group="remedies",
    )
    decay_every: int | None = _setting(
        None,
        "Steps in which the decay acts once (inverse-time: 1; cosine: all; else an epoch).",
        at_least=1,
        requires=("lr_decay", DECAYS[1:]),
        group="remedies",
    )
    warmup: int = _setting(0, "Steps in which the learning rate rises.", at_least=0, group="remedies")
    l1: float | str = _setting(
        0.0, "L1 penalty of all weights, or of some layers: dense1=0.01,conv1=0.001.", at_least=0, group="remedies"
    )
    l2: float | str = _setting(0.0, "L2 penalty, in the same way.", at_least=0, group="remedies")
    weight_decay: float = _setting(0.0, "Weight decay beside the gradient.", at_least=0, group="remedies")
    clip_norm: float | None = _setting(None, "Largest norm of the gradient.", above=0, group="remedies")
    clip_value: float | None = _setting(None, "Largest entry of the gradient.", above=0, group="remedies")
    data: str | None = _setting(
        None, "Folder with the four IDX files (MNIST is built in).", is_folder=True, group="data"
    )
    limit: int | None = _setting(None, "Use the first so many training images.", at_least=1, group="data")
    threads: int | None = _setting(None, "Threads of one run; the result is the same.", at_least=1)

    def __post_init__(self) -> None:
        for name, declared in DECLARED.items():
            value = declared.stored(getattr(self, name))
            if declared.choices and value not in declared.choices:
                expected = f"{', '.join(declared.names)}{did_you_mean(str(value), declared.names)}"
                raise SettingsError(f"{option_name(name)}: received {value!r}, expected one of {expected}")
            object.__setattr__(self, name, value)
        for name in DECLARED:
            object.__setattr__(self, name, plain_value(name, getattr(self, name), kinds()[name]))
        for name, declared in DECLARED.items():
            expect_in_range(name, getattr(self, name), declared)
        for name in ("l1", "l2"):
            strengths_by_layer(option_name(name), getattr(self, name), layers_with_weights(self.network))
        if self.lr_decay in ("step", "exponential") and self.decay_rate is not None and not 0 < self.decay_rate <= 1:
            raise SettingsError(f"--decay-rate: received {self.decay_rate}, expected above 0 and at most 1")
        for name in settings_without_effect(self.__dict__):
            raise SettingsError(
                f"{option_name(name)}: received {getattr(self, name)}, has no effect without {_required(name)}"
            )
        if self.momentum is not None and self.optimizer not in ("sgd", "momentum"):
            raise SettingsError(f"--momentum: goes with --optimizer momentum, not {self.optimizer}")
        if self.nesterov and self.effective_momentum == 0:
            raise SettingsError("--nesterov: needs momentum; add --optimizer momentum")

    @property
    def effective_momentum(self) -> float:
        """The momentum of SGD: as it was set, else 0.9 for ``momentum`` and 0 for ``sgd``."""
        if self.momentum is not None:
            return self.momentum
        return DEFAULT_MOMENTUM if self.optimizer == "momentum" else 0.0

    def build_model(
        self, *, samples: int, image: tuple[int, int, int] = (28, 28, 1), classes: int = 10, stats: Any = None
    ) -> Model:
        """The finalized model of these settings.

        Args:
            samples: the number of training images, which decides the length of an epoch.
            image: (height, width, depth) of one image, default (28, 28, 1).
            classes: the number of outputs, default 10.
            stats: the tracker of the model, or None (default).
        """
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
            loss=LossCategoricalCrossEntropy(), optimizer=self.build_optimizer(samples), accuracy=AccuracyCategorical()
        )
        model.finalize()
        return model

    def build_optimizer(self, samples: int) -> Optimizer:
        """The optimiser with its schedule; the number of training ``samples`` decides the length of an epoch."""
        options: dict[str, Any] = {
            "schedule": self._schedule(samples),
            "weight_decay": self.weight_decay,
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
        }
        adaptive: dict[str, type[Optimizer]] = {"rmsprop": OptimizerRMSprop, "adam": OptimizerAdam}
        if self.optimizer in adaptive:
            return adaptive[self.optimizer](self.lr, **options)
        return OptimizerSGD(self.lr, momentum=self.effective_momentum, nesterov=self.nesterov, **options)

    def steps_per_epoch(self, samples: int) -> int:
        """The steps of an epoch with so many training samples."""
        return -(-samples // min(self.batch_size, samples))

    def total_steps(self, steps_per_epoch: int) -> int:
        """The steps after which a run ends by itself."""
        by_epochs = self.epochs * steps_per_epoch
        return min(by_epochs, self.steps or by_epochs)

    def _own_penalty(self, name: str, layer: str) -> float:
        """The strength of a layer's own penalty, without that of the model."""
        value: float | str = getattr(self, name)
        by_layer = strengths_by_layer(option_name(name), value, layers_with_weights(self.network))
        return by_layer.get(layer, 0.0) if isinstance(value, str) else 0.0

    def _schedule(self, samples: int) -> Schedule:
        epoch = self.steps_per_epoch(samples)
        rate = self.decay_rate if self.decay_rate is not None else DEFAULT_RATE.get(self.lr_decay, 0.0)
        schedules: dict[str, Callable[[], PlainSchedule]] = {
            "none": Constant,
            "inverse-time": lambda: InverseTime(rate, self.decay_every or 1),
            "step": lambda: StepDecay(rate, self.decay_every or epoch),
            "exponential": lambda: Exponential(rate, self.decay_every or epoch),
            "cosine": lambda: Cosine(self.decay_every or max(1, self.total_steps(epoch) - self.warmup)),
        }
        schedule = schedules[self.lr_decay]()
        return Warmup(self.warmup, schedule) if self.warmup else schedule

    def to_dict(self) -> dict[str, Any]:
        """All settings in plain types, as a log keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Settings:
        """The settings of :meth:`to_dict`. Raises SettingsError for a name it does not know."""
        for name in settings:
            if name not in DECLARED:
                known = ", ".join(sorted(DECLARED))
                raise SettingsError(f"settings: received unknown {name!r}, expected some of {known}")
        return cls(**settings)


DECLARED: dict[str, Declaration] = {one.name: one.metadata["declaration"] for one in fields(Settings)}
"""Every setting by its name, in the order of the command line."""

# The declarations document the arguments as well, one a line.
_WORDS = (
    f"        {name}: {one.meaning} Default: {one.shown(getattr(Settings, name))!r}." for name, one in DECLARED.items()
)
Settings.__doc__ = "\n".join([f"{Settings.__doc__}", "    Args:", *_WORDS, "    "])


def settings_without_effect(settings: Mapping[str, Any]) -> list[str]:
    """The names of those ``settings`` that have no effect, since the option on which they depend is off."""
    chosen = {one.name: one.default for one in fields(Settings)} | dict(settings)
    chosen = {name: DECLARED[name].stored(value) for name, value in chosen.items()}
    return [
        one.name
        for one in fields(Settings)
        if (requires := DECLARED[one.name].requires) is not None
        and chosen[one.name] != one.default
        and chosen[requires[0]] not in requires[1]
    ]


def _required(name: str) -> str:
    """The option that a setting depends on, with its values: ``--init lecun, glorot or he``."""
    requires = DECLARED[name].requires
    if requires is None:
        raise AssertionError(f"{name} depends on no other setting")
    *values, last = (DECLARED[requires[0]].shown(value) for value in requires[1])
    return f"{option_name(requires[0])} {', '.join(values)} or {last}"


@cache
def kinds() -> dict[str, tuple[type, ...]]:
    """The types that the value of each setting may have: (float, NoneType) for ``float | None``."""
    return {name: get_args(kind) or (kind,) for name, kind in get_type_hints(Settings).items()}


def shown_setting(name: str, value: Any) -> Any:
    """The value of a setting as people see it: "paper" where logs keep "report"; any other value as it is."""
    return DECLARED[name].shown(value) if name in DECLARED else value
