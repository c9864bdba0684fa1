"""The ready figures of a run, as ``run.plot`` offers them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, Protocol

from diagnostics.views import view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OriginPart = Literal["line", "batch", "units", "movement"]


class Named(Protocol):
    """A run, as far as this file knows it."""

    name: str


class RunPlots:
    """The figures of the report of a run, one by one. A notebook shows what they return.

    ``run``: the run.

    Each returns a matplotlib Figure: ``figure.savefig("loss.png")`` keeps it, and ``figure.axes`` can be drawn on.
    Each raises MissingLibraryError where the package ``reports`` is not installed.
    """

    def __init__(self, run: Named) -> None:
        self._run = run

    def __repr__(self) -> str:
        return f"<RunPlots of {self._run.name}: run.plot() or run.plot.chain(), .layers(), .loss(), .origin()>"

    def __call__(self) -> Figure:
        """The figure that says most: the chain of events of a run that has one, else loss and accuracy."""
        return self._draw("overview")

    def loss(self) -> Figure:
        """Loss and accuracy over all steps, with onset, confirmation, recovery and the level of guessing."""
        return self._draw("loss")

    def chain(self) -> Figure:
        """The chain of events around the onset: which event came first, in which layer, and what followed.

        Raises ValueError for a run without one, as a healthy run is.
        """
        return self._draw("chain")

    def layers(self) -> Figure:
        """All layers over all steps: gradient norm, update to weight norm, silent and saturated units.

        Raises ValueError for a run whose layers are not recorded, as in the log of another tool.
        """
        return self._draw("layers")

    def origin(self, show: OriginPart = "line", data: str | os.PathLike[str] | None = None) -> Figure:
        """The step of the blow, beside that of the first link and an ordinary step. The run is replayed up to there.

        ``show``: "line" (default) for the loss along the step; "batch" for the samples that made its gradient;
        "units" for what it did to the units of the layer; "movement" for why these moved.
        ``data``: the folder of the data to replay with; None (default) for those that the log names.

        Raises ReplayError where the run cannot be replayed, and UnknownNameError for another ``show``.
        """
        return self._draw(f"origin {show}", data)

    def _draw(self, name: str, *more: object) -> Figure:
        figure: Figure = view("figure")(self._run, name, *more)
        return figure
