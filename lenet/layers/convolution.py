"""The exact convolution layer, in NumPy and fast.

Output (cross-correlation, as in every deep learning library), stride 1:

    o[n, i, j, f] = b[f] + sum_{u, v, c} x[n, i + u, j + v, c] w[u, v, c, f]

where x is padded by zeros: ``valid`` not at all, ``same`` by (k-1)//2 before and
k//2 after, ``full`` by k-1 on both sides.

It is fast for the following reason. Activations are kept as (H, C, W, N), batch last.
The padded image is *lowered along its width only*: L[h, v, c, j, n] = x[h, c, j+v, n],
which makes kw copies of it, where im2col makes kh kw. The kh rows that output row i needs, L[i : i+kh],
are then one contiguous block of shape (kh kw C_in, W_out N), in the order (u, v, c) in
which the weights are stored. A strided view shows all blocks, which overlap, and every
output row is one matrix product on the view, without another copy:

    o[i] = w^T (C_out, kh kw C_in) @ block_i (kh kw C_in, W_out N)

Backward, with d = dLoss/do:

    dLoss/dw = sum_i block_i @ d[i]^T          dLoss/db[f] = sum_{n, i, j} d[n, i, j, f]

The gradient by the input is a product with the kernel upside down (:mod:`lenet.layers.scatter`).
The first layer of a network does not compute it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lenet.arguments import expect_pair, expect_whole
from lenet.errors import SettingsError, ShapeError
from lenet.layers.base import Layer, TrainableLayer
from lenet.layers.initializers import Initializer
from lenet.layers.padding import PADDINGS, PaddedImage, padding_widths
from lenet.layers.products import SMALL_PRODUCT, blocks, in_columns, parts
from lenet.layers.scatter import Scatter
from lenet.layers.workspace import Array, Shape, TrainableWorkspace, Workspace, WorkspaceSpec


class ConvolutionLayer(TrainableLayer):
    """A layer of kernels that are moved over images; weights (kh, kw, C_in, C_out), biases (C_out,).

    Args:
        depth: the number of kernels C_out, 1 or more.
        kernel_size: (height, width) of the kernels, or one number for both, each 1 or more.
        padding: valid (default), same or full.
        input_size: (height, width, depth) of one image.
        initializer: how the weights start, an :class:`Initializer` or the name of its scheme;
            None (default) for the model's.
        l1: strength of the L1 penalty of this layer's weights, 0 or more, default 0; added to the model's.
        l2: strength of the L2 penalty of this layer's weights, 0 or more, default 0; added to the model's.
        seed: the seed of the weights of a layer that is in no model, 0 or more, default 0.

    Raises:
        SettingsError: an argument out of its range.
        ShapeError: a kernel larger than the image.
    """

    prefix = "conv"

    def __init__(
        self,
        depth: int,
        kernel_size: tuple[int, int] | int,
        padding: str = "valid",
        input_size: tuple[int, int, int] | None = None,
        *,
        initializer: Initializer | str | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(initializer, l1, l2, seed)
        kind = type(self).__name__
        expect_whole(f"{kind}: depth", depth, 1)
        self.kernel_size = expect_pair(f"{kind}: kernel_size", kernel_size)
        if padding not in PADDINGS:
            raise SettingsError(f"{kind}: received padding={padding!r}, expected one of {', '.join(PADDINGS)}")
        if not isinstance(input_size, (tuple, list)) or len(input_size) != 3:
            raise SettingsError(f"{kind}: received input_size={input_size}, expected (height, width, depth)")
        for size in input_size:
            expect_whole(f"{kind}: input_size", size, 1)
        self.depth = int(depth)
        self.padding = padding
        self.input_size = (int(input_size[0]), int(input_size[1]), int(input_size[2]))
        self.output_size = self.output_shape(self.input_size)

    def describe(self) -> dict[str, Any]:
        """The layer's class and arguments, in plain types."""
        return {
            "layer": type(self).__name__,
            "depth": self.depth,
            "kernel_size": list(self.kernel_size),
            "padding": self.padding,
            "input_size": list(self.input_size),
        }

    def parameter_shapes(self) -> dict[str, Shape]:
        """(kh, kw, C_in, C_out) and (C_out,)."""
        return {"weights": (*self.kernel_size, self.input_size[2], self.depth), "biases": (self.depth,)}

    def known_input_shape(self, following: Layer | None) -> Shape | None:
        """``input_size``."""
        return self.input_size

    def output_shape(self, input_shape: Shape) -> Shape:
        """(H_out, W_out, depth). Raises ShapeError for another input, or a kernel larger than it."""
        if tuple(input_shape) != self.input_size:
            raise ShapeError(f"{self.title}: received input {tuple(input_shape)}, expected {self.input_size}")
        sides = []
        for side, size in zip(input_shape[:2], self.kernel_size, strict=True):
            if self.padding != "full" and size > side:
                raise ShapeError(
                    f"{self.title}: received a kernel of {self.kernel_size[0]}x{self.kernel_size[1]}, expected at "
                    f"most the input's {input_shape[0]}x{input_shape[1]} with padding {self.padding!r}"
                )
            sides.append(side + sum(padding_widths(self.padding, size)) - size + 1)
        return (sides[0], sides[1], self.depth)

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """The lowered image and the products on it, for one shard."""
        return ConvolutionWorkspace(self, spec)


