"""The columns of one row: what is measured at each step, named once.

A row is a flat float32 vector. Its columns are, in this order: the scalars of
the step, the statistics of every parameter tensor (by kind, then statistic,
then tensor), the update-to-weight ratios, and the statistics of every layer's
activations (by statistic, then layer). :class:`Columns` finds them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lenet.hooks import LayerInfo, TensorInfo

KINDS = ("value", "gradient", "update")
INPUT = "input"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One measured quantity: its name, its unit, and what it means in a sentence."""

    name: str
    unit: str
    meaning: str


SCALARS = (
    Statistic("loss", "nats", "mean loss of the batch: data loss plus penalty"),
    Statistic("data_loss", "nats", "mean cross-entropy of the batch"),
    Statistic("penalty", "nats", "L1 and L2 penalty of the weights"),
    Statistic("accuracy", "share", "share of the batch that is classified right"),
    Statistic("learning_rate", "1", "learning rate of this step's update"),
    Statistic("seconds", "s", "time of the step without the time hooks took"),
    Statistic("samples", "samples", "size of the batch"),
)

TENSOR_STATISTICS = (
    Statistic("mean", "1", "mean over the tensor's entries"),
    Statistic("std", "1", "standard deviation over the entries (ddof 0)"),
    Statistic("min", "1", "smallest entry"),
    Statistic("max", "1", "largest entry"),
    Statistic("norm", "1", "L2 norm"),
    Statistic("zero_fraction", "share", "share of entries that are exactly zero"),
    Statistic("nonfinite", "entries", "number of entries that are NaN or infinite"),
)

RATIO = Statistic("ratio", "1", "norm of the update over norm of the value; NaN where that norm is 0")

ACTIVATION_STATISTICS = (
    Statistic("mean", "1", "mean over the subsample"),
    Statistic("std", "1", "standard deviation over the subsample (ddof 0)"),
    Statistic("zero_fraction", "share", "share of exact zeros in the subsample"),
    Statistic("saturated_fraction", "share", "share of the subsample where the function is flat: sigmoid outside "
              "[0.01, 0.99], tanh outside [-0.98, 0.98]; NaN for other functions"),
    Statistic("dead_fraction", "share", "share of units silent, 0 for every sample of the whole batch"),
    Statistic("dead_window_fraction", "share", "share of units silent at every one of the last W steps, "
              "W = max(20 steps, 2,560 samples); NaN before step W-1"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the row. ``layer``, ``tensor`` and ``kind`` are "" where they do not apply."""

    group: str  # "scalar", "tensor" or "activation"
    layer: str
    tensor: str
    kind: str
    statistic: str
    unit: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The parts joined by "/", such as ``conv1/weights/gradient/norm``."""
        return "/".join(p for p in (self.layer, self.tensor, self.kind, self.statistic) if p)


class Columns(Sequence[Column]):
    """The columns of a run, in order, and where to find each.

    ``tensors`` lists (layer, tensor) pairs and ``layers`` the layers with
    activations, both in the order of the network; the first layer is "input".
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._position = {column: i for i, column in enumerate(self._columns)}
        self.tensors = tuple(dict.fromkeys((c.layer, c.tensor) for c in self._columns if c.group == "tensor"))
        self.layers = tuple(dict.fromkeys(c.layer for c in self._columns if c.group == "activation"))

    @classmethod
    def declare(cls, tensors: Sequence[TensorInfo], layers: Sequence[LayerInfo]) -> Columns:
        """The columns of a network with these tensors and layers."""
        columns = [Column("scalar", "", "", "", s.name, s.unit) for s in SCALARS]
        for kind in KINDS:
            for statistic in TENSOR_STATISTICS:
                columns += [Column("tensor", t.layer, t.tensor, kind, statistic.name, statistic.unit) for t in tensors]
        columns += [Column("tensor", t.layer, t.tensor, "update", RATIO.name, RATIO.unit) for t in tensors]
        names = (INPUT, *(layer.name for layer in layers))
        for statistic in ACTIVATION_STATISTICS:
            columns += [Column("activation", name, "", "", statistic.name, statistic.unit) for name in names]
        return cls(columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # int -> Column, slice -> tuple
        return self._columns[index]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The full names, in order."""
        return tuple(column.name for column in self._columns)

    @cached_property
    def _by_name(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def find(self, name: str) -> int | None:
        """Position of the column of this full name; None where there is none."""
        return self._by_name.get(name)

    def scalar(self, statistic: str) -> int:
        """Position of a scalar of the step. Raises KeyError where there is none."""
        return self._position[Column("scalar", "", "", "", statistic)]

    def tensor(self, layer: str, tensor: str, kind: str, statistic: str) -> int:
        """Position of a tensor statistic. Raises KeyError where there is none."""
        return self._position[Column("tensor", layer, tensor, kind, statistic)]

    def activation(self, layer: str, statistic: str) -> int:
        """Position of an activation statistic. Raises KeyError where there is none."""
        return self._position[Column("activation", layer, "", "", statistic)]

    def tensor_block(self, kind: str, statistic: str) -> NDArray[np.intp]:
        """Positions of one statistic of one kind for all tensors, in the order of :attr:`tensors`."""
        return np.array([self.tensor(la, t, kind, statistic) for la, t in self.tensors], dtype=np.intp)
