"""Small data, small networks and a listener that hears everything, for the tests of the trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet import (
    AccuracyCategorical,
    ActivationReLU,
    ActivationSoftmax,
    AveragePooling,
    ConvolutionLayer,
    Dataset,
    DenseLayer,
    Flatten,
    Hook,
    LossCategoricalCrossEntropy,
    Model,
    Optimizer,
    OptimizerAdam,
    OptimizerRMSprop,
    OptimizerSGD,
    ReportConvolutionLayer,
    Warmup,
    load_dataset,
)
from lenet.optim.schedules import Cosine, Exponential

EVENTS = tuple(sorted(Hook._events))
STEP_EVENTS = ["on_step_start", "on_activations_ready", "on_gradients_ready", "on_update_done", "on_step_end"]

# One of each kind of optimiser, with every option used somewhere.
OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: OptimizerSGD(0.1),
    "sgd with decay": lambda: OptimizerSGD(0.1, decay=3e-2),
    "momentum": lambda: OptimizerSGD(0.05, momentum=0.9, clip_value=0.1),
    "nesterov": lambda: OptimizerSGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: OptimizerRMSprop(0.005, schedule=Exponential(0.5, 3)),
    "adam": lambda: OptimizerAdam(0.01),
    "adam with all": lambda: OptimizerAdam(
        0.01, schedule=Warmup(3, Cosine(20)), weight_decay=0.1, clip_norm=0.5, clip_value=0.2
    ),
}


@cache
def mnist(limit: int = 6000) -> Dataset:
    """The first digits of MNIST, loaded once a process. Nobody may write to it."""
    return load_dataset(limit=limit)


def blobs(samples: int, shape: tuple[int, ...] = (8, 8, 1), classes: int = 3, seed: int = 0) -> Any:
    """Images of noise around one pattern a class, and their labels: quickly learned."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, samples)
    patterns = np.random.default_rng(99).standard_normal((classes, *shape))
    return (patterns[labels] + 0.5 * rng.standard_normal((samples, *shape))).astype(np.float32), labels


def one_hot(labels: NDArray[Any], classes: int) -> NDArray[Any]:
    return np.eye(classes)[labels]


def ready(model: Model, *layers: Any, optimizer: Optimizer | None = None) -> Model:
    """The model with these layers, set and finalized."""
    for layer in layers:
        model.add(layer)
    model.set(
        loss=LossCategoricalCrossEntropy(), optimizer=optimizer or OptimizerSGD(0.1), accuracy=AccuracyCategorical()
    )
    model.finalize()
    return model


def small_model(
    stats: Any = None,
    threads: int | None = 1,
    *,
    optimizer: Optimizer | None = None,
    convolution: type[ConvolutionLayer] = ConvolutionLayer,
    **options: Any,
) -> Model:
    """Two convolutions, a pooling and two dense layers on 8x8 images of 3 classes: 4 ms a step at most."""
    return ready(
        Model(stats, threads, **options),
        convolution(2, (3, 3), padding="same", input_size=(8, 8, 1)),
        ActivationReLU(),
        AveragePooling(),
        convolution(3, (2, 3), input_size=(4, 4, 2)),
        ActivationReLU(),
        Flatten(),
        DenseLayer(18, 6),
        ActivationReLU(),
        DenseLayer(6, 3),
        ActivationSoftmax(),
        optimizer=optimizer,
    )


def report_model(**options: Any) -> Model:
    """The small model with the paper's convolutions, which carry gradients from step to step."""
    return small_model(convolution=ReportConvolutionLayer, **options)


class Everything(Hook):
    """Hears every event of every step, looks at every array, and keeps copies."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.arrays: list[tuple[str, NDArray[Any]]] = []

    def hear(self, name: str, event: Any) -> None:
        self.events.append((name, event))
        for part in fields(event):
            value = getattr(event, part.name)
            if isinstance(value, np.ndarray):
                self.arrays.append((f"{name}.{part.name}", value.copy()))
        for parts in getattr(event, "outputs", {}).values():
            assert all(np.isfinite(part).all() for part in parts)

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, name: str) -> list[Any]:
        """The events of one kind, in order."""
        return [event for one, event in self.events if one == name]


def _listener(name: str) -> Callable[[Everything, Any], None]:
    def hear(self: Everything, event: Any) -> None:
        self.hear(name, event)

    return hear


for _name in EVENTS:
    setattr(Everything, _name, _listener(_name))


class Call(Hook):
    """Calls ``action(event)`` at one event of one step (or at its first, where events have no step)."""

    def __init__(self, event: str, action: Callable[[Any], None], step: int | None = None) -> None:
        self.event, self.action, self.step = event, action, step

    def happened(self, name: str, event: Any) -> None:
        if name == self.event and self.step in (None, getattr(event, "step", None)):
            self.action(event)


def _caller(name: str) -> Callable[[Call, Any], None]:
    def happened(self: Call, event: Any) -> None:
        self.happened(name, event)

    return happened


for _name in EVENTS:
    setattr(Call, _name, _caller(_name))


def raising(error: BaseException) -> Callable[[Any], None]:
    """An action that raises."""

    def action(event: Any) -> None:
        raise error

    return action


def watched(model: Model | None = None, samples: int = 50, **options: Any) -> Everything:
    """What is heard of a run in batches of 20."""
    heard = Everything()
    model = model or small_model()
    X, y = blobs(samples)
    model.train(X, y, **{"batch_size": 20, "print_every": 0, "hooks": [heard], **options})
    return heard
