"""The columns of one row, and the position of each.

A row is a flat float32 vector. Its columns are, in this order: the scalars of
the step, the statistics of every parameter tensor (by kind, then statistic,
then tensor), the ratios of update to value, and the statistics of every layer's
activations (by statistic, then layer). :mod:`diagnostics.schema.measures`
declares the measures.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.arguments import expect_names, expect_several
from diagnostics.errors import UnknownNameError
from diagnostics.schema.measures import ACTIVATION_STATISTICS, RATIO, SCALARS, TENSOR_STATISTICS, Measure
from lenet.hooks import LayerInfo, TensorInfo

KINDS = ("value", "gradient", "update")
INPUT = "input"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the row.

    ``group``: "scalar", "tensor" or "activation".
    ``layer``, ``tensor``, ``kind``: what is measured; "" where they do not apply.
    ``statistic``: the name of the measure.
    ``unit``: its unit; two columns that differ in the unit alone are the same.
    """

    group: str
    layer: str
    tensor: str
    kind: str
    statistic: str
    unit: str = field(default="", compare=False)

    @property
    def part(self) -> str:
        """What is missing where this column is: the name of a scalar, or inputs, activations, gradients, ..."""
        if self.group == "scalar":
            return self.statistic
        if self.group == "tensor":
            return f"{self.kind}s"
        return f"{INPUT}s" if self.layer == INPUT else "activations"

    @property
    def name(self) -> str:
        """The parts joined by "/", such as ``conv1/weights/gradient/norm``."""
        return "/".join(p for p in (self.layer, self.tensor, self.kind, self.statistic) if p)


class RowBlocks(NamedTuple):
    """The parts of a row as arrays: views, so that writing to them writes the row.

    ``scalars``: (scalar,).
    ``tensors``: (kind, statistic, tensor).
    ``ratios``: (tensor,).
    ``activations``: (statistic, layer), the input being the first layer.
    """

    scalars: NDArray[np.float32]
    tensors: NDArray[np.float32]
    ratios: NDArray[np.float32]
    activations: NDArray[np.float32]


class Columns(Sequence[Column]):
    """The columns of a run, in order, and the position of each.

    ``columns``: the columns in their order.

    ``tensors`` lists the (layer, tensor) pairs, and ``layers`` the layers with
    activations, both in the order of the network. The first layer is "input".
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._position = {column: i for i, column in enumerate(self._columns)}
        self.tensors = tuple(dict.fromkeys((c.layer, c.tensor) for c in self._columns if c.group == "tensor"))
        self.layers = tuple(dict.fromkeys(c.layer for c in self._columns if c.group == "activation"))

    @classmethod
    def declare(
        cls,
        tensors: Sequence[TensorInfo],
        layers: Sequence[LayerInfo],
        minor: int | None = None,
        without: Collection[str] = (),
    ) -> Columns:
        """The columns of a network with these tensors and layers.

        ``minor``: a minor version of the log format. Later measures are left out; None (default) leaves out none.
        ``without``: what is not measured and left out: names of scalars, "inputs", "activations", "gradients" or
        "updates"; default nothing.
        """

        def known(measures: Iterable[Measure]) -> list[Measure]:
            return [one for one in measures if minor is None or one.since <= minor]

        columns = [Column("scalar", "", "", "", s.name, s.unit) for s in known(SCALARS)]
        for kind in KINDS:
            for statistic in known(TENSOR_STATISTICS):
                columns += [Column("tensor", t.layer, t.tensor, kind, statistic.name, statistic.unit) for t in tensors]
        columns += [Column("tensor", t.layer, t.tensor, "update", RATIO.name, RATIO.unit) for t in tensors]
        names = (INPUT, *(layer.name for layer in layers))
        for statistic in known(ACTIVATION_STATISTICS):
            columns += [Column("activation", name, "", "", statistic.name, statistic.unit) for name in names]
        return cls([one for one in columns if one.part not in without] if without else columns)

    def blocks(self, row: NDArray[np.float32]) -> RowBlocks:
        """The parts of a row that has the declared columns, in the order of :meth:`declare`."""
        tensors = len(self.tensors)
        shapes = (
            (len(SCALARS),),
            (len(KINDS), len(TENSOR_STATISTICS), tensors),
            (tensors,),
            (len(ACTIVATION_STATISTICS), len(self.layers)),
        )
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        return RowBlocks(*(part.reshape(shape) for part, shape in zip(np.split(row, ends[:-1]), shapes, strict=True)))

    def statistics(self, group: str) -> tuple[str, ...]:
        """The names of the measures of one group that these columns hold, in order."""
        return tuple(dict.fromkeys(c.statistic for c in self._columns if c.group == group))

    def asked(self, group: str, statistics: Sequence[str] | None) -> tuple[str, ...]:
        """The names of measures that were asked for, or all of one group.

        Raises UnknownNameError for a name that is not among them, and TypeError for what is no list.
        """
        known = self.statistics(group)
        return expect_names("statistics", statistics, known) if statistics else known

    def places(self, names: Sequence[str | int] | NDArray[np.intp]) -> NDArray[np.intp]:
        """Positions of columns by their full names; positions stay what they are. Raises UnknownNameError."""
        places = [self.find(c) if isinstance(c, str) else int(c) for c in expect_several("columns", names, "columns")]
        if None in places:
            unknown = str(names[places.index(None)])
            like = ", ".join(get_close_matches(unknown, self.names, 3, 0.0))
            raise UnknownNameError(f"columns: received {unknown!r}, expected names of run.columns, such as {like}")
        return np.array(places, dtype=np.intp)

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
