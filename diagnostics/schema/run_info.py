"""RunInfo: what is known of a run before its first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from diagnostics.schema.columns import Columns
from lenet.hooks import LayerInfo, RunStart, TensorInfo


@dataclass(frozen=True)
class RunInfo:
    """What the header of a log says, and what the detector is told at the start.

    ``description`` is the model in words (layers, optimiser, learning rate);
    ``settings`` those of ``lenet-diag train``, empty where training was run from
    Python; ``environment`` versions, machine, threads, process, data checksum.
    """

    tensors: tuple[TensorInfo, ...]
    layers: tuple[LayerInfo, ...]
    prior: tuple[float, ...]
    batch_size: int
    samples: int
    steps_per_epoch: int
    epochs: int
    total_steps: int
    seed: int
    description: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_start(cls, start: RunStart, settings: Mapping[str, Any], environment: Mapping[str, Any]) -> RunInfo:
        """What the trainer announces, with settings and environment added."""
        return cls(
            tensors=start.tensors,
            layers=start.layers,
            prior=tuple(float(p) for p in start.prior),
            batch_size=start.batch_size,
            samples=start.samples,
            steps_per_epoch=start.steps_per_epoch,
            epochs=start.epochs,
            total_steps=start.total_steps,
            seed=start.seed,
            description=dict(start.description),
            settings=dict(settings),
            environment=dict(environment),
        )

    @cached_property
    def columns(self) -> Columns:
        """The columns of this run's rows."""
        return Columns.declare(self.tensors, self.layers)

    @property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(t.size for t in self.tensors)

    @property
    def first_convolution(self) -> TensorInfo | None:
        """The weights of the first convolution, None for a network without one."""
        return next((t for t in self.tensors if t.tensor == "weights" and len(t.shape) == 4), None)
