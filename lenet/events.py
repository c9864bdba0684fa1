"""The events that a training loop announces, as frozen values.

A loop announces nine kinds of events, and one more for each portion of activations.
The hooks in :mod:`lenet.hooks` listen to them.

Arrays inside events are read-only views of the trainer's own buffers. Their contents
hold during the call only: reduce or copy them inside the hook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
RunStatus = Literal["completed", "stopped", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """The place of one parameter tensor in the flat buffers.

    Args:
        layer: the name of its layer.
        tensor: ``weights`` or ``biases``.
        shape: (kh, kw, C_in, C_out) for kernels, (n_inputs, n_neurons) for dense weights, (units,) for biases.
        offset: the index of its first entry in the flat buffer.
        size: the number of its entries.
    """

    layer: str
    tensor: str
    shape: tuple[int, ...]
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """One trainable layer.

    Args:
        name: its name in the model: conv1, dense1, ...
        kind: the name of its class.
        activation: the activation function after the layer; None where there is none.
        output_shape: shape of one sample after the layer, (H, W, C) or (F,).
        units: the number of channels or neurons.
    """

    name: str
    kind: str
    activation: str | None
    output_shape: tuple[int, ...]
    units: int


@dataclass(frozen=True, slots=True)
class RunStart:
    """Announced before the first step.

    Args:
        tensors: the tensors in the flat buffers, in order.
        layers: the trainable layers, in the order of the forward pass.
        values: all parameters, flat.
        first_step: the step that comes first, above 0 where a run is continued.
        total_steps: the number of steps at which the run will end, counted from step 0; 0 where nobody knows.
        steps_per_epoch: the number of steps in one epoch; 0 where nobody knows.
        epochs: the number of epochs that were asked for.
        batch_size: samples a step; the last batch of an epoch may be smaller.
        samples: the size of the training set.
        prior: the share of each class in the training labels, (classes,); one NaN where nobody knows.
        description: model and optimiser in plain types.
        seed: the seed of the run; -1 where it is not known.
        threads: how many threads compute; 0 where that is not known.
        digest: SHA-256 of the parameters, 64 hex digits.
        inputs: the training set, (N, ...); None where the training loop is a user's.
        labels: their classes, (N,); None where the training loop is a user's.
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
    """Announced before the forward pass of a step.

    Args:
        step: the step, counted from 0 over the whole run.
        epoch: its epoch, counted from 1.
        step_in_epoch: its number within the epoch, counted from 0.
    """

    step: int
    epoch: int
    step_in_epoch: int


@dataclass(frozen=True, slots=True)
class ActivationsReady:
    """Announced after the forward pass of each portion of the batch.

    A portion has at most 1,024 samples, so nearly every batch is one portion.

    Args:
        step: the step, counted from 0.
        outputs: the outputs of each trainable layer, after its activation function, and the batch itself under
            ``input``. Each entry is a tuple of arrays, (n, H, W, C) or (n, F), which joined along n are the portion.
        first_sample: the position in the batch of the portion's first sample.
        samples: the number of samples in the portion.
        batch_samples: the number of samples in the batch.
    """

    step: int
    outputs: Mapping[str, tuple[FloatArray, ...]]
    first_sample: int
    samples: int
    batch_samples: int


@dataclass(frozen=True, slots=True)
class GradientsReady:
    """Announced after the backward pass, before clipping and update.

    Args:
        step: the step, counted from 0.
        epoch: its epoch, counted from 1.
        values: all parameters, flat, as the step found them.
        gradients: the gradient of ``loss`` at ``values``, flat.
        loss: data loss and penalty together.
        data_loss: mean loss of the batch without penalty, nats.
        penalty: what regularisation adds to the loss.
        accuracy: share of the batch that was guessed right; NaN where it is not known.
        learning_rate: the learning rate of the update that comes next.
    """

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
    """Announced after the update.

    Args:
        step: the step, counted from 0.
        values: all parameters, flat, as the next step will find them.
    """

    step: int
    values: FloatArray


@dataclass(frozen=True, slots=True)
class StepEnd:
    """Announced at the end of a step.

    Args:
        step: the step, counted from 0 over the whole run.
        epoch: its epoch, counted from 1.
        step_in_epoch: its number within the epoch, counted from 0.
        loss: data loss and penalty together.
        data_loss: mean loss of the batch without penalty, nats.
        penalty: what regularisation adds to the loss.
        accuracy: share of the batch that was guessed right; NaN where it is not known.
        learning_rate: the learning rate of the step's update.
        seconds: the time of the step, without that of the hooks.
        samples: the number of samples in the batch.
    """

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
    """Announced at the end of an epoch.

    Args:
        epoch: the epoch, counted from 1.
        first_step: its first step.
        last_step: its last step.
        loss: mean loss over its samples, each as it was trained on.
        accuracy: share of its samples that were guessed right as they were trained on; NaN where it is not known.
        learning_rate: the learning rate of the update that comes next.
        seconds: the sum of its steps' seconds, also where the run was continued within the epoch.
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
    """Announced after a validation, by ``train`` as well as by ``Model.validate``.

    Args:
        epoch: the epoch that it follows; None for a validation within an epoch or of the finished model.
        step: the last step before it; -1 where there was none.
        loss: mean loss over the validation data, nats.
        accuracy: share of the validation data that was guessed right; NaN where it is not known.
        samples: the number of validation samples; 0 where it is not known.
        seconds: the time of the validation.
    """

    epoch: int | None
    step: int
    loss: float
    accuracy: float
    samples: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """Announced when the run goes on from another state, which a hook asked for.

    Args:
        step: the step that comes next.
        after: the last step that was made before.
        reason: the reason that the hook gave.
    """

    step: int
    after: int
    reason: str


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Announced at the end of a run, also where Ctrl-C or an error ended it.

    Args:
        status: completed, stopped by a hook, interrupted, or failed.
        reason: why it was stopped, interrupted or failed; "" where it was completed.
        steps: the steps that the run has made since its step 0.
        digest: SHA-256 of the parameters, 64 hex digits.
        seconds: the time of the run, with that of the hooks.
        error: the exception that interrupted or failed it; None otherwise.
        switched_off: a sentence for each optional hook that failed; the training went on without it.
    """

    status: RunStatus
    reason: str
    steps: int
    digest: str
    seconds: float
    error: BaseException | None = field(default=None, compare=False)
    switched_off: tuple[str, ...] = ()
