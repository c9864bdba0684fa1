"""Which parameters move before a late collapse: in words, as a table, and as a figure."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.run.run import Run
from diagnostics.statistics.group import Group
from reports.results import pictures
from reports.results.markdown import join, table
from reports.results.why_words import EARLY
from reports.text.numbers import counted

BEFORE = 200
"""Steps before the onset over which drift is looked for."""
SHOWN = 8
Row = dict[str, float]


def drift(group: Group | None, folder: Path, target: Path) -> str:
    """The tensors that leave the range of the healthy runs before a collapse that is not an early one."""
    from diagnostics.statistics.drift import drifts

    if group is None:
        return "No run with the report's convolution yet."
    collapsed = [r for r in group.runs if r.is_defect and r.verdict is Verdict.COLLAPSED and (r.onset or 0) >= EARLY]
    late = _open([r.name for r in collapsed], folder)
    healthy = _open([r.name for r in group.runs if r.is_judged and r.verdict is Verdict.HEALTHY], folder)
    if not late or len(healthy) < 2:
        return (f"No comparison: {counted(len(late), 'collapse')} after step {EARLY} and "
                f"{counted(len(healthy), 'healthy run')} with this convolution.")  # fmt: skip
    frame = drifts(late, healthy, before=BEFORE)
    return join(
        f"How far each tensor has moved since the first step: the {counted(len(late), 'run')} that collapsed after "
        f"step {EARLY}, looked at one step before the onset, against the {len(healthy)} healthy runs with this "
        "convolution at the same step. Outside means that its norm, or the mean of its entries, has changed by less "
        "(below) or by more (above) than in every healthy run; for a run that is like the healthy ones the chance of "
        f"that is {2 / (len(healthy) + 1):.0%} for each tensor and run, so of the {len(frame) * len(late)} looked at "
        f"here about {2 / (len(healthy) + 1) * len(frame) * len(late):.0f} are outside by chance; "
        f"{int(frame[['below', 'above']].to_numpy().sum())} are. {_words(frame)}",
        f"The {min(SHOWN, len(frame))} of {len(frame)} that are outside most often:",
        table(["tensor", "of it", "runs below", "runs above", "of", "outside since, steps before the onset (median)"],
              _rows(frame.head(SHOWN))),
        pictures.drift([*late, *healthy], target),
        f"The band of the healthy runs is taken around all {len(late)} onsets together, which lie at different steps "
        f"of the training; 10 to 90 % of {len(late)} runs is nearly their range.",
    ).rstrip()  # fmt: skip


def _words(frame: pd.DataFrame) -> str:
    """The tensors that are outside on the same side in at least half of the runs."""
    often = frame[2 * frame[["below", "above"]].max(axis=1) >= frame["runs"]]
    if not len(often):
        return "**No tensor is outside on one side in half of them**, so no drift is common to most of these collapses."
    first = often.head(4)
    named = [f"{statistic} of {layer} {tensor} ({_side(row)})" for (layer, tensor, statistic), row in _items(first)]
    more = f" and {len(often) - 4} more" if len(often) > 4 else ""
    return f"**What drifts in at least half of them: {'; '.join(named)}{more}.**"


def _side(row: Row) -> str:
    """In how many runs, on which side."""
    sides = [f"{side} in {int(row[side])}" for side in ("below", "above") if row[side]]
    return f"{' and '.join(sides)} of {int(row['runs'])}"


def _rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        (f"{layer} {tensor}", statistic, str(int(row["below"])), str(int(row["above"])), str(int(row["runs"])),
         "–" if math.isnan(row["lead"]) else _lead(row["lead"]))
        for (layer, tensor, statistic), row in _items(frame)
    ]  # fmt: skip


def _items(frame: pd.DataFrame) -> list[tuple[tuple[str, str, str], Row]]:
    """Index and cells of each row."""
    keys = frame.index.to_list()
    return [(key, {str(name): float(value) for name, value in row.items()})
            for key, row in zip(keys, frame.to_dict("records"), strict=True)]  # fmt: skip


def _lead(steps: float) -> str:
    return f"{steps:.0f}" if steps < BEFORE else f"{BEFORE} or more"


def _open(names: list[str], folder: Path) -> list[Run]:
    from diagnostics.log.reader import open_run

    runs = []
    for name in names:
        try:
            runs.append(open_run(folder / name))
        except LogError:
            continue  # a file that went missing since it was counted
    return runs
