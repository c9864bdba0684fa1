"""Calibration: what the limits of the detector rest on.

    python -m benchmarks.zoo build --part calibration --share 0.25 --out zoo
    python -m benchmarks.calibrate.starts --out starts
    python -m benchmarks.calibrate.calibration --zoo zoo/calibration-0 --starts starts --write docs/calibration.md

All seeds are below 10,000; those of the evaluation come after and are judged once.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibrate import patience
from benchmarks.calibrate.bands import band_rows, measured
from benchmarks.calibrate.starts import Start, first_learned, starts
from benchmarks.common import commit, outcomes, render
from benchmarks.zoo.judged import ALIVE_ABOVE, DEAD_BELOW, NATURAL
from diagnostics.detect.detector import DEFAULT_THRESHOLDS, diagnose
from diagnostics.detect.early_warnings import RULE
from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.log.reader import open_run
from diagnostics.statistics.intervals import wilson

WARNED_WITHIN = 200
LATEST = 8


@dataclass(frozen=True)
class CalibrationRun:
    """One calibration run: its label, what was measured of it, and what the detector says.

    ``warned`` holds the steps of its early warnings.
    """

    name: str
    group: str
    network: str
    validation: float
    start: Start
    statistics: list[float]
    diagnosis: Diagnosis
    warned: tuple[int, ...] = ()


def judge(label: Path) -> CalibrationRun:
    """The run of a label, measured and judged from its log."""
    entry = json.loads(label.read_text())
    run = open_run(label.with_suffix(".h5"))
    columns = run.columns
    rows = run.block([columns.scalar("data_loss"), columns.scalar("accuracy")])
    learned, last = first_learned(list(run.info.prior), rows[:, 0], rows[:, 1], run.info.batch_size)
    network, validation = entry["settings"]["network"], entry["accuracies"][-1]
    diagnosis = diagnose(run)
    start = Start(label.stem, network, len(rows), learned, last, validation)
    warned = tuple(finding.first_step for finding in diagnosis.findings if finding.rule == RULE)
    return CalibrationRun(label.stem, entry["group"], network, validation, start, measured(run), diagnosis, warned)


def judge_all(folder: Path, jobs: int = 2) -> list[CalibrationRun]:
    """All natural and clean runs of a folder that have a label, in the order of their names."""
    labels = [
        label
        for label in sorted(folder.glob("*.json"))
        if json.loads(label.read_text())["group"] in (*NATURAL, "clean")
    ]
    found = dict(outcomes(labels, judge, jobs))
    return [judged for label in labels if isinstance(judged := found[label], CalibrationRun)]


def prepare(runs: Sequence[CalibrationRun], others: Sequence[Start], picture: str) -> dict[str, Any]:
    """What the template of the page prints.

    Args:
        runs: the logged runs.
        others: the short ones without a log.
        picture: the name of the figure.
    """
    alive = [one for one in runs if one.validation > ALIVE_ABOVE]
    dead = [one for one in runs if one.validation < DEAD_BELOW]
    by_network: dict[str, list[list[float]]] = {}
    for one in alive:
        by_network.setdefault(one.network, []).append(one.statistics)
    found = [one.start for one in runs] + list(others)
    defect = [one.diagnosis for one in runs if one.diagnosis.verdict.is_defect]
    fired = Counter(rule for one in alive for rule in {c.rule for c in one.diagnosis.checks if c.outcome == "fired"})
    return {
        "commit": commit(),
        "logged": len(runs),
        "alive": len(alive),
        "dead": len(dead),
        "short": len(others),
        "learners": sum(one.learned is not None for one in found),
        "found_patience": patience.patience(found),
        "found_grace": patience.grace(found),
        "patience": f"{DEFAULT_THRESHOLDS['verdict.patience']:g}",
        "grace": f"{DEFAULT_THRESHOLDS['verdict.grace']:g}",
        "picture": picture,
        "waiting": patience.rows(found),
        "latest": _latest(found),
        "bands": band_rows(by_network, [one.statistics for one in dead]),
        "warnings": _warnings(runs),
        "verdicts": ", ".join(f"{n} {v}" for v, n in Counter(str(o.diagnosis.verdict) for o in alive).most_common()),
        "fired": fired.most_common(),
        "causes": Counter(one.cause.rule if one.cause else "unexplained" for one in defect).most_common(),
        "defect_runs": len(defect),
    }


def _latest(found: Sequence[Start]) -> list[tuple[str, ...]]:
    """The runs that were guessing for longest and learned nevertheless."""
    late = sorted((one for one in found if one.learned is not None), key=lambda one: -one.last_guess)
    return [(one.settings, str(one.last_guess), str(one.learned), f"{one.validation:.3f}") for one in late[:LATEST]]


def _warnings(runs: Sequence[CalibrationRun]) -> list[str]:
    """How often healthy runs are warned of, and how long before the detector is sure the others are."""
    lines = []
    for groups, words in ((("clean",), "clean"), (NATURAL, "natural")):
        well = [one for one in runs if one.group in groups and one.diagnosis.verdict is Verdict.HEALTHY]
        told = sum(bool(one.warned) for one in well)
        low, high = wilson(told, len(well)) or (0.0, 1.0)
        lines.append(
            f"{told} of {len(well)} healthy {words} runs had a warning ({told / max(1, len(well)):.1%}, "
            f"Wilson 95 % {low:.1%} to {high:.1%})."
        )
    downs = [(one, one.diagnosis.stretches[0]) for one in runs if one.diagnosis.stretches]
    leads = []
    for one, stretch in downs:
        since = max(0, stretch.onset - WARNED_WITHIN)
        told_at = [step for step in one.warned if since <= step < stretch.confirmed]
        leads += [stretch.confirmed - told_at[0]] if told_at else []
    if leads:
        low, middle, high = np.percentile(leads, [10, 50, 90])
        lines.append(
            f"{len(leads)} of {len(downs)} runs that went down had a warning before the detector was sure, "
            f"{middle:.0f} steps before in the median (10th to 90th percentile: {low:.0f} to {high:.0f})."
        )
    collapses = [(one, stretch.onset) for one, stretch in downs if stretch.kind is Verdict.COLLAPSED]
    early = []
    for one, onset in collapses:
        told_at = [step for step in one.warned if onset - WARNED_WITHIN <= step < onset]
        early += [onset - told_at[0]] if told_at else []
    steps_before = f", {', '.join(map(str, sorted(early)))} steps before" if early else ""
    lines.append(f"{len(early)} of {len(collapses)} collapses had a warning before their onset{steps_before}.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, default=Path("zoo/calibration-0"), help="the folder of the logged runs")
    parser.add_argument("--starts", type=Path, default=Path("starts"), help="the folder of the short ones")
    parser.add_argument("--write", type=Path, default=Path("docs/calibration.md"), help="where the page goes")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs are judged at a time")
    options = parser.parse_args()
    runs, others = judge_all(options.zoo, options.jobs), starts(options.starts)
    picture = options.write.with_name("patience.png")
    patience.draw([one.start for one in runs] + others, picture)
    options.write.write_text(render("calibration.md.j2", prepare(runs, others, picture.name)))
    print(options.write)


if __name__ == "__main__":
    main()
