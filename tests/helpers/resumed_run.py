"""A run that can be continued in a fresh process, which prints what became of it.

python -m tests.helpers.resumed_run '{"optimizer": "adam", ...}' [STATE.npz...]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from lenet import ConvolutionLayer, Hook, Model, ReportConvolutionLayer, load_state
from tests.helpers.small_models import OPTIMIZERS, Everything, blobs, small_model

SAMPLES, BATCH, EPOCHS = 77, 16, 3
STEPS_PER_EPOCH = 5


def make(case: dict[str, Any]) -> Model:
    kind = ReportConvolutionLayer if case.get("report") else ConvolutionLayer
    return small_model(
        threads=case.get("threads", 1),
        convolution=kind,
        optimizer=OPTIMIZERS[case["optimizer"]](),
        seed=case.get("seed", 7),
        dtype=case.get("dtype", "float32"),
        l2=0.001,
    )


def train(model: Model, case: dict[str, Any], hooks: Sequence[Hook] = (), steps: int | None = None) -> dict[str, Any]:
    """Train to the end; returns digest, every epoch's and every validation's numbers, and the seconds left out."""
    X, y = blobs(SAMPLES)
    heard = Everything()
    model.train(
        X,
        y,
        EPOCHS,
        BATCH,
        print_every=0,
        shuffle=case.get("shuffle", True),
        steps=steps,
        hooks=[heard, *hooks],
        validation_data=blobs(30, seed=1) if case.get("validate") else None,
    )
    epochs = [
        [e.epoch, e.first_step, e.last_step, e.loss.hex(), e.accuracy, e.learning_rate.hex()]
        for e in heard.of("on_epoch_end")
    ]
    validations = [[e.epoch, e.step, e.loss.hex(), e.accuracy] for e in heard.of("on_validation_end")]
    return {"digest": model.digest(), "epochs": epochs, "validations": validations, "steps": model.step}


def resumed(case: dict[str, Any], path: str) -> dict[str, Any]:
    """What became of the run that goes on from a saved state."""
    # Another seed, so that nothing of the seed is right by accident; the state brings its own.
    model = make({**case, "seed": 1234})
    model.restore(load_state(path))
    return train(model, case)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps([resumed(asked, path) for path in sys.argv[2:]] or train(make(asked), asked)))  # noqa: T201
