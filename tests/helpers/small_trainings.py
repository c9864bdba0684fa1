"""Small real trainings, for tests of what listens to them; `python -m` runs one that can be interrupted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet import (
    AccuracyCategorical,
    ActivationReLU,
    ActivationSoftmax,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    LossCategoricalCrossEntropy,
    Model,
    OptimizerSGD,
)
from lenet.hooks import ContinueFrom, Hook, StepEnd, StepStart


def digits(samples: int = 200, seed: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three classes of 8 x 8 pictures that can be told apart: bright stripes at three heights."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, samples)
    X = rng.random((samples, 8, 8, 1)).astype(np.float32) * 0.5
    for i, label in enumerate(y):
        X[i, 2 * label + 1] += 0.5
    return X, y


def small_model(lr: float = 0.1, momentum: float = 0.5) -> Model:
    """One convolution and two dense layers."""
    model = Model(seed=5)
    model.add(ConvolutionLayer(depth=2, kernel_size=(3, 3), padding="same", input_size=(8, 8, 1)))
    model.add(ActivationReLU())
    model.add(Flatten())
    model.add(DenseLayer(n_inputs=128, n_neurons=12))
    model.add(ActivationReLU())
    model.add(DenseLayer(n_inputs=12, n_neurons=3))
    model.add(ActivationSoftmax())
    model.set(
        loss=LossCategoricalCrossEntropy(),
        optimizer=OptimizerSGD(learning_rate=lr, momentum=momentum),
        accuracy=AccuracyCategorical(),
    )
    model.finalize()
    return model


def train(hooks: Sequence[Hook], model: Model | None = None, **changes: Any) -> Model:
    """Train on the stripes: 2 epochs of 13 steps, the last batch a partial one."""
    model = model or small_model()
    X, y = digits()
    given: dict[str, Any] = {"epochs": 2, "batch_size": 16, "print_every": 0, "shuffle": True}
    model.train(X, y, hooks=list(hooks), validation_data=digits(40, 4), **{**given, **changes})
    return model


class GoesBackOnce(Hook):
    """Asks after one step to continue from the state before an earlier one; the weights come out as without it."""

    def __init__(self, model: Model, to: int = 3, after: int = 5, reorder: Any = None) -> None:
        self._model, self._to, self._after, self._reorder = model, to, after, reorder
        self._state: dict[str, NDArray[Any]] | None = None

    def on_step_start(self, event: StepStart) -> None:
        if event.step == self._to and self._state is None:
            self._state = self._model.state()

    def on_step_end(self, event: StepEnd) -> None:
        if event.step == self._after:
            self._after = -1
            assert self._state is not None
            raise ContinueFrom("once more", self._state, self._reorder)


class CtrlC(Hook):
    """What Ctrl-C does at the end of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, event: Any) -> None:
        if event.step == self.step:
            raise KeyboardInterrupt


class Tell(Hook):
    """Says on stdout which step has ended, so that a test knows when to strike."""

    def on_step_end(self, event: Any) -> None:
        sys.stdout.write(f"{event.step}\n")
        sys.stdout.flush()


def main(path: str, epochs: str, resume: str) -> None:
    """Train and log until somebody ends it."""
    from diagnostics.record.recorder import Recorder
    from diagnostics.signals import EndsBetweenSteps

    model = small_model()
    recorder = Recorder(path, model=model, checkpoint_every=7)
    if resume == "resume":
        recorder.resume(model)
    with EndsBetweenSteps() as guard:
        train([recorder, Tell(), guard], model, epochs=int(epochs))
    sys.stdout.write(model.digest() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
