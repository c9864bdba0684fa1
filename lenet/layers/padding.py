"""The border of zeros around an image: how wide it is, and the image within it.

``valid`` has none, ``same`` (k-1)//2 before and k//2 after, ``full`` k-1 on both sides.
"""

from __future__ import annotations

from numpy.lib.stride_tricks import as_strided

from lenet.layers.workspace import Array, WorkspaceSpec

PADDINGS = ("valid", "same", "full")


def padding_widths(padding: str, size: int) -> tuple[int, int]:
    """Zeros before and after, along an axis where the kernel has ``size`` entries."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        return (size - 1) // 2, size // 2
    return size - 1, size - 1


class PaddedImage:
    """The input with its border of zeros, and its view as kw shifted copies.

    Args:
        spec: what the workspace is made for.
        kernel_size: (height, width) of the kernels.
        padding: valid, same or full.
    """

    def __init__(self, spec: WorkspaceSpec, kernel_size: tuple[int, int], padding: str) -> None:
        height, width, channels = spec.input_shape
        kh, self.kw = kernel_size
        above, below = padding_widths(padding, kh)
        left, right = padding_widths(padding, self.kw)
        self.height, padded_width = height + above + below, width + left + right
        self.inside = (slice(above, above + height), slice(None), slice(left, left + width))
        self.is_padded = padding != "valid"
        if self.is_padded:
            self.array = spec.share((self.height, padded_width, channels))

    def windows(self, x: Array) -> Array:
        """The padded input (H, C, W, N) as a view (R, kw, C, W_out, N)."""
        padded = x
        if self.is_padded:
            self.array[self.inside] = x
            padded = self.array
        height, channels, width, samples = padded.shape
        by_row, by_channel, by_column, by_sample = padded.strides
        return as_strided(
            padded,
            (height, self.kw, channels, width - self.kw + 1, samples),
            (by_row, by_column, by_channel, by_column, by_sample),
            writeable=False,
        )
