"""One look for all figures: colours, marks, axes and legends, and a figure as PNG.

Colours are those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/), told
apart by people with any form of colour blindness; they are never the only mark.
Figures are made without pyplot, so a program that uses pyplot itself is not affected.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, imsave
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#222222", "#767676"
HEALTHY: dict[str, Any] = {"color": BLUE, "linestyle": "-"}
DEFECT: dict[str, Any] = {"color": VERMILLION, "linestyle": (0, (5, 1.5))}
UNDECIDED: dict[str, Any] = {"color": BLACK, "linestyle": ":"}
GUESSING: dict[str, Any] = {"color": BLACK, "linestyle": (0, (6, 3))}
ONSET: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.6}
CONFIRMED: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.1, "linestyle": "--"}
RECOVERED: dict[str, Any] = {"color": GREEN, "linewidth": 1.6, "linestyle": ":"}
DIED: dict[str, Any] = {"color": BLACK, "linewidth": 1.0, "linestyle": ":"}
DIED_MARK: dict[str, Any] = {"color": BLACK, "marker": "v", "linestyle": "none", "markersize": 8}
NO_LONGER_FINITE: dict[str, Any] = {"color": BLACK, "linewidth": 1.2, "linestyle": "-."}
VALIDATION: dict[str, Any] = {"color": PURPLE, "marker": "D", "linestyle": "none"}
EXACTLY_ZERO: dict[str, Any] = {"color": VERMILLION, "marker": "|", "linestyle": "none"}
STRETCH: dict[str, Any] = {"edgecolor": VERMILLION, "hatch": "//", "linewidth": 0}
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
MAP = "cividis"
NOT_FINITE = "#FF3EA5"
SHARES = (0, 0.25, 0.5, 0.75, 1)
WIDTH = 7.6
DPI = 130
LONGEST_NAME = 64
BETWEEN = 0.45
"""The inches between two panels with an axis each, with room for half a number of both."""

LOOK: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "hatch.linewidth": 0.5,
    "path.simplify": True,
    "text.parse_math": False,  # names of layers, arms and files must not be read as formulas
}

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def look() -> Iterator[None]:
    """A context in which matplotlib draws in the look of the project, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(LOOK)  # type: ignore[arg-type]  # a table of our own, checked when drawn
        yield


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator of the public figure functions: they draw in the look of the project."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with look():
            return function(*args, **kwargs)

    return wrapper


class NotebookFigure(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of ``width`` x ``height`` inches whose parts do not overlap."""
    figure = NotebookFigure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def margins(
    figure: Figure, left: float, right: float, top: float, bottom: float, across: float = 0.4, down: float = 0.4
) -> None:
    """Fixed margins, in inches, in place of the constrained layout, which takes half the time of a grid of axes.

    ``across`` and ``down`` are the gaps between axes; they are meant for the
    number of columns and rows the figure has now, so call it after ``subplots``.
    """
    width, height = figure.get_size_inches()
    grid = figure.axes[0].get_subplotspec()
    rows, columns = grid.get_gridspec().get_geometry() if grid else (1, 1)
    room, rise = (width - left - right), (height - top - bottom)
    cell_width = (room - across * (columns - 1)) / columns
    cell_height = (rise - down * (rows - 1)) / rows
    figure.set_layout_engine(None)
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=across / cell_width,
        hspace=down / cell_height,
    )


def png(figure: Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes (no date, no program version).

    It is drawn once. ``savefig`` draws a figure twice whose layout is constrained.
    """
    buffer = io.BytesIO()
    with look(), warnings.catch_warnings():
        # Characters of a name that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from font", category=UserWarning)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        no_version: dict[str, Any] = {"Software": None}
        imsave(buffer, canvas.buffer_rgba(), format="png", dpi=figure.dpi, metadata=no_version)
    return buffer.getvalue()


def key(label: str, **look: Any) -> Line2D:
    """An entry of a legend: a line or a mark, and what it stands for."""
    return Line2D([], [], label=label, **look)


def image(axes: Axes, values: Any, **how: Any) -> AxesImage:
    """Numbers as coloured cells, without blending; what is masked, NaN or infinite is not drawn."""
    return axes.imshow(np.ma.masked_invalid(values), interpolation="nearest", **how)


def marker(values: NDArray[Any]) -> str:
    """The marker of a curve: a dot where it is a single point, which no line would show."""
    return "o" if np.count_nonzero(np.isfinite(values)) == 1 else ""


def step_axis(axes: Axes, label: bool = True) -> None:
    """Write the steps of the x axis as whole numbers with separators."""
    axes.xaxis.set_major_formatter(FuncFormatter(_step_label))
    if label:
        axes.set_xlabel("step")


def share_axis(axes: Axes, ticks: tuple[float, ...] = SHARES) -> None:
    """Write the shares of the y axis as percentages."""
    axes.set_yticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])


def share_dot(axes: Axes, row: int, share: float | None, interval: Sequence[float] | None, color: str) -> None:
    """A share in its row: a dot, and its interval as a bar."""
    if interval is not None:
        axes.plot(interval, [row, row], color=color, linewidth=2.2, solid_capstyle="butt")
    if share is not None:
        axes.plot([share], [row], "o", color=color, markersize=8, markeredgecolor="white", clip_on=False)


def name_that_fits(name: str) -> str:
    """A name that leaves room for its figure: of a long one the beginning and the end, between which dots stand."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 23]}...{name[-20:]}"


def share_rows(axes: Axes, names: Sequence[str], label: str, right: float = 1.0) -> None:
    """A row a name from top to bottom, and shares from left to right, in per cent."""
    axes.set_yticks(range(len(names)), [name_that_fits(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.02, right)
    axes.set_xticks(SHARES, [f"{100 * share:.0f} %" for share in SHARES])
    axes.set_xlabel(label)
    axes.grid(axis="y", visible=False)


def no_frame(axes: Axes) -> None:
    """Take away grid, ticks and the lines around the axes; what the columns are stands above them."""
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def log_axis(axes: Axes, most: float = math.inf) -> None:
    """A logarithmic y axis whose marks are plain numbers where they fit in four characters.

    ``most``: the most powers of ten below its top, of which the axis leaves out smaller values; default all.
    """
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if low < high / 10**most:
        low = high / 10**most
        axes.set_ylim(low, high)
    decades = np.log10(high / low) if low > 0 and np.isfinite(high / low) else 9.0
    if decades < 2.5:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades > 0.8 else (1, 1.5, 2, 3, 4, 5, 7)))
    plain_numbers(axes)


def plain_numbers(axes: Axes) -> None:
    """Marks of a logarithmic y axis as plain numbers."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _log_mark(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _log_mark(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= value < 1e5 else f"{value:g}".replace("e-0", "e-").replace("e+0", "e+")


def _step_label(value: float, _position: int | None = None) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else ""
