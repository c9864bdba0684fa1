"""The table of the zoo: how often the detector is right, on runs that no rule was made on.

The numbers are kept as JSON. The page is a template that is filled with the result of ``prepare``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.common import render
from benchmarks.zoo.cells import Numbers, reached_cell, share_cell, steps_cell
from benchmarks.zoo.goals import goal_rows
from benchmarks.zoo.groups import CHANGED_SINCE, RETIRED_SEEDS, zoo_runs
from benchmarks.zoo.judged import JudgedRun, judge_all
from benchmarks.zoo.kept_record import kept_record
from benchmarks.zoo.kept_runs import read_kept, write_kept
from benchmarks.zoo.numbers import SOON, share, summary
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.findings import DETECTED
from diagnostics.provenance import commit

STOPPED_AT_MOST = 0.01
FROM_CSV = 80  # natural runs of lenet that are judged from loss and accuracy alone
CONVOLUTIONS = {"exact": "exact convolution", "report": "the paper's own convolution"}
KINDS = {
    "all": "all but the clean settings",
    "natural": "natural settings",
    "own": "the paper's own settings",
    "clean": "clean settings",
    "slow": "slow learners",
    "batches": "batches of 8 to 512",
    "shapes": "drawn shapes",
}


def write_table(
    folder: Path, path: Path | None, jobs: int = 2, record: Path | None = None, kept: Path | None = None
) -> None:
    """Judge the runs of ``folder``; print the table, or write it as Markdown with a .json beside it.

    Args:
        folder: the logs of a round.
        path: the file of the table; None to print it.
        jobs: how many runs are judged at a time.
        record: the file of the counts that the rules keep.
        kept: the file of the runs of the round that are judged already; those of ``folder`` are added to it.
    """
    runs = read_kept(kept)
    runs += [replace(one, judged_at=commit()) for one in judge_all(folder, jobs, {one.name for one in runs})]
    runs.sort(key=lambda one: one.name)
    if kept is not None:
        write_kept(kept, runs)
    part, round_ = folder.name.rsplit("-", 1)
    numbers = {
        "commit": commit(),
        "part": part,
        "round": int(round_),
        "retired_seeds": RETIRED_SEEDS,
        "planned": dict(Counter(run.group for run in zoo_runs(part, int(round_)))),
        "limits": dict(DEFAULT_THRESHOLDS),
        "csv": _from_csv(runs),
        **summary(runs),
    }
    text = page(numbers)
    if record is not None:
        record.write_text(kept_record(numbers))
    if path is None:
        print(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    lines = ",\n".join("  " + json.dumps(one.as_json()) for one in runs)
    head = json.dumps(numbers, indent=1)[:-2]
    path.with_suffix(".json").write_text(f'{head},\n "runs": [\n{lines}\n ]\n}}\n')


def _from_csv(runs: Sequence[JudgedRun]) -> dict[str, Any]:
    """How many verdicts are the same from loss and accuracy alone, and both verdicts of the others."""
    judged = [one for one in runs if one.from_csv is not None][:FROM_CSV]
    others = {one.name: (one.verdict, one.from_csv) for one in judged if one.verdict != one.from_csv}
    return {**share(len(judged) - len(others), len(judged)), "others": others}


def page(numbers: Numbers) -> str:
    """The page as Markdown."""
    return render("zoo.md.j2", prepare(numbers))


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints: each cell of each table as text."""
    natural = numbers["natural"]
    if_wrong = share(natural["precision"]["k"], natural["precision"]["n"] + natural["ambiguous_called_defect"])
    warnings = numbers["warnings"]
    return {
        **{key: numbers[key] for key in ("commit", "part", "round", "retired_seeds", "judged", "missing")},
        "changed_since": CHANGED_SINCE.get(numbers["commit"], ""),
        "page": "zoo.md" if numbers["part"] == "evaluation" else "zoo-calibration.md",
        "first_seed": f"{numbers['first_seed']:,}",
        "last_seed": f"{numbers['last_seed']:,}",
        "goals": goal_rows(numbers),
        "ambiguous": natural["ambiguous"],
        "ambiguous_called_defect": natural["ambiguous_called_defect"],
        "precision_if_wrong": share_cell(if_wrong, False),
        "rates": [
            _rates_row("all", natural),
            *(_rates_row(name, one) for name, one in numbers["natural_by_network"].items()),
            *(_rates_row(CONVOLUTIONS[name], one) for name, one in numbers["natural_by_convolution"].items()),
            _rates_row("the paper's own settings", numbers["natural_own"]),
        ],
        "verdict_names": [str(verdict) for verdict in DETECTED],
        "verdicts": [
            *(_counts_row(label, found) for label, found in numbers["verdicts"].items()),
            _counts_row("dead, above 0.5 at an earlier epoch's end", numbers["unlearned"]),
        ],
        "causes": ", ".join(f"{n} {name}" for name, n in sorted(numbers["causes"].items(), key=lambda e: -e[1])),
        "clean_settings_that_failed": numbers["clean_settings_that_failed"],
        "false_alarms": [
            ("all", share_cell(numbers["clean"])),
            *((name, share_cell(one)) for name, one in numbers["clean_by_network"].items()),
        ],
        "recall_faulty": share_cell(numbers["recall_faulty"]),
        "faults": [_fault_row(name, one) for name, one in numbers["faults"].items() if one["runs"]],
        "quiet": [_fault_row(name, one)[:-1] for name, one in numbers["quiet"].items() if one["runs"]],
        "quiet_right": share_cell(numbers["quiet_right"]),
        "beyond": [
            (*_rates_row(name, one), _counts(numbers["beyond_verdicts"][name]))
            for name, one in numbers["beyond"].items()
            if numbers["beyond_verdicts"][name]
        ],
        "told_of_clean": _counts(numbers["told_of_clean"]) or "nothing",
        "trained_at": _counts(numbers["trained_at"]),
        "judged_at": _commits(numbers.get("judged_at", {})) or f"commit {numbers['commit']}",
        "incomplete": _incomplete(numbers),
        "csv": share_cell(numbers["csv"]) if "csv" in numbers else "",
        "csv_others": [
            f"{name}: {alone} instead of {full}"
            for name, (full, alone) in numbers.get("csv", {"others": {}})["others"].items()
        ],
        "outcomes": _outcomes(numbers),
        "stopping": [
            (KINDS[kind], share_cell(one), reached_cell(one["share"], at_most=STOPPED_AT_MOST))
            for kind, one in numbers["stopping"].items()
        ],
        "signs": [(sign, share_cell(one)) for sign, one in numbers["signs"].items()],
        "records": [
            (rule, f"{one['right']} of {one['named']}" if one["named"] else "-", f"{one['seen']} of {one['alive']}")
            for rule, one in numbers["rules"].items()
        ],
        "steps": [
            spread_row("onset error, faults that act within one step", numbers["onset_error_one_step"]),
            spread_row("confirmation after onset, collapses", numbers["delay_collapse"]),
            spread_row("the same, of natural runs alone", numbers["delay_collapse_natural"]),
            spread_row("step at which never-learned was confirmed, natural runs", numbers["never_learned_confirmed"]),
            spread_row("early warning before the verdict", warnings["lead_over_the_verdict"]),
            spread_row("early warning before the onset of a collapse", warnings["lead_over_the_onset"]),
        ],
        "soon": SOON,
        "warnings": warning_rows(warnings),
        "wrong": [_wrong_line(one) for one in numbers["wrong"]],
    }


