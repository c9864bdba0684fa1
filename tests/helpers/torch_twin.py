"""The same training twice: lenet in NumPy, and its twin in PyTorch with the same weights and batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.detect.findings import Diagnosis
from diagnostics.record.recorder import Recorder
from lenet import AccuracyCategorical, LossCategoricalCrossEntropy, Model, OptimizerSGD, load_dataset, network_layers
from lenet.hooks import GradientsReady, Hook
from lenet.layers.initializers import Initializer
from tests.helpers.torch_trainings import load_torch

BATCH, RATE, CLASSES = 128, 0.5, 10
NEAR = 5
"""Steps by which the onsets may differ."""


@dataclass(frozen=True)
class TwinResult:
    """What was said of both trainings of one seed."""

    seed: int
    ours: Diagnosis
    theirs: Diagnosis

    @property
    def differences(self) -> list[str]:
        """What differs, in words: verdict, onset by more than five steps, layer of the blow."""
        found = []
        if self.ours.verdict != self.theirs.verdict:
            found.append(f"{self.ours.verdict} here, {self.theirs.verdict} in PyTorch")
        if (self.ours.onset is None) != (self.theirs.onset is None) or (
            abs((self.ours.onset or 0) - (self.theirs.onset or 0)) > NEAR
        ):
            found.append(f"onset {self.ours.onset} here, {self.theirs.onset} in PyTorch")
        if blow_of(self.ours) != blow_of(self.theirs):
            found.append(f"blow in {blow_of(self.ours)} here, in {blow_of(self.theirs)} in PyTorch")
        return found


def blow_of(diagnosis: Diagnosis) -> str | None:
    """The layer of the blow; None where there was none."""
    return None if diagnosis.blow is None else diagnosis.blow.layer


def train_both(seed: int, steps: int, dtype: Any, in_step: bool = False) -> TwinResult:
    """The paper's settings, ``steps`` steps, each of them recorded and judged.

    ``in_step``: whether the twin is given the weights of lenet before every step, and not before the first one alone.
    """
    data = load_dataset(limit=steps * BATCH)
    X, y = data.X_train[: steps * BATCH].astype(dtype), data.y_train[: steps * BATCH]
    model = Model(seed=seed, threads=1, dtype=dtype, initializer=Initializer("report", "normal"))
    for layer in network_layers("lenet", activation="relu"):
        model.add(layer)
    model.set(loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(RATE), accuracy=AccuracyCategorical())
    model.finalize()
    twin = TwinTraining(model, X, y)
    if not in_step:
        with twin.watched:
            for step in range(steps):
                twin.make_step(step)
    recorder, hooks = Recorder(), [twin] if in_step else []
    with twin.watched if in_step else nullcontext():
        model.train(X, y, epochs=1, batch_size=BATCH, print_every=0, hooks=[recorder, *hooks], shuffle=False)
    assert recorder.diagnosis is not None
    assert twin.watched.diagnosis is not None
    return TwinResult(seed, recorder.diagnosis, twin.watched.diagnosis)


class TwinTraining(Hook):
    """The training of the twin; as a hook of lenet's it makes each step from the weights that lenet has then."""

    def __init__(self, model: Any, X: Any, y: Any) -> None:
        from diagnostics.adapters import TorchRecorder

        torch = load_torch()
        self._model, self._twin = model, torch_twin(torch, model)
        self._optimizer = torch.optim.SGD(self._twin.parameters(), lr=RATE)
        self._criterion = torch.nn.CrossEntropyLoss()
        images = torch.from_numpy(np.ascontiguousarray(X.transpose(0, 3, 1, 2)))
        self._batches = list(zip(images.split(BATCH), torch.from_numpy(y).split(BATCH), strict=True))
        self.watched = TorchRecorder(self._twin, self._optimizer, criterion=self._criterion, labels=y)

    def make_step(self, step: int) -> None:
        images, classes = self._batches[step]
        self._optimizer.zero_grad()
        self._criterion(self._twin(images), classes).backward()
        self._optimizer.step()

    def on_gradients_ready(self, event: GradientsReady) -> None:
        for own, theirs in parameters_of(load_torch(), self._model, self._twin):
            own.data.copy_(theirs)
        self.make_step(event.step)


def torch_twin(torch: Any, model: Any) -> Any:
    """The paper's lenet as people write it in PyTorch, with the weights that the model has."""
    nn, functional = torch.nn, torch.nn.functional

    class LeNetTwin(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
            self.dense1, self.dense2, self.dense3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = functional.avg_pool2d(functional.relu(self.conv1(x)), 2)
            x = functional.avg_pool2d(functional.relu(self.conv2(x)), 2)
            x = x.permute(0, 2, 3, 1).flatten(1)  # in the order of the NumPy layers
            x = functional.relu(self.dense1(x))
            return self.dense3(functional.relu(self.dense2(x)))

    twin = LeNetTwin().to(torch.from_numpy(np.array(model.trainable_layers[0].weights)).dtype)
    for own, theirs in parameters_of(torch, model, twin):
        own.data.copy_(theirs)
    return twin


def parameters_of(torch: Any, model: Any, twin: Any) -> Iterator[tuple[Any, Any]]:
    """The parameters of the twin, each with the tensor that lenet has in its place."""
    for layer in model.trainable_layers:
        weights, own = torch.from_numpy(np.array(layer.weights)), getattr(twin, layer.name)
        yield own.weight, weights.permute(3, 2, 0, 1) if weights.ndim == 4 else weights.T
        yield own.bias, torch.from_numpy(np.array(layer.biases)).reshape(own.bias.shape)
