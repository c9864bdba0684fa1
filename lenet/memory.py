"""Where workspaces get their arrays: from a few large blocks instead of many middling ones.

NumPy asks the system for huge pages only for blocks of 4 MB and more. A shard's
arrays are smaller, but all of them are gone through at every step; in ordinary 4 kB
pages the processor spends a twentieth of the step looking up where they are (measured
on Linux; elsewhere it does no harm).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK = 8 << 20
ALIGNMENT = 64


class Memory:
    """Hands out arrays of zeros; they live as long as anyone uses one of the same block."""

    def __init__(self) -> None:
        self._block: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._used = 0

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros, contiguous and aligned to 64 bytes."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if self._used + size > len(self._block):
            self._block = np.zeros(max(BLOCK, size + ALIGNMENT), np.uint8)
            self._used = -self._block.ctypes.data % ALIGNMENT
        part = self._block[self._used : self._used + size]
        self._used += -(-size // ALIGNMENT) * ALIGNMENT
        return part.view(dtype).reshape(shape)
