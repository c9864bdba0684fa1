"""The kernels of the first convolution as images, before and after the run broke."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from diagnostics.run.run import Run
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array
from reports.figures.snapshot_moments import SnapshotMoment, moments, moments_words

PLACE = Place("run", "tensors", 70)
MOST = 8


@dataclass(frozen=True)
class KernelData:
    """Images (moments, filters, kh, kw) of the first input channel; ``span`` is the largest magnitude."""

    moments: tuple[SnapshotMoment, ...]
    images: Array
    filters: int
    span: float


def prepare(run: Run) -> KernelData | None:
    """The first 8 filters, first input channel; None without a convolution or snapshots."""
    kernels = run.snapshots.kernels
    when = moments(run)
    if not len(kernels) or not when:
        return None
    chosen = kernels[[m.place for m in when], :, :, 0, :].astype(np.float64)
    images = np.moveaxis(chosen, -1, 1)[:, :MOST]
    finite = images[np.isfinite(images)]
    return KernelData(when, images, kernels.shape[-1], float(np.max(np.abs(finite), initial=1e-12)))


def tiles(images: Array) -> Array:
    """All images in one, (moments, filters, kh, kw) -> rows and columns of tiles with NaN between them."""
    moments_, filters, kh, kw = images.shape
    picture = np.full((moments_ * (kh + 1) - 1, filters * (kw + 1) - 1), np.nan)
    for i in range(moments_):
        for j in range(filters):
            picture[i * (kh + 1) : i * (kh + 1) + kh, j * (kw + 1) : j * (kw + 1) + kw] = images[i, j]
    return picture


def draw(data: KernelData, axes: Axes) -> AxesImage:
    """A row a moment, a column a filter, on a scale that is the same for all; not finite is pink."""
    kh, kw = data.images.shape[2:]
    picture = tiles(data.images)
    image = style.image(axes, picture, cmap="PuOr", vmin=-data.span, vmax=data.span)
    broken = tiles(np.where(np.isfinite(data.images), 0.0, 1.0)) == 1
    if broken.any():
        axes.imshow(np.ma.masked_where(~broken, broken), cmap=ListedColormap([style.NOT_FINITE]))
    rows, columns = data.images.shape[:2]
    across = np.arange(columns) * (kw + 1) + (kw - 1) / 2
    down = np.arange(rows) * (kh + 1) + (kh - 1) / 2
    axes.set_xticks(across, [f"filter {j + 1}" for j in range(columns)])
    axes.set_yticks(down, [m.label for m in data.moments])
    style.no_frame(axes)
    return image


@style.styled
def kernels_figure(run: Run) -> Figure | None:
    """The first kernels at the moments; None without a convolution."""
    data = prepare(run)
    if data is None:
        return None
    rows, columns, kh, kw = data.images.shape
    figure = style.new_figure(0.5 + min(1.05, 6.0 * kh / ((kw + 1) * columns)) * rows)
    axes = figure.subplots()
    bar = figure.colorbar(draw(data, axes), ax=axes, fraction=0.03, aspect=25)
    bar.set_label("weight")
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words; none without a convolution."""
    figure = kernels_figure(run)
    if figure is not None:
        yield CaptionedFigure(
            "7-first-kernels",
            "The kernels of the first convolution",
            f"The kernels of the first convolution as small images at {moments_words(run)}, on one colour scale.",
            "A row a moment, a column a filter. Orange is negative, purple positive.",
            figure,
        )
