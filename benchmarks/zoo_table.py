"""The table of the zoo: how often the detector is right, from labels it has not seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import commit
from benchmarks.faults import FAULTS
from benchmarks.zoo import SPENT
from benchmarks.zoo_judged import Judged, judge_all
from diagnostics.detector import DEFAULT_LIMITS
from diagnostics.intervals import wilson

NETWORKS = ("feedforward", "conv", "conv2", "conv-pool", "lenet")
VERDICTS = ("healthy", "recovered", "collapsed", "never-learned", "diverged", "undecided")
WARNED_WITHIN, SOON = 200, 40


def write_table(folder: Path, path: Path | None) -> None:
    """Judge all runs of ``folder``; print the table, or write it as Markdown with a .json beside it."""
    runs = judge_all(folder)
    numbers = summary(runs)
    text = markdown(runs, numbers, folder)
    if path is None:
        print(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    lines = ",\n".join("  " + json.dumps(one.as_json()) for one in runs)
    head = json.dumps({"commit": commit(), "limits": dict(DEFAULT_LIMITS), **numbers}, indent=1)[:-2]
    path.with_suffix(".json").write_text(f'{head},\n "runs": [\n{lines}\n ]\n}}\n')


def share(k: int, n: int) -> dict[str, Any]:
    """k of n with Wilson's 95 % interval."""
    return {"k": k, "n": n, "share": k / n if n else None, "interval": wilson(k, n)}


