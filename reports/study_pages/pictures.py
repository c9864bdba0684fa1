"""Figures of a page: PNG files in ``figures/`` beside it, and the line that shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diagnostics.jsonfile import write_bytes
from diagnostics.statistics import Group
from diagnostics.summary import RunSummary
from reports.stats_text import rate_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from diagnostics.run import Run

MOST_COMPARED = 60


def rates(groups: Sequence[Group], page: Path) -> str | None:
    """Defect rates of the arms with their intervals."""
    from reports.figures.rates import rates_figure

    told = "; ".join(f"{group.label}: {rate_words(group)}" for group in groups)
    return _show(rates_figure(groups), page, "defect-rates", f"Defect runs: {told}")


def survival(groups: Sequence[Group], page: Path) -> str | None:
    """Runs still alive over steps."""
    from reports.figures.survival import survival_figure

    told = "; ".join(f"{g.label}: {g.judged - g.defect_runs} of {g.judged} alive at the end" for g in groups)
    return _show(survival_figure(groups), page, "still-alive", f"Runs still alive over steps: {told}")


def losses(groups: Sequence[Group], open_run: Callable[[RunSummary], Run], page: Path) -> str | None:
    """Loss curves of every run, an arm a panel."""
    from reports.figures.arms import arms_figure

    told = "; ".join(f"{group.label}: {group.defect_runs} of {group.judged} died" for group in groups)
    return _show(arms_figure(groups, open_run), page, "losses", f"Loss of every run, defect runs dashed: {told}")


def fates(runs: Sequence[Run], page: Path) -> str | None:
    """Norms of all layers, defect runs against survivors, around the onset."""
    from reports.figures.fates import fates_figure

    bad = sum(run.verdict.is_defect for run in runs)
    told = f"{bad} defect runs against {len(runs) - bad} survivors"
    figure = fates_figure(runs[:MOST_COMPARED], "onset")
    return _show(figure, page, "around-the-onset", f"Norms of weights, gradients and updates around the onset, {told}")


def _show(figure: Figure | None, page: Path, name: str, alt: str) -> str | None:
    """Write the figure and return its line; None where there is nothing to draw."""
    from reports.style import png

    if figure is None:
        return None
    file = page.parent / "figures" / f"{page.stem}-{name}.png"
    write_bytes(file, png(figure))
    return f"![{alt}](figures/{file.name})"
