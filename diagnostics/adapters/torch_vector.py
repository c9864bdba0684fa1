"""StepVector: the numbers of one step on their way from the device that computed them to the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class StepVector:
    """Gathers small tensors, and brings those of one device to the host as one vector."""

    def __init__(self) -> None:
        self._afterwards: list[Callable[[], object]] = []
        self._contents: dict[Any, list[tuple[Any, NDArray[Any]]]] = {}

    def add(self, numbers: Any, place: NDArray[Any]) -> None:
        """A tensor of one axis, and the array of the same length that it will be written to."""
        if self.is_host(numbers):
            place[...] = numbers.numpy()
        else:
            self._contents.setdefault(numbers.device, []).append((numbers, place))

    def then(self, call: Callable[[], object]) -> None:
        """Have something called once the numbers are in their places."""
        self._afterwards.append(call)

    @staticmethod
    def is_host(numbers: Any) -> bool:
        """Whether a tensor lies in the memory of the host already."""
        return bool(numbers.device.type == "cpu")

    def deliver(self) -> None:
        """Write everything to its place."""
        import torch

        for parts in self._contents.values():
            is_wide = any(numbers.dtype == torch.float64 for numbers, _ in parts)
            dtype = torch.float64 if is_wide else torch.float32
            joined = torch.cat([numbers.to(dtype) for numbers, _ in parts]).cpu().numpy()
            ends = np.cumsum([len(place) for _, place in parts])
            for (_, place), numbers in zip(parts, np.split(joined, ends[:-1]), strict=True):
                place[...] = numbers
        self._contents.clear()
        for call in self._afterwards:
            call()
        self._afterwards.clear()
