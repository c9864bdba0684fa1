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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.calibrate import patience
from benchmarks.calibrate.bands import band_rows, measured
from benchmarks.calibrate.starts import Start, first_learned, starts
from benchmarks.common import commit
from benchmarks.zoo.judged import NATURAL
from diagnostics.detect.detector import DEFAULT_THRESHOLDS, replay
from diagnostics.detect.early_warnings import RULE
from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.log.reader import open_run
from diagnostics.statistics.intervals import wilson

ALIVE, DEAD = 0.8, 0.2


@dataclass(frozen=True)
class Judged:
    """One calibration run: its label, what was measured of it, and what the detector says."""

    name: str
    group: str
    network: str
    validation: float
    start: Start
    statistics: list[float]
    diagnosis: Diagnosis
    warned: tuple[int, ...] = field(default=())


def judge(folder: Path) -> list[Judged]:
    """All natural and clean runs of a folder that have a label."""
    found = []
    for label in sorted(folder.glob("*.json")):
        entry = json.loads(label.read_text())
        if entry["group"] not in (*NATURAL, "clean"):
            continue
        run = open_run(label.with_suffix(".h5"))
        columns = run.columns
        rows = run.block([columns.scalar("data_loss"), columns.scalar("accuracy")])
        learned, last = first_learned(list(run.info.prior), rows[:, 0], rows[:, 1], run.info.batch_size)
        network, validation = entry["settings"]["network"], entry["accuracies"][-1]
        diagnosis = replay(run)
        start = Start(label.stem, network, len(rows), learned, last, validation)
        warned = tuple(f.first_step for f in diagnosis.findings if f.rule == RULE)
        found.append(Judged(label.stem, entry["group"], network, validation, start, measured(run), diagnosis, warned))
    return found


def page(runs: Sequence[Judged], others: Sequence[Start], picture: str) -> str:
    """The whole page."""
    alive = [one for one in runs if one.validation > ALIVE]
    dead = [one for one in runs if one.validation < DEAD]
    by_network: dict[str, list[list[float]]] = {}
    for one in alive:
        by_network.setdefault(one.network, []).append(one.statistics)
    found = [one.start for one in runs] + list(others)
    p, g = DEFAULT_THRESHOLDS["verdict.patience"], DEFAULT_THRESHOLDS["verdict.grace"]
    parts = [
        "# Calibration\n",
        f"Written by `benchmarks/calibrate/calibration.py` at commit {commit()}: {len(runs)} logged runs "
        f"({len(alive)} end well, {len(dead)} dead) and {len(others)} short ones without a log. Repeat it with\n",
        "\n".join("    " + line.strip() for line in (__doc__ or "").splitlines() if line.startswith("    ")),
        "\n## Patience and grace\n",
        f"{sum(one.learned is not None for one in found)} of {len(found)} runs learn in the end. The smallest number "
        f"of steps by which at most 1 % of them are still guessing is {patience.patience(found)}; that by which "
        f"90 % have learned is {patience.grace(found)}. The limits are P = {p:g} and G = {g:g}.\n",
        f"![false alarms against steps waited]({picture})\n",
        "\n".join(patience.table(found)),
        "\nThe latest starters:\n",
        "\n".join(_latest(found)),
        "\n## The healthy band of each statistic\n",
        "Over all steps of runs that end well, per network; beside it the median of all dead runs. Some healthy runs "
        "exceed a limit; that raises no alarm, since these rules are asked only after a run has gone down. Of what is "
        'smallest in a run, "95 % within" is a lower bound.\n',
        "\n".join(band_rows(by_network, [one.statistics for one in dead])),
        "\n## Early warnings\n",
        _warnings(runs),
        "\n## What is said of runs that end well\n",
        _said(alive),
        "\n## Causes of the defect runs\n",
        _causes(runs),
    ]
    return "\n".join(parts) + "\n"


def _latest(found: Sequence[Start]) -> list[str]:
    late = sorted((s for s in found if s.learned is not None), key=lambda s: -s.last_guess)[:8]
    lines = ["| run | guessing until | learned at | validation accuracy |", "|---|---|---|---|"]
    return lines + [f"| {s.settings} | {s.last_guess} | {s.learned} | {s.validation:.3f} |" for s in late]


def _warnings(runs: Sequence[Judged]) -> str:
    lines = []
    for groups, words in ((("clean",), "clean"), (NATURAL, "natural")):
        well = [one for one in runs if one.group in groups and one.diagnosis.verdict is Verdict.HEALTHY]
        told = sum(bool(one.warned) for one in well)
        low, high = wilson(told, len(well)) or (0.0, 1.0)
        lines.append(
            f"- {told} of {len(well)} healthy {words} runs had a warning ({told / max(1, len(well)):.1%}, "
            f"Wilson 95 % {low:.1%} to {high:.1%})."
        )
    downs = [(one, one.diagnosis.stretches[0]) for one in runs if one.diagnosis.stretches]
    leads = []
    for one, stretch in downs:
        since = max(0, stretch.onset - 200)
        told_at = [step for step in one.warned if since <= step < stretch.confirmed]
        leads += [stretch.confirmed - told_at[0]] if told_at else []
    if leads:
        low, middle, high = np.percentile(leads, [10, 50, 90])
        lines.append(
            f"- {len(leads)} of {len(downs)} runs that went down had a warning before the detector was sure, "
            f"{middle:.0f} steps before in the median (10th to 90th percentile: {low:.0f} to {high:.0f})."
        )
    collapsed = [(one, s) for one, s in downs if s.kind is Verdict.COLLAPSED]
    before = [[s.onset - step for step in one.warned if s.onset - 200 <= step < s.onset] for one, s in collapsed]
    early = sorted(steps[0] for steps in before if steps)
    lines.append(
        f"- {len(early)} of {len(collapsed)} collapses had a warning before their onset"
        + (f", {', '.join(map(str, early))} steps before." if early else ".")
    )
    return "\n".join(lines)


def _said(alive: Sequence[Judged]) -> str:
    fired = Counter(f.rule for one in alive for f in {c.rule: c for c in one.diagnosis.checks}.values()
                    if f.outcome == "fired")  # fmt: skip
    verdicts = Counter(str(one.diagnosis.verdict) for one in alive)
    lines = [f"Verdicts: {', '.join(f'{n} {v}' for v, n in verdicts.most_common())}. Rules that fired:", ""]
    lines += [f"- {rule}: in {n} of {len(alive)} runs" for rule, n in fired.most_common()] or ["- none"]
    return "\n".join(lines)


def _causes(runs: Sequence[Judged]) -> str:
    defect = [one for one in runs if one.diagnosis.verdict.is_defect]
    causes = Counter(one.diagnosis.cause.rule if one.diagnosis.cause else "unexplained" for one in defect)
    return "\n".join(f"- {rule}: {n} of {len(defect)}" for rule, n in causes.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, default=Path("zoo/calibration-0"))
    parser.add_argument("--starts", type=Path, default=Path("starts"))
    parser.add_argument("--write", type=Path, default=Path("docs/calibration.md"))
    options = parser.parse_args()
    runs, others = judge(options.zoo), starts(options.starts)
    picture = options.write.with_name("patience.png")
    patience.draw([one.start for one in runs] + others, picture)
    options.write.write_text(page(runs, others, picture.name))
    print(options.write)


if __name__ == "__main__":
    main()
