"""Statistics of what layers put out, computed where the outputs are.

An output is measured when the layer is called, before anything can change it in place. The function that comes after
the layer is applied to what is measured: to the subsample, and to the ends of each unit, which tell whether the unit is
silent. In the first step the functions are not known yet, so samples and ends wait until the batch has gone through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.torch_functions import FUNCTIONS
from diagnostics.adapters.torch_tensors import device_statistics, narrowed
from diagnostics.adapters.torch_vector import StepVector
from diagnostics.measure.activation_layout import EXACT, MAP_ROWS, MAP_SAMPLES, SAMPLES, unit_statistics
from diagnostics.measure.compiler import compiled_loops
from diagnostics.measure.tensors import exact_statistics, wide_statistics
from diagnostics.schema.measures import ACTIVATION_STATISTICS, FLAT_ENDS, TENSOR_STATISTICS, positions
from diagnostics.schema.number_range import are_beyond, logged_numbers

MEAN, STD, ZERO, SATURATED = positions(ACTIVATION_STATISTICS, "mean", "std", "zero_fraction", "saturated_fraction")
OF_TENSORS = list(positions(TENSOR_STATISTICS, "mean", "std"))
CHANNELS_FIRST = ("Conv", "BatchNorm", "GroupNorm", "InstanceNorm", "PReLU", "SyncBatchNorm")
"""The beginnings of the names of classes whose units are the channels, the second axis."""


@dataclass
class OutputAxes:
    """How the outputs of a layer lie.

    Attributes:
        unit: the axis of the units.
        sample: the axis of the samples.
        shape: of one sample, the units last.
    """

    unit: int
    sample: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, module: Any, output: Any) -> OutputAxes:
        """The axes of a module's output, (n, F), (n, C, ...) or (..., F)."""
        names = [base.__name__ for base in type(module).__mro__]
        sides = tuple(output.shape)
        is_first = output.ndim > 1 and any(name.startswith(CHANNELS_FIRST) for name in names)
        bias: Any = getattr(module, "bias", None)
        if not is_first and output.ndim > 2 and getattr(bias, "ndim", 0) == 1:
            is_first = sides[-1] != bias.shape[0] == sides[1]
        unit = 1 if is_first else output.ndim - 1
        sample = 1 if getattr(module, "batch_first", None) is False and output.ndim == 3 else 0
        others = [side for axis, side in enumerate(sides) if axis not in (unit, sample)]
        return cls(unit, sample if sample != unit else 0, (*others, sides[unit]))

    @classmethod
    def of_batch(cls, batch: Any) -> OutputAxes:
        """The axes of a batch; where it has four or five, the second is that of the channels."""
        unit = 1 if batch.ndim in (4, 5) else batch.ndim - 1
        others = [side for axis, side in enumerate(batch.shape) if axis not in (0, unit)]
        return cls(unit, 0, (*others, batch.shape[unit]))

    @property
    def units(self) -> int:
        """The number of units."""
        return self.shape[-1]

    def subsample(self, output: Any) -> Any:
        """The subsample that logs are made of, (units, entries)."""
        most = MAP_SAMPLES if output.ndim > 2 else SAMPLES
        part = output.narrow(self.sample, 0, min(most, output.shape[self.sample]))
        if output.ndim == 4 and self.unit == 1:
            stride = max(1, output.shape[2] // MAP_ROWS)
            part = part[:, :, stride // 2 :: stride]
        return part.movedim(self.unit, 0).reshape(self.units, -1)

    def ends(self, output: Any) -> tuple[Any, Any]:
        """The smallest and the largest output of each unit, (units,)."""
        axes = [axis for axis in range(output.ndim) if axis != self.unit]
        return (output.amin(axes), output.amax(axes)) if axes else (output, output)


class CompiledOutputs:
    """Outputs (n, F) or (n, C, H, W) on the host, by compiled loops that read them where they lie.

    Args:
        axes: how the outputs lie.

    Attributes:
        least: smaller outputs count as this: 0 before a ReLU.
        silent: (units,), 1 for units that were 0 at every call since it was filled with 1.
    """

    def __init__(self, axes: OutputAxes) -> None:
        self._axes, self._loops, self.least = axes, compiled_loops(), -math.inf
        self.silent = np.ones(axes.units, np.uint8)
        self._zeros = np.zeros(axes.units, np.int64)
        self._sums, self._found = np.zeros((1, 3)), np.zeros((3, 1), np.float32)
        self._doubtful, self._places = np.zeros(1, np.uint8), np.arange(3)

    def fits(self, output: Any) -> bool:
        """Whether an output is one that the loops can read."""
        axes = self._axes
        is_known = (output.ndim == 2 and axes.unit == 1) or (output.ndim == 4 and axes.unit == 1 == axes.sample + 1)
        return is_known and output.is_contiguous() and output.device.type == "cpu" and output.element_size() == 4

    def measure(self, x: NDArray[np.float32], column: NDArray[np.float32] | None) -> None:
        """Measure an output; ``column`` is where mean, deviation and zeros go, None to look at silence alone."""
        self._sums.fill(0)
        if x.ndim == 2:
            samples = min(SAMPLES, len(x))
            self._loops.row_sums(x, samples, self.least, self._sums[0], self._zeros, self.silent)
            size = samples * x.shape[1]
        else:
            samples, height = min(MAP_SAMPLES, len(x)), x.shape[2]
            stride = max(1, height // MAP_ROWS)
            first = stride // 2
            maps = x.reshape(len(x), x.shape[1], -1)
            self._loops.map_sums(maps, samples, height, first, stride, self.least, self._sums[0], self.silent)
            size = samples * x.shape[1] * x.shape[3] * len(range(first, height, stride))
        if column is not None:
            if self._loops.moments(self._sums, np.array([size]), self._places, self._found, self._doubtful):
                sample = x[:samples] if x.ndim == 2 else x[:samples, :, first::stride]
                self._found[:, 0] = exact_statistics(np.maximum(sample, np.float32(self.least)).ravel())[EXACT]
            column[[MEAN, STD, ZERO]] = self._found[:, 0]


class MeasuredOutputs:
    """The outputs of one layer over a step: the first call gives the statistics, all calls tell silent units.

    Args:
        axes: how the outputs lie.
        function: the function after the layer; None for none that is known.
        column: (statistic,), where the statistics are written to.
        silent: (units,), where 1 is written for units that are 0 at every call of the step.
    """

    def __init__(
        self, axes: OutputAxes, function: str | None, column: NDArray[np.float32], silent: NDArray[np.float32]
    ) -> None:
        self.axes, self.function = axes, function if function in FUNCTIONS else None
        self._column, self._silent = column, silent
        self._now: Any = None
        self._fast = CompiledOutputs(axes) if function in (None, "relu") else None
        if self._fast is not None and function == "relu":
            self._fast.least = 0.0

    def measure(self, output: Any, vector: StepVector) -> None:
        """Take in the outputs of one call."""
        unit = self.axes.unit
        if output.ndim <= unit or output.shape[unit] != self.axes.units or not output.numel():
            return
        if self._fast is not None and self._fast.fits(output):
            self._fast.measure(output.numpy(), self._column if self._now is None else None)
            self._now = self._fast.silent
            return
        taken = self.axes.subsample(output)
        sample = self._after(narrowed(taken))
        zeros = self._statistics(sample, vector, taken) if self._now is None else (sample == 0).sum(1)
        silent = zeros == sample.shape[1]
        if sample.numel() < output.numel():
            silent = self._confirmed(output, silent)
        before = self._now
        if self._fast is not None and before is self._fast.silent:  # a call before had a layout that loops can read
            before = silent.new_tensor(before.tolist())
            self._fast.silent.fill(1)
        self._now = silent if before is None else before & silent

    def waiting(self, sample: Any, low: Any, high: Any, vector: StepVector) -> None:
        """Take in what was kept of outputs before the function was known."""
        self._statistics(self._after(narrowed(sample)), vector, sample)
        self._now = self._is_zero(low, high)

    def finish(self, vector: StepVector) -> None:
        """The step is over: hand over which units were silent."""
        if self._now is None:
            self._column[...], self._silent[...] = np.nan, 0
        elif self._fast is not None and self._now is self._fast.silent:
            self._silent[...] = self._fast.silent
            self._fast.silent.fill(1)
        else:
            vector.add(self._now, self._silent)
        self._now = None

    # ---- inside

    def _after(self, x: Any) -> Any:
        """What the function makes of outputs whose first axis is that of the units."""
        return x if self.function is None else FUNCTIONS[self.function](x)

    def _statistics(self, sample: Any, vector: StepVector, taken: Any) -> Any:
        """Hand over the statistics of a subsample; returns the number of zeros of each unit.

        ``taken``: the subsample in its own type, and before the function; ``sample`` is float32.
        """
        import torch

        ends = FLAT_ENDS.get(self.function or "")
        if StepVector.is_host(sample):
            found, zeros = unit_statistics(sample.contiguous().numpy())
            if taken.dtype == torch.float64 and are_beyond(sample.numpy()).any():
                found = logged_numbers(wide_statistics(self._after(taken).numpy().ravel()))[EXACT]
            self._column[[MEAN, STD, ZERO]] = found
            counted = torch.from_numpy(zeros)
            if ends:
                low, high = ends
                self._column[SATURATED] = int(((sample < low) | (sample > high)).sum()) / sample.numel()
            return counted
        if taken.dtype == torch.float64:
            mean, spread = device_statistics(self._after(taken))[OF_TENSORS]
        else:
            variance, mean = torch.var_mean(sample, correction=0)
            spread = variance.sqrt()
        counted = (sample == 0).sum(1)
        numbers, places = [mean, spread, counted.sum() / sample.numel()], [MEAN, STD, ZERO]
        if ends:
            numbers.append(((sample < ends[0]) | (sample > ends[1])).sum() / sample.numel())
            places.append(SATURATED)
        target = np.zeros(len(places))
        vector.add(torch.stack([one.to(mean.dtype) for one in numbers]), target)
        vector.then(lambda: self._column.__setitem__(places, logged_numbers(target)))
        return counted

    def _confirmed(self, output: Any, quiet: Any) -> Any:
        """Which units, among those that are quiet in the subsample, are silent in the whole batch."""
        if not StepVector.is_host(output):
            return self._is_zero(*self.axes.ends(output))
        candidates = quiet.nonzero()[:, 0]
        if len(candidates):
            part = output.index_select(self.axes.unit, candidates)
            quiet = quiet.clone()
            quiet[candidates] = self._is_zero(*self.axes.ends(part))
        return quiet

    def _is_zero(self, low: Any, high: Any) -> Any:
        """Whether units whose outputs lie between these ends are 0 throughout; a softmax has no silent units."""
        if self.function == "softmax":
            return low != low
        return (self._after(low) == 0) & (self._after(high) == 0)


def tensor_in(output: Any) -> Any:
    """The first tensor of floating-point numbers in what a module returns or takes in; None where there is none."""
    if hasattr(output, "is_floating_point"):
        return output if output.is_floating_point() and output.ndim else None
    if hasattr(output, "batch_sizes"):  # a packed sequence
        return output.data
    if isinstance(output, Mapping):
        output = tuple(output.values())
    if isinstance(output, tuple | list):
        return next((one for one in map(tensor_in, output) if one is not None), None)
    return None