def rates(runs: Sequence[Judged]) -> dict[str, Any]:
    """Recall, precision and false alarms of runs whose label is clear; the ambiguous are counted apart."""
    dead = [one for one in runs if one.label == "dead"]
    alive = [one for one in runs if one.label == "alive"]
    hits, wrong = sum(one.is_defect for one in dead), sum(one.is_defect for one in alive)
    return {
        "recall": share(hits, len(dead)),
        "precision": share(hits, hits + wrong),
        "false_alarms": share(wrong, len(alive)),
        "alive_with_a_stretch": share(sum(bool(one.stretches) for one in alive), len(alive)),
        "ambiguous": sum(one.label == "ambiguous" for one in runs),
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, 90th percentile, largest and number."""
    if not values:
        return {"n": 0, "median": None, "p90": None, "largest": None}
    array = np.asarray(values, dtype=np.float64)
    return {"n": len(array), "median": float(np.median(array)), "p90": float(np.percentile(array, 90)),
            "largest": float(array.max())}  # fmt: skip


def summary(runs: Sequence[Judged]) -> dict[str, Any]:
    """All numbers of the table."""
    natural = [one for one in runs if one.is_natural]
    listed = [one for one in runs if one.group == "clean"]
    clean = [one for one in listed if one.label == "alive"]
    faulty = [one for one in runs if one.truth is not None]
    one_step = [one for one in faulty if one.truth and one.truth["is_one_step"]]
    stretches = [(one, s) for one in [*natural, *faulty] for s in one.stretches]
    return {
        "natural": rates(natural),
        "natural_by_network": {name: rates([o for o in natural if o.network == name]) for name in NETWORKS},
        "natural_by_convolution": {
            name: rates([o for o in natural if o.convolution == name]) for name in ("exact", "report")
        },
        "natural_own": rates([o for o in natural if o.group == "own"]),
        "causes": dict(Counter(one.cause[0] if one.cause else "unexplained" for one in natural if one.is_defect)),
        "verdicts": {
            label: dict(Counter(one.verdict for one in natural if one.label == label))
            for label in ("dead", "alive", "ambiguous")
        },
        "unlearned": dict(Counter(one.verdict for one in natural if one.unlearned)),
        "clean": share(sum(bool(one.stretches) for one in clean), len(clean)),
        "clean_by_network": {
            name: share(sum(bool(o.stretches) for o in clean if o.network == name),
                        sum(o.network == name for o in clean))
            for name in NETWORKS
        },
        "clean_settings_that_failed": len(listed) - len(clean),
        "onset_error_one_step": spread([_onset_error(one) for one in one_step if one.onset is not None]),
        "delay_collapse": spread([s[2] - s[1] for _, s in stretches if s[0] == "collapsed"]),
        "delay_collapse_natural": spread([s[2] - s[1] for o, s in stretches if s[0] == "collapsed" and o.is_natural]),
        "collapses_soon": share(sum(s[2] - s[1] <= SOON for _, s in stretches if s[0] == "collapsed"),
                                sum(s[0] == "collapsed" for _, s in stretches)),
        "never_learned_confirmed": spread([s[2] for one, s in stretches if s[0] == "never-learned" and not one.truth]),
        "faults": {name: _fault([one for one in faulty if one.group == name]) for name in FAULTS},
        "cause_right": share(sum(o.mechanism_right and o.layer_right for o in faulty), len(faulty)),
        "warnings": _warnings(natural, clean),
    }  # fmt: skip


def _onset_error(one: Judged) -> int:
    assert one.truth is not None
    assert one.onset is not None
    return abs(one.stretches[0][1] - int(one.truth["step"]))


def _fault(runs: Sequence[Judged]) -> dict[str, Any]:
    return {
        "runs": len(runs),
        "labels": dict(Counter(one.label for one in runs)),
        "verdicts": dict(Counter(one.verdict for one in runs)),
        "mechanism": share(sum(one.mechanism_right for one in runs), len(runs)),
        "layer": share(sum(one.layer_right for one in runs), len(runs)),
        "both": share(sum(one.mechanism_right and one.layer_right for one in runs), len(runs)),
        "onset_error": spread([_onset_error(one) for one in runs if one.stretches]),
    }


def _warnings(natural: Sequence[Judged], clean: Sequence[Judged]) -> dict[str, Any]:
    before_sure, before_onset, downs, collapses = [], [], 0, 0
    for one in natural:
        for kind, onset, confirmed, _ in one.stretches[:1]:
            downs += 1
            collapses += kind == "collapsed"
            told = [step for step in one.warned if onset - WARNED_WITHIN <= step < confirmed]
            before_sure += [confirmed - told[0]] if told else []
            if kind == "collapsed" and told and told[0] < onset:
                before_onset.append(onset - told[0])
    well = [one for one in natural if one.verdict == "healthy"]
    return {
        "runs_that_went_down": share(len(before_sure), downs),
        "lead_over_the_verdict": spread(before_sure),
        "collapses_warned_before_onset": share(len(before_onset), collapses),
        "lead_over_the_onset": spread(before_onset),
        "false_natural": share(sum(bool(one.warned) for one in well), len(well)),
        "false_clean": share(sum(bool(one.warned) for one in clean), len(clean)),
    }


def markdown(runs: Sequence[Judged], numbers: dict[str, Any], folder: Path) -> str:
    """The table."""
    part, round_ = folder.name.rsplit("-", 1)
    seeds = [int(one.name.rsplit("-", 1)[1]) for one in runs]
    first, last = min(seeds, default=0), max(seeds, default=0)
    others = [name for name in ("own", *FAULTS) if not any(one.group == name for one in runs)]
    missing = f" There are no runs yet of: {', '.join(others)}." if others else ""
    parts = [
        "# How often the detector is right\n",
        f"{len(runs)} runs of the zoo ({part}, seeds {first:,} to {last:,}), judged at commit {commit()}. Labels "
        "come from validation accuracy alone: dead below 0.2 at the end, alive above 0.8, between them ambiguous and "
        f"counted apart. Intervals are Wilson's, 95 %.{missing} Repeat it with\n",
        f"    python -m benchmarks.zoo build --part {part} --round {round_} --out zoo\n"
        f"    python -m benchmarks.zoo table --part {part} --round {round_} --out zoo --write docs/zoo.md\n",
        "Every evaluation seed is judged once. Judged before rules changed, and so not among these, were the seeds\n",
        *(f"- {one}{'.' if one is SPENT[-1] else ';'}" for one in SPENT),
        "",
        "## Goals and results\n",
        *_goals(numbers),
        "\n## Natural runs\n",
        "| runs | dead | alive | ambiguous | recall | precision | alive called a defect | alive with a stretch |",
        "|---|---|---|---|---|---|---|---|",
        _rates_row("all", numbers["natural"]),
        *(_rates_row(name, one) for name, one in numbers["natural_by_network"].items()),
        *(_rates_row(f"convolution {name}", one) for name, one in numbers["natural_by_convolution"].items()),
        _rates_row("the report's own settings", numbers["natural_own"]),
        "\nVerdicts by label:\n",
        "| label | " + " | ".join(VERDICTS) + " |",
        "|---" * (len(VERDICTS) + 1) + "|",
        *(_counts_row(label, found) for label, found in numbers["verdicts"].items()),
        _counts_row("dead, above 0.5 at an earlier epoch's end", numbers["unlearned"]),
        "\nCauses of the natural runs that were called defect runs: "
        + ", ".join(f"{n} {name}" for name, n in sorted(numbers["causes"].items(), key=lambda entry: -entry[1]))
        + ".\n",
        "A run that dies in its last steps ends before 20 steps of guessing were seen: it is undecided.\n",
        "\n## Clean runs\n",
        "A false alarm is any confirmed stretch, one that passed too. Settings of the clean list that did not end "
        f"above 0.8: {numbers['clean_settings_that_failed']} (not counted).\n",
        "| network | false alarms |",
        "|---|---|",
        f"| all | {_share(numbers['clean'])} |",
        *(f"| {name} | {_share(one)} |" for name, one in numbers["clean_by_network"].items()),
        "\n## Injected faults\n",
        "Cause right is counted over all runs of a fault, those too that survived it or ended undecided.\n",
        "| fault | runs | labels | verdicts | mechanism right | layer right | both | onset error (median, 90 %) |",
        "|---|---|---|---|---|---|---|---|",
        *(_fault_row(name, one) for name, one in numbers["faults"].items() if one["runs"]),
        "\n## Steps\n",
        "| what | n | median | 90th percentile | largest |",
        "|---|---|---|---|---|",
        _spread_row("onset error, faults that act within one step", numbers["onset_error_one_step"]),
        _spread_row("confirmation after onset, collapses", numbers["delay_collapse"]),
        _spread_row("the same, of natural runs alone", numbers["delay_collapse_natural"]),
        _spread_row("step at which never-learned was confirmed, natural runs", numbers["never_learned_confirmed"]),
        _spread_row("early warning before the verdict", numbers["warnings"]["lead_over_the_verdict"]),
        _spread_row("early warning before the onset of a collapse", numbers["warnings"]["lead_over_the_onset"]),
        "\nThe onset of a collapse is where the loss left what was learned; it is confirmed when the run guesses: "
        "the loss of guessing and the accuracy of chance over 20 steps. A confirmation later than 40 steps is a slow "
        "fall: in between the run still knew something.\n",
        "\n## Early warnings\n",
        *_warning_lines(numbers["warnings"]),
        "\n## Runs that were judged wrong\n",
        *_wrong(runs),
    ]
    return "\n".join(parts) + "\n"


def _goals(n: dict[str, Any]) -> list[str]:
    def row(what: str, goal: str, result: str, reached: bool | None) -> str:
        return f"| {what} | {goal} | {result} | {'-' if reached is None else 'yes' if reached else '**no**'} |"

    def at_least(one: dict[str, Any], least: float) -> bool | None:
        return None if one["share"] is None else one["share"] >= least

    natural, clean = n["natural"], n["clean"]
    onset, delay = n["onset_error_one_step"], n["delay_collapse"]
    upper = clean["interval"][1] if clean["interval"] else None
    return [
        "| what | goal | result | reached |",
        "|---|---|---|---|",
        row("recall of dead natural runs", "0.99", _share(natural["recall"]), at_least(natural["recall"], 0.99)),
        row("precision", "0.99", _share(natural["precision"]), at_least(natural["precision"], 0.99)),
        row("false alarms in clean runs", "none in at least 380, upper bound 1.0 %", _share(clean),
            None if upper is None else clean["k"] == 0 and clean["n"] >= 380),
        row("onset error, one-step faults", "median at most 5 steps", _steps(onset["median"]),
            None if onset["median"] is None else onset["median"] <= 5),
        row("confirmation of collapses", "at most 40 steps after onset",
            f"{_share(n['collapses_soon'])}; median {_steps(delay['median'])}, largest {_steps(delay['largest'])}",
            None if delay["largest"] is None else delay["largest"] <= 40),
        row("layer and mechanism of injected faults", "0.90", _share(n["cause_right"]),
            at_least(n["cause_right"], 0.9)),
    ]  # fmt: skip


def _share(one: dict[str, Any]) -> str:
    if one["share"] is None:
        return "-"
    low, high = one["interval"]
    return f"{one['k']} of {one['n']} = {one['share']:.3f} ({low:.3f}-{high:.3f})"


def _steps(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _rates_row(name: str, one: dict[str, Any]) -> str:
    dead, alive = one["recall"]["n"], one["false_alarms"]["n"]
    return (
        f"| {name} | {dead} | {alive} | {one['ambiguous']} | {_share(one['recall'])} | {_share(one['precision'])} "
        f"| {_share(one['false_alarms'])} | {_share(one['alive_with_a_stretch'])} |"
    )


def _counts_row(label: str, found: dict[str, int]) -> str:
    return f"| {label} | " + " | ".join(str(found.get(verdict, 0)) for verdict in VERDICTS) + " |"


def _fault_row(name: str, one: dict[str, Any]) -> str:
    labels, verdicts = (", ".join(f"{n} {v}" for v, n in one[key].items()) for key in ("labels", "verdicts"))
    onset = one["onset_error"]
    return (
        f"| {name} | {one['runs']} | {labels} | {verdicts} | {_share(one['mechanism'])} | {_share(one['layer'])} "
        f"| {_share(one['both'])} | {_steps(onset['median'])}, {_steps(onset['p90'])} |"
    )


def _spread_row(what: str, one: dict[str, Any]) -> str:
    return f"| {what} | {one['n']} | {_steps(one['median'])} | {_steps(one['p90'])} | {_steps(one['largest'])} |"


def _warning_lines(one: dict[str, Any]) -> list[str]:
    return [
        f"- natural runs that went down, warned before the verdict: {_share(one['runs_that_went_down'])}",
        f"- collapses warned before their onset: {_share(one['collapses_warned_before_onset'])}",
        f"- healthy natural runs with a warning: {_share(one['false_natural'])}",
        f"- clean runs with a warning: {_share(one['false_clean'])}",
    ]


def _wrong(runs: Sequence[Judged]) -> list[str]:
    lines = []
    for one in runs:
        is_wrong = (one.label == "dead") != one.is_defect if one.label != "ambiguous" else False
        if one.group == "clean" and one.label == "alive":
            is_wrong = bool(one.stretches)
        if one.truth is not None:
            is_wrong = not (one.mechanism_right and one.layer_right)
        if is_wrong:
            cause = f"{one.cause[0]} {one.cause[1] or ''} at {one.cause[2]}" if one.cause else "no cause"
            lines.append(f"- {one.name}: {one.label} ({one.accuracies[-1]:.3f}), {one.verdict}, {cause}")
    return lines or ["- none"]
