"""Finds the parameters that move before a late collapse: how far each tensor has moved, against the healthy runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.run.run import Run
from diagnostics.statistics.group import Group
from reports.results.study_numbers import Numbers
from reports.text.numbers import NONE

BEFORE = 200
"""The number of steps before the onset over which drift is searched."""
AFTER = 100
"""A collapse that begins before this step is an early one, and does not count."""
SHOWN = 8
NAMED = 4


def runs_to_compare(group: Group, folder: Path) -> tuple[list[Run], list[Run]]:
    """The runs that collapsed late and the healthy runs of an arm, opened; a log that has gone is left out."""
    late = [r for r in group.runs if r.is_defect and r.verdict is Verdict.COLLAPSED and (r.onset or 0) >= AFTER]
    healthy = [r for r in group.runs if r.is_judged and r.verdict is Verdict.HEALTHY]
    return _open((r.name for r in late), folder), _open((r.name for r in healthy), folder)


def numbers(late: list[Run], healthy: list[Run]) -> Numbers:
    """How often each tensor is outside the range of the healthy runs; no tensors where there are too few runs.

    ``lead`` is the median number of steps before the onset for which it was outside; None where it never was.
    """
    from diagnostics.statistics.drift import drifts

    tensors = []
    if late and len(healthy) >= 2:
        frame = drifts(late, healthy, before=BEFORE)
        for (layer, tensor, statistic), row in zip(frame.index, frame.to_dict("records"), strict=True):
            lead = float(row["lead"])
            counts = {name: int(row[name]) for name in ("below", "above", "runs")}
            tensors.append(
                {"layer": layer, "tensor": tensor, "statistic": statistic, **counts}
                | {"lead": None if math.isnan(lead) else lead}
            )
    return {"late": len(late), "healthy": len(healthy), "after": AFTER, "tensors": tensors}


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints."""
    tensors, late, healthy = numbers["tensors"], numbers["late"], numbers["healthy"]
    by_chance = 2 / (healthy + 1)
    often = [one for one in tensors if 2 * max(one["below"], one["above"]) >= one["runs"]]
    return {
        **{name: numbers[name] for name in ("late", "healthy", "after")},
        "tensors": len(tensors),
        "chance": f"{by_chance:.0%}",
        "looked_at": len(tensors) * late,
        "by_chance": f"{by_chance * len(tensors) * late:.0f}",
        "outside": sum(one["below"] + one["above"] for one in tensors),
        "common": [{**one, "sides": _sides(one)} for one in often[:NAMED]],
        "more_common": max(0, len(often) - NAMED),
        "shown": min(SHOWN, len(tensors)),
        "rows": [_row(one) for one in tensors[:SHOWN]],
    }


def _sides(one: Numbers) -> str:
    """The number of runs on each side, in words."""
    sides = [f"{side} in {one[side]}" for side in ("below", "above") if one[side]]
    return f"{' and '.join(sides)} of {one['runs']}"


def _row(one: Numbers) -> tuple[str, ...]:
    lead = one["lead"]
    since = NONE if lead is None else f"{lead:.0f}" if lead < BEFORE else f"{BEFORE} or more"
    counts = (str(one[name]) for name in ("below", "above", "runs"))
    return (f"{one['layer']} {one['tensor']}", one["statistic"], *counts, since)


def _open(names: Iterable[str], folder: Path) -> list[Run]:
    from diagnostics.log.reader import open_run

    runs = []
    for name in names:
        try:
            runs.append(open_run(folder / name))
        except LogError:
            continue  # the file was removed after it was counted
    return runs
