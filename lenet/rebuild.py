"""Makes a model again from the description that ``Model.describe`` returns and a log keeps.

With the seed of the run, the model draws the same weights. Layers that are not in this
library, and schedules that are functions, cannot be made again.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, TypeVar

from lenet import layers
from lenet.errors import SettingsError
from lenet.layers.base import Layer
from lenet.layers.flatten import Flatten
from lenet.layers.initializers import Initializer
from lenet.losses import LossCategoricalCrossEntropy
from lenet.metrics import AccuracyCategorical
from lenet.model import Model
from lenet.optim.optimizers import Optimizer, OptimizerAdam, OptimizerRMSprop, OptimizerSGD
from lenet.optim.schedules import Constant, Cosine, Exponential, InverseTime, Schedule, StepDecay, Warmup

Kind = TypeVar("Kind")

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__: kind for kind in (OptimizerAdam, OptimizerRMSprop, OptimizerSGD)
}
SCHEDULES: dict[str, type[Schedule]] = {
    kind.__name__: kind for kind in (Constant, Cosine, Exponential, InverseTime, StepDecay, Warmup)
}


def layer_kinds() -> dict[str, type[Layer]]:
    """The layers of this library, in the files of ``lenet/layers``, by the names of their classes.

    A class without a ``prefix`` of its own is a base of layers, and is left out.
    """
    names = [found.name for found in pkgutil.iter_modules(layers.__path__, f"{layers.__name__}.")]
    kinds = [kind for name in names for kind in vars(importlib.import_module(name)).values() if isinstance(kind, type)]
    return {kind.__name__: kind for kind in kinds if issubclass(kind, Layer) and kind.prefix != Layer.prefix}


def model_from(description: Mapping[str, Any], *, seed: int, threads: int | None = None) -> Model:
    """The finalized model of a description.

    Args:
        description: the result of :meth:`Model.describe`, also after it was stored as JSON.
        seed: the seed of the model, which decides its first weights.
        threads: how many threads compute; None for all cores.

    Raises:
        SettingsError: the description is not complete, or names a class that is not in this library.
    """
    try:
        model = Model(
            threads=threads,
            seed=seed,
            dtype=description["dtype"],
            initializer=_initializer(description.get("initializer")),
            l1=description["l1"],
            l2=description["l2"],
        )
        for position, about in enumerate(description["layers"]):
            model.add(_layer(about, None if position else description.get("input_shape")))
        optimizer = _optimizer(description, description["optimizer"])
    except KeyError as error:
        raise SettingsError(f"the description of the model has no {error.args[0]!r}") from None
    model.set(loss=LossCategoricalCrossEntropy(), optimizer=optimizer, accuracy=AccuracyCategorical())
    model.finalize()
    return model


def _layer(about: Mapping[str, Any], input_shape: list[int] | None) -> Layer:
    """One layer; ``input_shape`` is that of the network for its first layer, which a Flatten needs to know."""
    kind = _known(layer_kinds(), about["layer"], "layer")
    arguments: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in about.items()
        if name not in ("name", "layer")
    }
    if "initializer" in arguments:
        arguments["initializer"] = _initializer(arguments["initializer"])
    if kind is Flatten and input_shape is not None and len(input_shape) == 3:
        arguments["input_size"] = tuple(input_shape)
    try:
        return kind(**arguments)
    except TypeError as error:
        raise SettingsError(f"{about['layer']}: cannot be made from {dict(about)} ({error})") from None


def _initializer(about: Mapping[str, str] | None) -> Initializer | None:
    return None if about is None else Initializer(about["scheme"], about["distribution"])


def _optimizer(description: Mapping[str, Any], name: str) -> Optimizer:
    kind = _known(OPTIMIZERS, name, "optimizer")
    names = set(kind(0.0).describe()) - {"optimizer", "schedule"}
    options = {name: description[name] for name in names if name in description}
    return kind(**options, schedule=schedule_from(description["schedule"]))


def schedule_from(text: str) -> Schedule:
    """The schedule whose ``str`` is ``text``. Raises SettingsError for any other text."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise SettingsError(f"schedule: received {text}, expected one of {', '.join(SCHEDULES)}") from None
    return _schedule(tree, text)


def _schedule(tree: ast.expr, text: str) -> Schedule:
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args):
        raise SettingsError(f"schedule: received {text}, expected one of {', '.join(SCHEDULES)}")
    arguments: dict[str, Any] = {
        str(one.arg): one.value.value if isinstance(one.value, ast.Constant) else _schedule(one.value, text)
        for one in tree.keywords
    }
    kind = _known(SCHEDULES, tree.func.id, "schedule")
    try:
        return kind(**arguments)
    except TypeError:
        raise SettingsError(f"schedule: received {text}, expected one of {', '.join(SCHEDULES)}") from None


def _known(kinds: Mapping[str, Kind], name: str, what: str) -> Kind:
    if name not in kinds:
        raise SettingsError(f"{what}: received {name}, expected one of {', '.join(sorted(kinds))}")
    return kinds[name]
