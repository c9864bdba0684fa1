"""Figures of a page: PNG files in ``figures/`` beside it, and the line that shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diagnostics.files import write_bytes
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from reports.text.statistics import defect_rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from diagnostics.run.run import Run

MOST_TOLD = 4
"""Arms whose numbers stand in the words for those who do not see the picture; the page has a table of all."""


def rates(groups: Sequence[Group], page: Path) -> str | None:
    """Defect rates of the arms with their intervals."""
    from reports.figures.rates import rates_figure

    told = "; ".join(f"{group.label}: {defect_rate(group)}" for group in groups[:MOST_TOLD])
    more = f"; {len(groups) - MOST_TOLD} more arms in the tables" if len(groups) > MOST_TOLD else ""
    return _show(rates_figure(groups), page, "defect-rates", f"Defect runs: {told}{more}")


def survival(groups: Sequence[Group], page: Path) -> str | None:
    """Runs still alive over steps."""
    from reports.figures.survival import survival_figure, survivors_words

    told = f"Runs still alive over steps: {survivors_words(groups)}"
    return _show(survival_figure(groups), page, "still-alive", told)


def losses(groups: Sequence[Group], open_run: Callable[[RunSummary], Run], page: Path) -> str | None:
    """Loss curves of every run, an arm a panel."""
    from reports.figures.arms import arms_figure

    told = "; ".join(f"{group.label}: {group.defect_runs} of {group.judged} died" for group in groups)
    return _show(arms_figure(groups, open_run), page, "losses", f"Loss of every run, defect runs dashed: {told}")


def drift(runs: Sequence[Run], page: Path) -> str | None:
    """Weights and biases of all layers before the onset, collapsed runs against healthy ones."""
    from reports.figures.healthy_vs_defect import PARAMETERS, healthy_vs_defect_figure

    bad = sum(run.verdict.is_defect for run in runs)
    told = f"{bad} collapsed runs against {len(runs) - bad} healthy ones"
    figure = healthy_vs_defect_figure(runs, "onset", PARAMETERS, (-200, 50), lambda run: run.diagnosis.onset)
    return _show(figure, page, "before-the-collapse", f"Weights and biases of every layer before the onset, {told}")


def _show(figure: Figure | None, page: Path, name: str, alt: str) -> str | None:
    """Write the figure and return its line; None where there is nothing to draw."""
    from reports.figures.style import png

    if figure is None:
        return None
    file = page.parent / "figures" / f"{page.stem}-{name}.png"
    write_bytes(file, png(figure))
    return f"![{alt}](figures/{file.name})"
