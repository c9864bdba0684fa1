"""What the training loop tells, and to whom.

The loop announces eight events of a run and one for each portion of
activations. A :class:`Hook` listens: it overrides the ``on_...`` methods it
cares about and says in :meth:`Hook.wants` which steps it wants to hear of.
The loop knows nothing of what hooks do with it.

Arrays inside events are read-only views of the trainer's own buffers. They
hold what they say only during the call: reduce or copy inside the hook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
RunStatus = Literal["completed", "stopped", "interrupted", "failed"]


class StopTraining(Exception):
    """Raised by a hook to end the run after this step; the message is the reason."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where one parameter tensor lies in the flat buffers.

    ``tensor`` is ``"weights"`` or ``"biases"``; ``shape`` is (kh, kw, C_in, C_out)
    for convolutions, (n_inputs, n_neurons) for dense weights.
    """

    layer: str
    tensor: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One trainable layer: its name, its class, its units and what follows it.

    ``activation`` names the activation function after the layer (None where
    there is none); ``output_shape`` is that of one sample after it, (H, W, C) or
    (F,); ``units`` counts channels or neurons.
    """

    name: str
    kind: str
    activation: str | None
    output_shape: tuple[int, ...]
    units: int


@dataclass(frozen=True, slots=True)
class RunStart:
    """Before the first step. ``first_step`` is above 0 where a run is continued.

    ``inputs`` (N, ...) and ``labels`` (N,) are the training set; None where the training loop is a user's.
    """

    tensors: tuple[TensorInfo, ...]
    layers: tuple[LayerInfo, ...]
    values: FloatArray
    first_step: int
    total_steps: int
    steps_per_epoch: int
    epochs: int
    batch_size: int
    samples: int
    prior: tuple[float, ...]
    description: Mapping[str, Any]
    seed: int
    threads: int
    digest: str
    inputs: NDArray[Any] | None = None
    labels: NDArray[np.integer[Any]] | None = None


@dataclass(frozen=True, slots=True)
class StepStart:
    """Before the forward pass of one step."""

    step: int
    epoch: int
    step_in_epoch: int


@dataclass(frozen=True, slots=True)
class ActivationsReady:
    """The outputs of the trainable layers (after their activation function), and the batch as ``outputs["input"]``.

    A step announces its batch in portions of at most 1,024 samples, nearly
    always one. ``outputs[layer]`` is a tuple of arrays, (n, H, W, C) or (n, F),
    whose concatenation along n is the portion that starts at ``first_sample``.
    """

    step: int
    outputs: Mapping[str, tuple[FloatArray, ...]]
    first_sample: int
    samples: int
    batch_samples: int


@dataclass(frozen=True, slots=True)
class GradientsReady:
    """Loss and gradient of the total loss at ``values``, before clipping and update."""

    step: int
    epoch: int
    values: FloatArray
    gradients: FloatArray
    loss: float
    data_loss: float
    penalty: float
    accuracy: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class UpdateDone:
    """After the update: ``values`` are the parameters the next step will see."""

    step: int
    values: FloatArray


@dataclass(frozen=True, slots=True)
class StepEnd:
    """One whole step; ``seconds`` leaves out the time hooks took."""

    step: int
    epoch: int
    step_in_epoch: int
    loss: float
    data_loss: float
    penalty: float
    accuracy: float
    learning_rate: float
    seconds: float
    samples: int


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """One whole epoch; loss and accuracy are means over its samples as they were trained on.

    ``seconds`` is the sum of its steps', so without the time hooks took, and whole
    also where the run was continued in the middle of the epoch.
    """

    epoch: int
    first_step: int
    last_step: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ValidationEnd:
    """Validation after an epoch, or of the finished model (``epoch`` None)."""

    epoch: int | None
    step: int
    loss: float
    accuracy: float
    samples: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Always arrives, also after Ctrl-C and after an error.

    ``steps`` is the number of steps the run has made since its step 0. ``switched_off`` has a
    sentence for each hook that failed on the way and that the training went on without.
    """

    status: RunStatus
    reason: str
    steps: int
    digest: str
    seconds: float
    error: BaseException | None = field(default=None, compare=False)
    switched_off: tuple[str, ...] = ()


class Hook:
    """Base class of all listeners: every method is empty.

    A subclass that defines a public ``on_...`` method unknown here is refused
    with TypeError when it is defined, so that a misspelt event is found at once.

    An error of a hook ends the training, unless the class says in ``optional`` what a training
    can go on without, such as ``"the live view"``: such a hook is switched off with one line.
    """

    optional: ClassVar[str] = ""

    _events: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        unknown = sorted(n for n in dir(cls) if n.startswith("on_") and n not in Hook._events)
        if unknown:
            known = ", ".join(sorted(Hook._events))
            raise TypeError(f"{cls.__name__} listens to unknown event {unknown[0]}; known events: {known}")

    def wants(self, step: int) -> bool:
        """Whether this hook wants the events of this step (run, epoch and validation events always come)."""
        return True

    def switched_off(self) -> None:
        """Give back what the hook holds: it has failed, is optional, and hears of nothing more."""

    def on_run_start(self, event: RunStart) -> None: ...
    def on_step_start(self, event: StepStart) -> None: ...
    def on_activations_ready(self, event: ActivationsReady) -> None: ...
    def on_gradients_ready(self, event: GradientsReady) -> None: ...
    def on_update_done(self, event: UpdateDone) -> None: ...
    def on_step_end(self, event: StepEnd) -> None: ...
    def on_epoch_end(self, event: EpochEnd) -> None: ...
    def on_validation_end(self, event: ValidationEnd) -> None: ...
    def on_run_end(self, event: RunEnd) -> None: ...


Hook._events = frozenset(name for name in vars(Hook) if name.startswith("on_"))
