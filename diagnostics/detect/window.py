"""The rows that a rule is asked about, and the errors for rows and columns that it lacks.

The rules for mechanisms are asked once the state machine has seen a symptom. Each gets a
:class:`Window`: the rows around the step at which the run died, and some rows before them for
comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.series import Series
from diagnostics.detect.thresholds import Thresholds
from diagnostics.schema.columns import INPUT, Column, Columns
from diagnostics.schema.measures import RATE
from diagnostics.schema.number_range import LARGEST
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import TensorInfo

FOR_COMPARISON = 20
BIASES = "biases"
BEFORE_SOFTMAX = ("softmax", "linear", "", None)  # functions of a last layer; the loss may apply softmax itself


class MissingColumnsError(Exception):
    """A rule cannot be asked, since the run lacks what the message names: "no activations in this run"."""


class TooFewRowsError(Exception):
    """A rule cannot be run, since the window has fewer rows than the message names."""


GUESSING_SHARE = 0.9  # of H: the noise of a batch takes a loss of guessing no lower


@dataclass(frozen=True)
class Window:
    """Rows of a run.

    info: what is known of the run.
    thresholds: the limits of the rules.
    steps: (n,), the step of each row.
    rows: (n, columns), one row for each step.
    start: the first row of interest; those before it are for comparison. Default 0.
    first_loss: the mean data loss of the first W rows of the run; default NaN.
    epochs: (epoch, training loss, training accuracy, validation loss, validation accuracy) of each validated epoch.
    epoch_counts: (epoch, right answers, samples) of each epoch, by the rows so far.
    """

    info: RunInfo
    thresholds: Thresholds
    steps: NDArray[np.int64]
    rows: NDArray[np.float32]
    start: int = 0
    epochs: tuple[tuple[int, float, float, float, float], ...] = ()
    epoch_counts: tuple[tuple[int, int, int], ...] = ()
    first_loss: float = math.nan

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def columns(self) -> Columns:
        """The columns of the rows."""
        return self.info.columns

    @property
    def guessing_loss(self) -> float:
        """H, the loss of guessing; NaN where it is not known."""
        return self.info.guessing[0]

    def narrowed(self, first_step: int, last_step: int) -> Window:
        """The same rows up to ``last_step``; the rows of interest begin at ``first_step``."""
        stop = int(np.searchsorted(self.steps, last_step, side="right"))
        start = min(int(np.searchsorted(self.steps, first_step, side="left")), stop)
        return replace(self, steps=self.steps[:stop], rows=self.rows[:stop], start=start)

    def asked_from_its_beginning(self) -> Window:
        """The same rows; all are of interest but the first few, which are for comparison."""
        return replace(self, start=min(FOR_COMPARISON, len(self) - 1))

    @property
    def is_guessing(self) -> NDArray[np.bool_]:
        """In which rows the loss is that of guessing, or higher, (n,)."""
        found: NDArray[np.bool_] = self.scalar("data_loss") >= GUESSING_SHARE * self.guessing_loss
        return found

    def scalar(self, statistic: str) -> Series:
        """One scalar in every row, (n,)."""
        return self._column(Column("scalar", "", "", "", statistic))

    def tensor(self, layer: str, tensor: str, kind: str, statistic: str) -> Series:
        """One tensor statistic in every row, (n,).

        The first tensor of a layer stands for weights where none has that name. A layer without biases counts as one
        whose biases are 0.
        """
        names = self.tensors(layer)
        if names and tensor not in names:
            if tensor == BIASES:
                return np.zeros(len(self))
            tensor = names[0]
        return self._column(Column("tensor", layer, tensor, kind, statistic))

    def activation(self, layer: str, statistic: str) -> Series:
        """One activation statistic in every row, (n,)."""
        return self._column(Column("activation", layer, "", "", statistic))

    def learning_rate(self, layer: str) -> Series:
        """The learning rate of a layer's updates over the rows (n,): its own, or that of all layers."""
        own = [self.columns.find(f"{layer}/{tensor}/update/{RATE.name}") for tensor in self.tensors(layer)]
        places = [place for place in own if place is not None]
        return self.rows[:, places[0]].astype(np.float64) if places else self.scalar("learning_rate")

    def layer_norm(self, layer: str, kind: str) -> Series:
        """L2 norm of all tensors of a layer together, in every row, (n,).

        It is infinite where a row says no more than that it is beyond the range of its numbers: nothing follows then
        from its quotient with another norm.
        """
        norm: Series = reduce(np.hypot, (self.tensor(layer, tensor, kind, "norm") for tensor in self.tensors(layer)))
        return np.where(norm >= LARGEST, np.inf, norm)

    def tensors(self, layer: str) -> tuple[str, ...]:
        """The names of a layer's tensors, such as weights and biases, without those that have no gradient."""
        return self.info.trained_tensors.get(layer, ())

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are trained, first to last. Raises MissingColumnsError where none is recorded."""
        trained = tuple(layer for layer in self.info.layer_names if self.tensors(layer))
        if not trained:
            raise MissingColumnsError("no layers in this run")
        return trained

    @property
    def is_of_large_batches(self) -> bool:
        """Whether a batch holds half of the training set or more, so that batches hardly differ."""
        return 2 * self.info.batch_size >= self.info.samples > 0

    @property
    def hidden(self) -> tuple[str, ...]:
        """The trainable layers but the last, whose outputs are those of the network.

        Raises MissingColumnsError where the outputs of no layer were measured.
        """
        if not self.info.layers:
            raise MissingColumnsError("no activations in this run")
        return tuple(layer.name for layer in self.info.hidden_layers if self.tensors(layer.name))

    def weights(self, layer: str) -> TensorInfo:
        """Shape and size of a layer's weights, or of the first tensor, which stands for them."""
        names = self.tensors(layer)
        tensor = "weights" if "weights" in names else names[0]
        return next(one for one in self.info.tensors if (one.layer, one.tensor) == (layer, tensor))

    def units(self, layer: str) -> str:
        """The name of a layer's units: kernels or neurons."""
        info = next((one for one in self.info.layers if one.name == layer), None)
        return "kernels" if info and len(info.output_shape) == 3 else "neurons"

    def unit_count(self, layer: str) -> int:
        """The number of units of a layer; 0 where its outputs were not measured."""
        return next((one.units for one in self.info.layers if one.name == layer), 0)

    @property
    def outputs(self) -> int:
        """The number of outputs of the network, which is that of the last layer's biases; 0 where it is not known."""
        last = self.info.layer_names[-1] if self.info.layer_names else ""
        sizes = [one.size for one in self.info.tensors if (one.layer, one.tensor) == (last, "biases")]
        return max([self.unit_count(last), *sizes])

    @property
    def ends_with_softmax(self) -> bool:
        """Whether the last layer has an output for each class, and ends with softmax or leaves it to the loss."""
        return self.function(self.layers[-1]) in BEFORE_SOFTMAX and self.outputs == len(self.info.prior)

    @property
    def input_name(self) -> str:
        """The name of the input in the columns."""
        return INPUT

    def function(self, layer: str) -> str | None:
        """The activation function after a layer."""
        return next((one.activation for one in self.info.layers if one.name == layer), None)

    def _column(self, column: Column) -> Series:
        place = self.columns.find(column.name)
        if place is None:
            raise MissingColumnsError(f"no {self._lacking(column)} in this run")
        return self.rows[:, place].astype(np.float64)

    def _lacking(self, column: Column) -> str:
        """What a run without this column lacks: as much as all its columns of the kind have in common."""
        what = column.part.replace("_", " ")
        if column.group == "scalar":
            return what
        alike = [one for one in self.columns if one.part == column.part]
        if any(one.layer == column.layer for one in alike):
            return f"{column.statistic.replace('_', ' ')} of the {what} of {column.layer}"
        return f"{what} of {column.layer}" if alike else what
