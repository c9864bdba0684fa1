"""Defect rates of the arms as dots with Wilson's 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from diagnostics.statistics.group import Group
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place, StudyRuns
from reports.text.statistics import defect_rate

PLACE = Place("study", "arms", 10)


@dataclass(frozen=True)
class Rate:
    """One arm: k of n runs died, and the interval of the rate."""

    label: str
    defects: int
    judged: int
    rate: float
    low: float
    high: float


def prepare(groups: Sequence[Group]) -> tuple[Rate, ...]:
    """The arms that have judged runs, in their order."""
    rates = []
    for group in groups:
        if group.interval is not None and group.defect_rate is not None:
            low, high = group.interval
            rates.append(Rate(group.label, group.defect_runs, group.judged, group.defect_rate, low, high))
    return tuple(rates)


def draw(rates: Sequence[Rate], axes: Axes) -> None:
    """A row an arm: the dot is k/n, the bar its interval, the count stands beside it."""
    for i, rate in enumerate(rates):
        style.share_dot(axes, i, rate.rate, (rate.low, rate.high), style.BLUE)
        count = f"{rate.defects} of {rate.judged}"
        axes.annotate(count, (rate.high, i), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8.5)
    style.share_rows(axes, [rate.label for rate in rates], "runs that died, with 95 % interval", right=1.12)


@style.styled
def rates_figure(groups: Sequence[Group]) -> Figure | None:
    """Dots with intervals; None where no run was judged."""
    rates = prepare(groups)
    if not rates:
        return None
    figure = style.new_figure(0.8 + 0.34 * len(rates))
    draw(rates, figure.subplots())
    return figure


def captioned(study: StudyRuns) -> Iterator[CaptionedFigure]:
    """The figure with its words; none where no run was judged."""
    figure = rates_figure(study.groups)
    if figure is not None:
        told = "; ".join(f"{group.label}: {defect_rate(group)}" for group in study.groups)
        yield CaptionedFigure(
            "1-defect-rates",
            "Defect rates",
            f"Dots with intervals: {told}.",
            "The dot is the share of judged runs that died, the bar its Wilson 95 % interval. "
            "Intervals that overlap leave the difference open.",
            figure,
        )
