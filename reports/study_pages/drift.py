"""Which parameters move before a late collapse: their size before the onset, against healthy runs at the same steps."""

from __future__ import annotations

import math
from pathlib import Path

from diagnostics.errors import LogError
from diagnostics.findings import Verdict
from diagnostics.run import Run
from diagnostics.statistics import Group
from reports.study_pages import pictures
from reports.study_pages.markdown import table

BEFORE = 300
"""Steps before the onset over which drift is looked for."""
HEALTHY = 12
"""Healthy runs that are compared with, the first seeds: more change the medians little and take long to read."""


def drift_table(group: Group | None, folder: Path, target: Path) -> str:
    """The norm of each tensor just before the onset over that 300 steps earlier, collapsed against healthy runs."""
    from diagnostics.bands import parameter_bands

    if group is None:
        return "No run with the report's convolution yet."
    late = [r for r in group.runs if r.is_defect and r.verdict is Verdict.COLLAPSED and (r.onset or 0) > BEFORE]
    healthy = [r for r in group.runs if r.verdict is Verdict.HEALTHY and r.is_survivor][:HEALTHY]
    runs = _open([*(r.name for r in late), *(r.name for r in healthy)], folder)
    if not late or not healthy or len(runs) < 2:
        return f"No comparison: {len(late)} late collapses and {len(healthy)} healthy runs with this convolution."
    bands = parameter_bands(runs, ["norm"], ["value"], align="onset", window=(-BEFORE, -1), points=BEFORE)
    growth = {}
    for (fate, layer, tensor), part in bands.groupby(level=["fate", "layer", "tensor"], sort=False):
        medians = part["median"].to_numpy()
        growth[fate, layer, tensor] = medians[-1] / medians[0] if medians[0] else math.nan
    tensors = sorted({key[1:] for key in growth}, key=lambda t: _apart(growth["defect", *t], growth["healthy", *t]))
    rows = [(f"{la} {t}", f"{growth['defect', la, t]:.2f}", f"{growth['healthy', la, t]:.2f}") for la, t in tensors]
    return (
        f"Norm of each tensor one step before the onset, as a multiple of what it was {BEFORE} steps before; "
        f"medians of {len(late)} run{'s' * (len(late) != 1)} that collapsed after step {BEFORE}, and of {len(healthy)} "
        "healthy runs at the same steps. The tensors that differ most stand first.\n\n"
        + table(["tensor", "collapsed", "healthy"], rows)
        + f"\n\n{pictures.fates(runs, target) or ''}".rstrip()
    )


def _apart(collapsed: float, healthy: float) -> float:
    """Sorts the largest ratio of the two first, whichever is larger, and what is unknown last."""
    return -abs(math.log(collapsed / healthy)) if collapsed > 0 and healthy > 0 else math.inf


def _open(names: list[str], folder: Path) -> list[Run]:
    from diagnostics.reader import open_run

    runs = []
    for name in names:
        try:
            runs.append(open_run(folder / name))
        except LogError:
            continue  # a file that went missing since it was counted
    return runs