def _outcomes(numbers: Numbers) -> list[tuple[str, str]]:
    """The counts of the outcomes beside dead and alive."""
    counted = numbers["outcomes"]
    onset = numbers["onset_error_one_step"]
    warned = {KINDS[kind]: share_cell(one) for kind, one in counted["warned_though_healthy"].items() if one["n"]}
    return [
        ("clean runs in which loss and accuracy contradict each other", share_cell(numbers["contradictions"])),
        ("clean runs in which a loss or accuracy was said to stay put", share_cell(counted["frozen_numbers_in_clean"])),
        ("clean runs of which any fault was told", share_cell(counted["faults_told_of_clean"])),
        ("defect runs without a first link", share_cell(counted["dead_without_a_cause"])),
        ("defect runs that ended undecided", share_cell(counted["dead_undecided"])),
        (
            "onset error of faults that act within one step",
            f"median {steps_cell(onset['median'])}, largest {steps_cell(onset['largest'])} steps",
        ),
        ("layer and mechanism of injected faults", share_cell(numbers["cause_right"])),
        ("faults that may leave a run alive, told with their layer", share_cell(numbers["quiet_right"])),
        *((f"healthy runs with an early warning: {kind}", told) for kind, told in warned.items()),
    ]


def _incomplete(numbers: Numbers) -> str:
    """The groups that were judged in part, with their numbers of runs; groups of the same share stand together."""
    planned, judged = numbers.get("planned", {}), numbers["groups"]
    by_share: dict[tuple[int, int], list[str]] = {}
    for group, runs in planned.items():
        if judged.get(group, 0) < runs:
            by_share.setdefault((judged.get(group, 0), runs), []).append(group)
    return "; ".join(f"{k} of {n} {', '.join(groups)}" for (k, n), groups in by_share.items())


