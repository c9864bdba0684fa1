"""Where workspaces get their arrays: from a few large blocks, and some of them together.

NumPy asks the system for huge pages only for blocks of 4 MB and more. A shard's arrays
are smaller, but all of them are gone through at every step; in ordinary 4 kB pages the
processor spends a twentieth of the step looking up where they are (measured on Linux;
elsewhere it does no harm).

Shards that are done one after the other, on one thread, share what is needed only from
a shard's forward pass to its backward pass: that keeps it in the processor's cache, and
a batch of a thousand samples needs little more memory than one of a hundred.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK = 8 << 20
ALIGNMENT = 64


class Blocks:
    """Hands out arrays of zeros, contiguous and aligned to 64 bytes, from large blocks."""

    def __init__(self) -> None:
        self._block: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._used = 0

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A new array; its block lives as long as anyone uses an array in it."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if self._used + size > len(self._block):
            self._block = np.zeros(max(BLOCK, size + ALIGNMENT), np.uint8)
            self._used = -self._block.ctypes.data % ALIGNMENT
        part = self._block[self._used : self._used + size]
        self._used += -(-size // ALIGNMENT) * ALIGNMENT
        return part.view(dtype).reshape(shape)


class Scratch:
    """Arrays that several shards use in turn: each asks for the same ones in the same order."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._arrays: list[NDArray[Any]] = []
        self._next = 0

    def rewind(self) -> Scratch:
        """Begin again with the first array, for the next shard."""
        self._next = 0
        return self

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """The next array: of zeros when it is new, else as the shard before left it."""
        if self._next == len(self._arrays):
            self._arrays.append(self._blocks.array(shape, dtype))
        array = self._arrays[self._next]
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise AssertionError(f"shards that share memory differ: {array.shape} and {shape}")
        self._next += 1
        return array


class Memory:
    """What the workspaces of one shard are made of.

    ``keep`` gives arrays of the shard's own, which hold what they hold until its next
    forward pass; ``share`` gives arrays that other shards overwrite when this one is done.
    """

    def __init__(self, scratch: Scratch | None = None, blocks: Blocks | None = None) -> None:
        self._blocks = blocks or Blocks()
        self._scratch = scratch or Scratch(self._blocks)

    def keep(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros of the shard's own."""
        return self._blocks.array(shape, dtype)

    def share(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array for one pass forward and back; zeros that nobody writes to stay zeros."""
        return self._scratch.array(shape, dtype)
