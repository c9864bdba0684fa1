"""What is kept of an update while an optimiser makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from diagnostics.record.row_recorder import RowRecorder
from lenet.training.listeners import Stopwatch


class UpdatesUnderWay:
    """The optimisers that have begun their part of a step.

    PyTorch calls the hooks twice where the ``step`` of a class calls that of its base: the inner calls do not count.

    Attributes:
        has_opened: whether what belongs to the step as a whole has been measured.
    """

    def __init__(self) -> None:
        self.has_opened = False
        self._losses: dict[Any, int] = {}
        self._depth: dict[Any, int] = {}

    def begin(self, optimizer: Any, losses: int) -> bool:
        """An optimiser begins its step, after so many losses. Returns whether it is an outer call."""
        if self._depth.get(optimizer, 0) and self._losses.get(optimizer) == losses:
            self._depth[optimizer] += 1
            return False
        self._depth[optimizer], self._losses[optimizer] = 1, losses
        return True

    def end(self, optimizer: Any) -> bool:
        """An optimiser has made its step. Returns whether it is an outer call."""
        self._depth[optimizer] = self._depth.get(optimizer, 1) - 1
        return self._depth[optimizer] == 0

    def has_run_model(self, optimizer: Any, losses: int) -> bool:
        """Whether there were losses within the step of an optimiser, which has run the model itself."""
        return losses > self._losses.get(optimizer, losses)

    def clear(self) -> None:
        """The step is over."""
        self.has_opened = False
        self._losses.clear()


class KeptValues:
    """The values of parameters before an update that runs the model, which shows first what there is to measure.

    Args:
        model: the model.
    """

    def __init__(self, model: Any) -> None:
        self._kept = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Within, the parameters have these values."""
        now = [parameter.detach().clone() for parameter, _ in self._kept]
        for parameter, kept in self._kept:
            parameter.data.copy_(kept)
        yield
        for (parameter, _), after in zip(self._kept, now, strict=True):
            parameter.data.copy_(after)


class SpentAside:
    """A context in which nothing is differentiated, and whose time is the recorder's and not the step's."""

    def __init__(self, recorder: RowRecorder, clock: Stopwatch) -> None:
        import torch

        self._recorder, self._clock, self._torch = recorder, clock, torch

    def __enter__(self) -> None:
        self._started, self._cost = perf_counter(), self._recorder.cost
        self._clock.__enter__()
        self._was_enabled = self._torch.is_grad_enabled()
        self._torch._C._set_grad_enabled(False)

    def __exit__(self, *exception: object) -> None:
        self._torch._C._set_grad_enabled(self._was_enabled)
        self._clock.__exit__()
        self._recorder.cost = self._cost + (perf_counter() - self._started) * 1e6