class ConvolutionWorkspace(TrainableWorkspace):
    """The formulas above on (H, C, W, N) arrays.

    Array letters: R padded rows, P = kw C_in planes of a row, M = W_out N columns.
    """

    def __init__(self, layer: ConvolutionLayer, spec: WorkspaceSpec) -> None:
        channels = layer.input_size[2]
        kh, kw = layer.kernel_size
        out_height, out_width, filters = output_shape = layer.output_shape(spec.input_shape)
        planes, columns = kw * channels, out_width * spec.samples
        self.image = PaddedImage(spec, layer.kernel_size, layer.padding)
        rows = spec.memory.share((self.image.height, planes, columns), spec.dtype)
        self.lowered = rows.reshape(self.image.height, kw, channels, out_width, spec.samples)
        self.output = spec.keep(output_shape)
        self.output_rows = self.output.reshape(out_height, -1)
        self.bias_row = np.empty((filters, columns), spec.dtype)
        multiplications = kh * planes * filters * columns
        count = parts(columns, multiplications)
        self.forward_blocks = in_columns(blocks(rows, kh, 1)[0], count)
        self.forward_rows = in_columns(self.output.reshape(out_height, filters, columns), count)
        # The product with a whole block, or with one kernel row at a time where that product would be large.
        cuts = kh if multiplications > SMALL_PRODUCT else 1
        self.backward_blocks = blocks(rows, kh, cuts)
        self.products = np.empty((cuts, out_height, kh // cuts * planes, filters), spec.dtype)
        self.ones = np.ones(columns, spec.dtype)
        self.scatter: Scatter | None = None
        if spec.input_gradient:
            self.scatter = Scatter(spec, layer.kernel_size, layer.padding, output_shape)

    def prepare(self) -> None:
        filters = len(self.biases)
        self.by_filter = self.weights.reshape(-1, filters).T
        self.bias_column = self.biases[:, None]
        self.dweight_cuts = self.dweights.reshape(len(self.products), -1, filters)
        if self.scatter is not None:
            self.scatter.bind(self.weights)

    def forward(self, x: Array) -> Array:
        np.copyto(self.lowered, self.image.windows(x))
        np.matmul(self.by_filter.copy(), self.forward_blocks, out=self.forward_rows)
        # Adding full rows of biases is twice as fast as broadcasting a column of them.
        np.copyto(self.bias_row, self.bias_column)
        np.add(self.output_rows, self.bias_row.reshape(-1), out=self.output_rows)
        return self.output

    def backward(self, d: Array) -> Array | None:
        rows = d.reshape(*d.shape[:2], -1)
        np.matmul(self.backward_blocks, rows.transpose(0, 2, 1), out=self.products)
        np.add.reduce(self.products, axis=1, out=self.dweight_cuts)
        np.add.reduce(np.matmul(rows, self.ones), axis=0, out=self.dbiases)
        return self.scatter.backward(rows) if self.scatter is not None else None
