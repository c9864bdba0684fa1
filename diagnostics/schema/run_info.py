"""RunInfo: what is known of a run before its first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Annotated, Any, Self

from diagnostics.schema.attributes import Attribute
from diagnostics.schema.columns import Columns
from diagnostics.schema.task import DEFAULT_TASK, Task
from diagnostics.schema.window import window_steps
from diagnostics.views import ShownInNotebooks
from lenet.hooks import LayerInfo, RunStart, TensorInfo

_WINDOW_MEANING = "W: the number of steps over which a run has learned or guesses, and over which a unit is dead"
_THRESHOLDS_MEANING = (
    "the thresholds by which the run was judged while it was recorded, by rule.name; {} where it was not judged"
)
_TASK_MEANING = (
    "what the network is trained for: kind, loss and scale, and the loss and accuracy of guessing where they were "
    "counted from targets; {} for classes with cross-entropy"
)
_ROWS_MEANING = (
    '"steps": a row has the numbers of its step; "means": of an imported log, the means over the steps since the row '
    "before it"
)


@dataclass(frozen=True)
class RunInfo(ShownInNotebooks):
    """What is known of a run before its first step. Meter and detector use it; the log keeps it.

    ``tensors``: the parameter tensors, in the order of the network.
    ``layers``: the trainable layers whose outputs are measured, in the order of the network; mostly all layers.
    ``prior``: (classes,), the share of each class in the training labels.
    ``batch_size``, ``samples``: size of a batch, and of the training set.
    ``steps_per_epoch``, ``epochs``, ``total_steps``: the length of the run, as it was asked for; 0 where not known.
    ``seed``: the seed of all that is random; -1 where it is not known.
    ``description``: the model in words: layers, optimiser, learning rate.
    ``settings``: those of ``lenet-diag train``; {} where training was run from Python.
    ``environment``: versions, machine, threads, process, checksum of the data.
    ``window``: W, in steps; 0 stands for the default at this batch size.
    ``thresholds``: the thresholds by which the run was judged while it was recorded; {} where it was not judged, and
    where the log is older than version 1.2.
    ``task``: what the network is trained for; default classes with cross-entropy.
    ``rows``: "steps", or "means" where a row of an imported log is the mean over the steps since the row before.
    ``recorded_columns``: the columns that the log names, which another version of the program may have written; None
    for the columns that this version declares.
    """

    tensors: tuple[TensorInfo, ...]
    layers: tuple[LayerInfo, ...]
    prior: Annotated[
        tuple[float, ...],
        Attribute("float64[classes]", "share", "share of each class in the training labels; NaN where not known"),
    ]
    batch_size: Annotated[int, Attribute("int64", "samples", "size of a batch", least=1)]
    samples: Annotated[int, Attribute("int64", "samples", "size of the training set", least=1)]
    steps_per_epoch: Annotated[int, Attribute("int64", "steps", "steps of one epoch; 0 where it is not known")]
    epochs: Annotated[int, Attribute("int64", "epochs", "epochs asked for", least=1)]
    total_steps: Annotated[int, Attribute("int64", "steps", "steps asked for; 0 where it is not known")]
    seed: Annotated[
        int,
        Attribute("int64", "", "the seed of all that is random; -1 where it is not known", least=-1, most=2**63 - 1),
    ]
    description: Annotated[Mapping[str, Any], Attribute("JSON", "", "the model: layers, loss, optimiser, schedule")] = (
        field(default_factory=dict)
    )
    settings: Annotated[
        Mapping[str, Any], Attribute("JSON", "", "settings of lenet-diag train; {} where training was run from Python")
    ] = field(default_factory=dict)
    environment: Annotated[
        Mapping[str, Any], Attribute("JSON", "", "versions, machine, threads, process id, data checksum")
    ] = field(default_factory=dict)

    window: Annotated[int, Attribute("int64", "steps", _WINDOW_MEANING, since=2, least=1)] = 0
    thresholds: Annotated[Mapping[str, float], Attribute("JSON", "", _THRESHOLDS_MEANING, since=2)] = field(
        default_factory=dict
    )
    rows: Annotated[str, Attribute("text", "", _ROWS_MEANING, since=3)] = "steps"
    task: Annotated[Task, Attribute("JSON", "", _TASK_MEANING, since=4, changes=True)] = DEFAULT_TASK
    recorded_columns: Columns | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        kept: object = self.task
        if isinstance(kept, Mapping):  # as a log keeps it
            object.__setattr__(self, "task", Task.of(kept))
        if self.task.prior:
            object.__setattr__(self, "prior", self.task.prior)
        if not self.window:
            object.__setattr__(self, "window", window_steps(self.batch_size))

    def __repr__(self) -> str:
        layers = ", ".join(layer.name for layer in self.layers)
        asked = f"{self.total_steps:,} steps asked for" if self.total_steps else "an unknown number of steps"
        return (
            f"<RunInfo: {layers} with {self.parameters:,} parameters, batches of {self.batch_size}, "
            f"{asked}, seed {self.seed}>"
        )

    @classmethod
    def from_start(cls, start: RunStart, **added: Any) -> Self:
        """RunInfo from the event of the trainer and from the fields that only the recorder knows (``added``)."""
        announced = {one.name: getattr(start, one.name) for one in fields(cls) if hasattr(start, one.name)}
        return cls(**announced, **added)

    @cached_property
    def columns(self) -> Columns:
        """The columns of this run's rows: those that its log names, else those that are declared."""
        if self.recorded_columns is not None:
            return self.recorded_columns
        return Columns.declare(self.tensors, self.layers)

    @cached_property
    def guessing(self) -> tuple[float, float]:
        """Loss and accuracy of guessing; NaN where they are not known."""
        return self.task.guessing(self.prior)

    @cached_property
    def guessing_noise(self) -> float:
        """The standard deviation of the loss of guessing from sample to sample; 0 where it does not follow."""
        return self.task.guessing_noise(self.prior)

    @cached_property
    def layer_names(self) -> tuple[str, ...]:
        """All layers with tensors, in the order of the network, those without measured outputs included."""
        return tuple(dict.fromkeys(one.layer for one in self.tensors))

    @cached_property
    def hidden_layers(self) -> tuple[LayerInfo, ...]:
        """The layers whose outputs are measured, without the last of the network."""
        return tuple(layer for layer in self.layers if layer.name != self.layer_names[-1])

    @property
    def is_imported(self) -> bool:
        """Whether it comes from the log of another tool, which may lack declared columns."""
        return "imported_from" in self.environment

    @property
    def row_unit(self) -> str:
        """What its rows count as steps: "step", or "epoch" where the file of another tool does not say their steps."""
        return "epoch" if self.is_imported and self.environment.get("counted") == "epochs" else "step"

    @property
    def not_recorded(self) -> tuple[str, ...]:
        """What the log declares that it lacks, in words; nothing where all that is declared was measured."""
        return tuple(self.description.get("not_recorded", ()))

    @property
    def without_gradient(self) -> frozenset[str]:
        """The tensors, as layer/tensor, that had no gradient: they are frozen, or nothing used them."""
        return frozenset(self.description.get("without_gradient", ()))

    @cached_property
    def trained_tensors(self) -> Mapping[str, tuple[str, ...]]:
        """The names of each layer's tensors, such as weights and biases, without those that have no gradient."""
        frozen = self.without_gradient
        trained: dict[str, tuple[str, ...]] = {}
        for one in self.tensors:
            if f"{one.layer}/{one.tensor}" not in frozen:
                trained[one.layer] = (*trained.get(one.layer, ()), one.tensor)
        return trained

    @property
    def parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(t.size for t in self.tensors)

    @property
    def first_convolution(self) -> TensorInfo | None:
        """The weights of the first convolution, None for a network without one."""
        return next((t for t in self.tensors if t.tensor == "weights" and len(t.shape) == 4), None)
