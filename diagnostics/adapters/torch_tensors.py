"""Statistics of parameters, gradients and updates, computed where the tensors are.

On the host the compiled loops of :mod:`diagnostics.measure` read the tensors where they lie: small ones are gathered in
one buffer, large ones are read in place, and updates are formed in pieces that stay in the caches. On other devices the
operations of PyTorch do it, and only the statistics leave the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.torch_vector import StepVector
from diagnostics.measure.histograms import histograms
from diagnostics.measure.pieces import PIECE, PieceStatistics
from diagnostics.measure.tensors import MAX, MIN, TensorStatistics
from diagnostics.schema.columns import KINDS
from diagnostics.schema.measures import TENSOR_STATISTICS
from diagnostics.schema.number_range import LARGEST, logged_number, logged_numbers
from diagnostics.schema.tables import BINS

VALUE, GRADIENT, UPDATE = (KINDS.index(kind) for kind in ("value", "gradient", "update"))
SMALL = 1 << 16
"""Tensors of fewer entries are gathered."""
Gradient = Any
"""A tensor, or None where the step gave none."""


class MeasuredTensors(Protocol):
    """Some parameters of one device, as they are measured around an update."""

    def before(self, gradients: Sequence[Gradient], vector: StepVector) -> None:
        """Keep the values, and take in the gradients."""

    def gradients(self, gradients: Sequence[Gradient], vector: StepVector) -> None:
        """Take in the gradients alone."""

    def after(self, vector: StepVector) -> None:
        """The update is done: all kinds are measured when this returns."""

    def histograms(self, gradients: Sequence[Gradient]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Histograms and their ranges, (kind, tensor, bin) and (kind, tensor, 2)."""


def measured(parameters: Sequence[Any], block: NDArray[np.float64]) -> MeasuredTensors:
    """How the parameters, all of one device, are measured.

    Args:
        parameters: the parameters.
        block: (kind, statistic, tensor), where the statistics are written to; NaN where a step gave no gradient.
    """
    is_host = all(StepVector.is_host(one) for one in parameters)
    return HostTensors(parameters, block) if is_host else DeviceTensors(parameters, block)