def _counts(found: Mapping[str, int]) -> str:
    """Counts as "3 this, 2 that", the most frequent first."""
    return ", ".join(f"{n} {what}" for what, n in sorted(found.items(), key=lambda entry: -entry[1]))


def _rates_row(name: str, one: Numbers) -> tuple[str, ...]:
    return (
        name,
        str(one["recall"]["n"]),
        str(one["false_alarms"]["n"]),
        str(one["ambiguous"]),
        *(share_cell(one[key]) for key in ("recall", "precision", "false_alarms", "alive_with_a_stretch")),
    )


def _counts_row(label: str, found: Mapping[str, int]) -> tuple[str, ...]:
    return (label, *(str(found.get(verdict, 0)) for verdict in DETECTED))


def _fault_row(name: str, one: Numbers) -> tuple[str, ...]:
    onset = one["onset_error"]
    return (
        name,
        str(one["runs"]),
        *(", ".join(f"{n} {value}" for value, n in one[key].items()) for key in ("labels", "verdicts")),
        one["right"],
        share_cell(one["mechanism"]),
        share_cell(one["layer"]) if one["has_layer"] else "–",
        share_cell(one["both"]),
        f"{steps_cell(onset['median'])}, {steps_cell(onset['p90'])}",
    )


def spread_row(what: str, one: Numbers) -> tuple[str, ...]:
    """Number, median, 90th percentile and largest of some steps."""
    return (what, str(one["n"]), *(steps_cell(one[key]) for key in ("median", "p90", "largest")))


def warning_rows(one: Numbers) -> list[tuple[str, str]]:
    """The rates of early warnings, by kind of run."""
    return [
        ("natural runs that died, warned before the verdict", share_cell(one["runs_that_went_down"])),
        ("collapses warned before their onset", share_cell(one["collapses_warned_before_onset"])),
        ("healthy natural runs with a warning", share_cell(one["false_natural"])),
        ("clean runs with a warning", share_cell(one["false_clean"])),
    ]


def _wrong_line(one: Numbers) -> str:
    cause = "no first link"
    if one["cause"]:
        rule, layer, step = one["cause"]
        cause = f"{rule} {layer} at {step}" if layer else f"{rule} at {step}"
    return f"{one['name']}: {one['label']} ({one['accuracy']:.3f}), {one['verdict']}, {cause}"


def _commits(runs: Mapping[str, int]) -> str:
    """The commits at which runs were judged, with the number of runs where there are several; "" for none."""
    if len(runs) == 1:
        return f"commit {next(iter(runs))}"
    return " and ".join(f"commit {one} ({count} runs)" for one, count in runs.items())
