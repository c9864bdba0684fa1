"""The memory of workspaces: arrays cut from a few large blocks, some of them shared by several shards.

Blocks are large because NumPy asks the system for huge pages only for 4 MB and more. The
arrays of a shard are smaller, and each step reads all of them. With ordinary pages of
4 kB the processor spends a twentieth of the step on looking up addresses (measured on
Linux; elsewhere large blocks do no harm).

Arrays can be shared because shards on one thread are computed one after the other. An
array that is needed only from a shard's forward pass to its backward pass can serve all of
them. It then stays in the processor's cache, and a batch of a thousand samples needs
little more memory than one of a hundred.
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
        """A new array; its block lives as long as any array in it."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if self._used + size > len(self._block):
            self._block = np.zeros(max(BLOCK, size + ALIGNMENT), np.uint8)
            self._used = -self._block.ctypes.data % ALIGNMENT
        part = self._block[self._used : self._used + size]
        self._used += -(-size // ALIGNMENT) * ALIGNMENT
        return part.view(dtype).reshape(shape)


class Scratch:
    """Arrays that several shards use in turn; each shard asks for the same shapes in the same order."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._arrays: list[NDArray[Any]] = []
        self._next = 0

    def rewind(self) -> Scratch:
        """Begin again with the first array, for the next shard."""
        self._next = 0
        return self

    def array(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """The next array: zeros the first time, later as the shard before left it."""
        if self._next == len(self._arrays):
            self._arrays.append(self._blocks.array(shape, dtype))
        array = self._arrays[self._next]
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise AssertionError(f"shards that share memory differ: {array.shape} and {shape}")
        self._next += 1
        return array


class Memory:
    """Hands out the arrays of one shard.

    ``keep`` gives arrays of the shard's own, whose contents last until its next forward pass.
    ``share`` gives arrays that the next shard overwrites.

    Args:
        scratch: gives the shared arrays; None (default) for arrays of its own.
        blocks: gives all arrays; None (default) for new blocks.
    """

    def __init__(self, scratch: Scratch | None = None, blocks: Blocks | None = None) -> None:
        self._blocks = blocks or Blocks()
        self._scratch = scratch or Scratch(self._blocks)

    def keep(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A new array of zeros, the shard's own."""
        return self._blocks.array(shape, dtype)

    def share(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array for one pass forward and back, zeros at first; entries that no shard writes to stay zeros."""
        return self._scratch.array(shape, dtype)