class HostTensors:
    """Parameters in the memory of the host."""

    def __init__(self, parameters: Sequence[Any], block: NDArray[np.float64]) -> None:
        import torch

        self._parameters, self._block = list(parameters), block
        is_small = [p.numel() < SMALL and p.dtype == torch.float32 for p in parameters]
        self._small = [i for i, small in enumerate(is_small) if small]
        self._large = [i for i, small in enumerate(is_small) if not small]
        self._places = np.array(self._small, np.intp)
        self._bare: list[int] = []  # the small ones without a gradient in this step
        sizes = [parameters[i].numel() for i in self._small]
        usual = {"dtype": torch.float32, "device": "cpu"}  # a script may have other defaults
        self._flat = torch.zeros(len(KINDS) + 1, sum(sizes), **usual)  # and the values after the update
        self._views = [
            [part.view(parameters[i].shape) for part, i in zip(flat.split(sizes), self._small, strict=True)]
            for flat in self._flat
        ]
        self._found = np.zeros((len(TENSOR_STATISTICS), len(KINDS) * len(sizes)), np.float32)
        self._gathered = TensorStatistics(sizes * len(KINDS), self._found)
        self._entries = self._flat[: len(KINDS)].view(-1).numpy()
        self._kept = {i: torch.empty_like(parameters[i], memory_format=torch.contiguous_format) for i in self._large}
        self._in_pieces = {i: PieceStatistics(parameters[i].numel()) for i in self._large}
        self._scratch = torch.empty(PIECE, **usual)

    def before(self, gradients: Sequence[Gradient], vector: StepVector) -> None:
        import torch

        if self._small:
            torch._foreach_copy_(self._views[VALUE], [self._parameters[i] for i in self._small])
        for i, kept in self._kept.items():
            pieces = partial(self._copied, kept, self._parameters[i].detach())
            self._block[VALUE, :, i] = self._in_pieces[i].measure(pieces, _whole(kept))
        self.gradients(gradients, vector)

    def gradients(self, gradients: Sequence[Gradient], vector: StepVector) -> None:
        import torch

        there = [place for place, i in enumerate(self._small) if gradients[i] is not None]
        if there:
            found = [_dense(gradients[self._small[place]]) for place in there]
            torch._foreach_copy_([self._views[GRADIENT][place] for place in there], found)
        self._bare = [i for i in self._small if gradients[i] is None]
        for i in self._large:
            if gradients[i] is None:
                self._block[GRADIENT, :, i] = np.nan
            else:
                gradient = _dense(gradients[i]).detach()
                measure = self._in_pieces[i].measure
                self._block[GRADIENT, :, i] = measure(partial(self._pieces, gradient), _whole(gradient))

    def after(self, vector: StepVector) -> None:
        import torch

        if self._small:
            torch._foreach_copy_(self._views[-1], [self._parameters[i] for i in self._small])
            torch.sub(self._flat[-1], self._flat[VALUE], out=self._flat[UPDATE])
            self._gathered.measure(self._entries)  # all kinds at once: the caches are cold, and each call costs
            found = self._found.reshape(len(TENSOR_STATISTICS), len(KINDS), -1)
            self._block[:, :, self._places] = found.transpose(1, 0, 2)
            self._block[GRADIENT, :, self._bare] = np.nan
        for i, kept in self._kept.items():
            now = self._parameters[i].detach()
            found = self._in_pieces[i].measure(partial(self._pieces, now, kept), _whole(now, kept))
            self._block[UPDATE, :, i] = found

    def histograms(self, gradients: Sequence[Gradient]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        count = len(self._parameters)
        counts, ranges = np.zeros((len(KINDS), count, BINS), np.uint32), np.zeros((len(KINDS), count, 2), np.float32)
        before = dict(zip(self._small, self._views[VALUE], strict=True)) | self._kept
        for i, parameter in enumerate(self._parameters):
            value = before[i]
            of_kind = {VALUE: value, UPDATE: parameter.detach() - value}
            if gradients[i] is not None:
                of_kind[GRADIENT] = _dense(gradients[i]).detach()
            for kind in range(len(KINDS)):
                if kind in of_kind:
                    flat = narrowed(of_kind[kind]).contiguous().view(-1).numpy()
                    ends = logged_numbers(self._block[kind, [MIN, MAX], i])[:, None]
                    histograms([flat], ends, counts[kind, i : i + 1], ranges[kind, i : i + 1])
                else:
                    ranges[kind, i] = np.nan
        return counts, ranges

    # ---- inside

    def _copied(self, kept: Any, x: Any) -> Iterator[NDArray[np.float32]]:
        """Copy a tensor to ``kept``, piece by piece, so that each is measured while the caches hold it."""
        if not x.is_contiguous():
            kept.copy_(x)
            yield from self._pieces(kept)
            return
        for to, part in zip(kept.view(-1).split(PIECE), x.view(-1).split(PIECE), strict=True):
            to.copy_(part)
            yield from self._pieces(to)

    def _pieces(self, x: Any, minus: Any = None) -> Iterator[NDArray[np.float32]]:
        """A tensor, or a difference, as float32 pieces; each lies in the same memory as the one before."""
        import torch

        if minus is None and x.dtype == torch.float32 and x.is_contiguous():
            yield from np.split(x.view(-1).numpy(), range(PIECE, x.numel(), PIECE))
            return
        wide, less = x.contiguous().view(-1), None if minus is None else minus.view(-1)
        for start in range(0, wide.numel(), PIECE):
            part = wide[start : start + PIECE]
            scratch = self._scratch[: part.numel()]
            if less is None:
                scratch.copy_(part)
            elif part.dtype == torch.float32:
                torch.sub(part, less[start : start + PIECE], out=scratch)
            else:
                scratch.copy_(part.double() - less[start : start + PIECE].double())
            yield scratch.numpy()


class DeviceTensors:
    """Parameters in the memory of another device."""

    def __init__(self, parameters: Sequence[Any], block: NDArray[np.float64]) -> None:
        self._parameters, self._block = list(parameters), block
        self._kept: list[Any] = []

    def before(self, gradients: Sequence[Gradient], vector: StepVector) -> None:
        self._kept = [parameter.detach().clone() for parameter in self._parameters]
        for i, kept in enumerate(self._kept):
            vector.add(device_statistics(kept), self._block[VALUE, :, i])
        self.gradients(gradients, vector)

    def gradients(self, gradients: Sequence[Gradient], vector: StepVector) -> None:
        for i, gradient in enumerate(gradients):
            if gradient is None:
                self._block[GRADIENT, :, i] = np.nan
            else:
                vector.add(device_statistics(_dense(gradient)), self._block[GRADIENT, :, i])

    def after(self, vector: StepVector) -> None:
        for i, (parameter, kept) in enumerate(zip(self._parameters, self._kept, strict=True)):
            vector.add(device_statistics(parameter.detach() - kept), self._block[UPDATE, :, i])

    def histograms(self, gradients: Sequence[Gradient]) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        import torch

        count = len(self._parameters)
        counts, ranges = np.zeros((len(KINDS), count, BINS), np.uint32), np.full((len(KINDS), count, 2), np.nan)
        vector, places, ends = StepVector(), np.zeros((len(KINDS), count, BINS), np.float32), ranges.astype(np.float32)
        for i, (parameter, kept) in enumerate(zip(self._parameters, self._kept, strict=True)):
            gradient = None if gradients[i] is None else _dense(gradients[i])
            for kind, x in ((VALUE, kept), (GRADIENT, gradient), (UPDATE, parameter.detach() - kept)):
                low, high = (logged_number(end) for end in self._block[kind, [MIN, MAX], i].tolist())
                if x is None or not np.isfinite(high - low):
                    continue
                ends[kind, i] = low, high
                if high > low:
                    vector.add(torch.histc(narrowed(x), BINS, low, high), places[kind, i])
                else:
                    places[kind, i, 0] = x.numel()
        vector.deliver()
        counts[...] = places
        return counts, ends


def device_statistics(x: Any) -> Any:
    """The statistics of a tensor in the order of TENSOR_STATISTICS, as a tensor of its device.

    Those of float64 are float64, so that they hold what float32 does not, and their squares and sums do not overflow.
    """
    import torch

    is_wide = x.dtype == torch.float64
    flat = part = (x if is_wide else x.float()).reshape(-1)
    is_finite = torch.isfinite(flat)
    if is_wide:
        largest = torch.where(is_finite, flat.abs(), 0.0).amax()
        size = torch.where(largest > 0, largest, 1.0)
        part = flat / size
    variance, mean = torch.var_mean(part, correction=0)
    known = {"mean": mean, "std": variance.sqrt(), "norm": torch.linalg.vector_norm(part)}
    if is_wide:
        known = {name: value * size for name, value in known.items()}
    known["min"], known["max"] = torch.aminmax(flat)
    known["zero_fraction"] = (flat.float() == 0).sum() / flat.numel()
    known["nonfinite"] = flat.numel() - is_finite.sum()
    for one in TENSOR_STATISTICS:
        if one.name not in known:
            known[one.name] = torch.tensor(float(one.of(flat.cpu().double().numpy())), device=flat.device)
    return torch.stack([known[one.name].to(flat.dtype) for one in TENSOR_STATISTICS])


def narrowed(x: Any) -> Any:
    """A tensor as float32; finite entries beyond it become the largest of their sign."""
    import torch

    found = x.float()
    if x.dtype != torch.float64:
        return found
    return torch.where(torch.isinf(found) & torch.isfinite(x), found.sign() * LARGEST, found)


def _whole(x: Any, minus: Any = None) -> Callable[[], NDArray[np.float64]] | None:
    """What returns the entries of a float64 tensor, or of a difference; None for other types."""
    import torch

    if x.dtype != torch.float64:
        return None
    return lambda: (x if minus is None else x - minus).contiguous().view(-1).numpy()


def _dense(x: Any) -> Any:
    """A tensor with all its zeros."""
    return x.to_dense() if x.is_sparse else x
