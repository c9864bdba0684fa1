"""Small logged trainings to be replayed; `python -m` makes one in a process of its own, which may be killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from diagnostics.record.recorder import Recorder
from lenet import ConvolutionLayer, Hook, Model, ReportConvolutionLayer
from tests.helpers.small_models import OPTIMIZERS, blobs, small_model
from tests.helpers.small_trainings import Tell

SAMPLES, BATCH, EPOCHS = 77, 16, 3
STEPS_PER_EPOCH = 5
STEPS = EPOCHS * STEPS_PER_EPOCH


def data(case: dict[str, Any] | None = None) -> Any:
    """The training set of :func:`logged`."""
    return blobs(SAMPLES, seed=(case or {}).get("data_seed", 0))


def make(case: dict[str, Any]) -> Model:
    """A small model of this optimiser, convolution, precision, seed and number of threads."""
    kind = ReportConvolutionLayer if case.get("report") else ConvolutionLayer
    return small_model(
        threads=case.get("threads", 1),
        convolution=kind,
        optimizer=OPTIMIZERS[case.get("optimizer", "sgd")](),
        seed=case.get("seed", 7),
        dtype=case.get("dtype", "float32"),
        l2=case.get("l2", 0.001),
    )


class States(Hook):
    """Keeps the exact state before each step."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.states: dict[int, dict[str, Any]] = {}

    def on_step_start(self, event: Any) -> None:
        self.states[event.step] = self._model.state()


def logged(path: Path, case: dict[str, Any] | None = None, hooks: tuple[Hook, ...] = (), **recorder: Any) -> States:
    """Train and log; returns the states the run went through.

    ``case``: besides what :func:`make` takes, ``shuffle``, ``steps``, and ``resume`` for a log that is to be
    continued. ``recorder``: options of the recorder; a checkpoint every 4 steps unless they say otherwise.
    """
    case = case or {}
    model = make(case)
    options = {"checkpoint_every": 4, "histograms_every": 5, **recorder}
    listening = Recorder(path, model=model, **options)
    if case.get("resume"):
        listening.resume(model)
    states = States(model)
    X, y = data(case)
    model.train(
        X,
        y,
        EPOCHS,
        BATCH,
        print_every=0,
        shuffle=case.get("shuffle", True),
        steps=case.get("steps"),
        hooks=[listening, states, *hooks],
    )
    return states


def same_state(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states agree in all that training depends on: everything but the times."""
    if one.keys() != other.keys():
        return False
    abouts = [json.loads(str(state["about"])) for state in (one, other)]
    for about in abouts:
        del about["progress"]["seconds"]
    arrays = all(one[key].tobytes() == other[key].tobytes() for key in one if key != "about")
    return arrays and abouts[0] == abouts[1]


if __name__ == "__main__":
    asked = json.loads(sys.argv[2])
    log = Path(sys.argv[1])
    if "replay" in asked:  # the state before a step, in a process of its own
        from diagnostics.replay import replay

        moment = replay(log, data(asked), threads=asked.get("threads")).at(asked["replay"])
        np.savez(sys.argv[3], **moment.state, sample_indices=moment.sample_indices)
    else:
        logged(log, asked, (Tell(),))
