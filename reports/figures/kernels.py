"""The kernels of the first convolution as images: what did it look for, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from diagnostics.run import Run
from reports import style
from reports.figures.curves import Array
from reports.figures.moments import Moment, moments

MOST = 8


@dataclass(frozen=True)
class KernelData:
    """Images (moments, filters, kh, kw) of the first input channel; ``span`` is the largest magnitude."""

    moments: tuple[Moment, ...]
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


def draw(image: Array, span: float, axes: Axes) -> AxesImage:
    """One kernel on a scale that is the same for all; entries that are not finite are pink."""
    colours = mpl.colormaps["PuOr"].with_extremes(bad=style.NOT_FINITE)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes.imshow(np.ma.masked_invalid(image), cmap=colours, vmin=-span, vmax=span, interpolation="nearest")


@style.styled
def kernels_figure(run: Run) -> Figure | None:
    """A row a moment, a column a filter, one colour scale; None without a convolution."""
    data = prepare(run)
    if data is None:
        return None
    rows, columns = data.images.shape[:2]
    figure = style.new_figure(0.5 + 1.02 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for i, moment in enumerate(data.moments):
        for j in range(columns):
            image = draw(data.images[i, j], data.span, grid[i][j])
            if i == 0:
                grid[i][j].set_title(f"filter {j + 1}", fontsize=9, fontweight="normal", loc="center")
        grid[i][0].set_ylabel(moment.label, rotation=0, ha="right", va="center")
    bar = figure.colorbar(image, ax=list(grid.flat), fraction=0.03, aspect=25)
    bar.set_label("weight")
    return figure
