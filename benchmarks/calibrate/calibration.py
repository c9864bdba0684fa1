"""Calibration: measures the runs from which the limits of the detector were chosen.

    python -m benchmarks.zoo build --part calibration --share 0.25 --out zoo
    python -m benchmarks.calibrate.starts --out starts
    python -m benchmarks.calibrate.calibration --zoo zoo/calibration-0 --starts starts --write docs/calibration.md

All seeds are below 10,000. The seeds of the evaluation are above, and are judged once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.calibrate import patience
from benchmarks.calibrate.bands import band_rows, measured
from benchmarks.calibrate.candidates import candidate_rows, replayed
from benchmarks.calibrate.starts import LearningStart, first_learned_in, starts
from benchmarks.common import done, render
from benchmarks.zoo.groups import BEYOND
from benchmarks.zoo.judged import NATURAL, JudgedRun, judged_run
from benchmarks.zoo.numbers import early_warnings
from benchmarks.zoo.table import spread_row, warning_rows
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.findings import Stretch
from diagnostics.detect.recorded import diagnose
from diagnostics.log.reader import open_run

LATEST = 8


@dataclass(frozen=True)
class CalibrationRun:
    """One calibration run.

    Args:
        judged: its label and the verdict of the detector.
        start: how it began.
        statistics: its statistics, in the order of ``bands.STATISTICS``.
        fired: the rules that fired.
        by_candidate: its stretches by each form that may confirm earlier.
    """

    judged: JudgedRun
    start: LearningStart
    statistics: list[float]
    fired: frozenset[str] = frozenset()
    by_candidate: list[list[Stretch]] = field(default_factory=list)


def judge(label: Path) -> CalibrationRun:
    """The run of a label, measured and judged from its log."""
    run = open_run(label.with_suffix(".h5"))
    learned, last = first_learned_in(run)
    diagnosis = diagnose(run, DEFAULT_THRESHOLDS)  # the thresholds of today, not those of the log
    judged = judged_run(label, diagnosis)
    start = LearningStart(judged.name, judged.network, len(run), learned, last, judged.accuracies[-1])
    fired = frozenset(check.rule for check in diagnosis.checks if check.outcome == "fired")
    return CalibrationRun(judged, start, measured(run), fired, replayed(run))


def judge_all(folder: Path, jobs: int = 2) -> list[CalibrationRun]:
    """All labelled runs of a folder without an injected fault, in the order of their names."""
    groups = (*NATURAL, "clean", *BEYOND)
    labels = [label for label in sorted(folder.glob("*.json")) if json.loads(label.read_text())["group"] in groups]
    return done(labels, judge, jobs)


def prepare(runs: Sequence[CalibrationRun], others: Sequence[LearningStart], picture: str) -> dict[str, Any]:
    """What the template of the page prints.

    Args:
        runs: the logged runs.
        others: the short ones without a log.
        picture: the name of the figure.
    """
    everything = runs
    runs = [one for one in runs if one.judged.group not in BEYOND]
    alive = [one for one in runs if one.judged.label == "alive"]
    dead = [one for one in runs if one.judged.label == "dead"]
    by_network: dict[str, list[list[float]]] = {}
    for one in alive:
        by_network.setdefault(one.judged.network, []).append(one.statistics)
    found = [one.start for one in runs] + list(others)
    defect = [one.judged for one in runs if one.judged.is_defect]
    natural = [one.judged for one in runs if one.judged.is_natural]
    warnings = early_warnings(natural, [one.judged for one in alive if not one.judged.is_natural])
    return {
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
        "warnings": warning_rows(warnings),
        "leads": [
            spread_row("early warning before the verdict", warnings["lead_over_the_verdict"]),
            spread_row("early warning before the onset of a collapse", warnings["lead_over_the_onset"]),
        ],
        "verdicts": ", ".join(f"{n} {v}" for v, n in Counter(one.judged.verdict for one in alive).most_common()),
        "fired": Counter(rule for one in alive for rule in sorted(one.fired)).most_common(),
        "causes": Counter(one.cause[0] if one.cause else "unexplained" for one in defect).most_common(),
        "defect_runs": len(defect),
        "beyond": len(everything) - len(runs),
        "candidates": candidate_rows([(one.judged.label, one.by_candidate) for one in everything]),
    }


def _latest(found: Sequence[LearningStart]) -> list[tuple[str, ...]]:
    """The runs that guessed for longest and learned in the end."""
    late = sorted((one for one in found if one.learned is not None), key=lambda one: -one.last_guess)
    return [(one.settings, str(one.last_guess), str(one.learned), f"{one.validation:.3f}") for one in late[:LATEST]]


def main() -> None:
    parser = common.parser("benchmarks.calibrate.calibration", __doc__)
    parser.add_argument("--zoo", type=Path, default=Path("zoo/calibration-0"), help="the folder of the logged runs")
    parser.add_argument("--starts", type=Path, default=Path("starts"), help="the folder of the short ones")
    parser.add_argument("--write", type=Path, default=Path("docs/calibration.md"), help="the file of the page")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs are judged at a time")
    options = parser.parse_args()
    runs, others = judge_all(options.zoo, options.jobs), starts(options.starts)
    picture = options.write.with_name("patience.png")
    patience.draw([one.start for one in runs] + others, picture)
    options.write.write_text(render("calibration.md.j2", prepare(runs, others, picture.name)))
    print(options.write)


if __name__ == "__main__":
    main()
