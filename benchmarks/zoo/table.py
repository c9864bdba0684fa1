"""The table of the zoo: how often the detector is right, from labels it has not seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import commit
from benchmarks.zoo.build import SPENT
from benchmarks.zoo.faults import FAULTS
from benchmarks.zoo.judged import Judged, judge_all
from benchmarks.zoo.numbers import SOON, share, summary
from diagnostics.detect.detector import DEFAULT_LIMITS

VERDICTS = ("healthy", "recovered", "collapsed", "never-learned", "diverged", "undecided")


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
        "Every evaluation seed is judged once. Judged before rules changed, and so not among these, were the seeds "
        "below; those between them were never run.\n",
        *(f"- {one}{'.' if one is SPENT[-1] else ';'}" for one in SPENT),
        "",
        "## Goals and results\n",
        *_goals(numbers),
        "\nRecall and precision are compared with their goals as they were found; their intervals reach below. "
        f"{_ambiguous(numbers['natural'])} What judging costs stands in "
        "[benchmarks/judging.md](benchmarks/judging.md): the goal of 20 us a step is not reached inside a training.\n",
        "\n## Natural runs\n",
        "\"Alive called a defect\" goes by the verdict at the end. \"Alive with a stretch\" are those that were called "
        "a defect for a while and recovered: `--on-defect stop` or `restart` would have ended them.\n",
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
        "A run that ends while it still falls, or before 20 steps of guessing were seen, is undecided.\n",
        "\n## Clean runs\n",
        "A false alarm is any confirmed stretch, one that passed too. Runs with settings of the clean list that did "
        f"not end above 0.8: {numbers['clean_settings_that_failed']} (not counted).\n",
        "| network | false alarms |",
        "|---|---|",
        f"| all | {_share(numbers['clean'])} |",
        *(f"| {name} | {_share(one)} |" for name, one in numbers["clean_by_network"].items()),
        "\n## Injected faults\n",
        f"Of the dead runs among them {_share(numbers['recall_faulty'])} were called defect runs. Mechanism and layer "
        "are counted over all runs of a fault, those too that survived it or ended undecided. Some faults are in no "
        "layer, or in the data (layer `input`).\n",
        "| fault | runs | labels | verdicts | counts as right | mechanism right | layer right | both "
        "| onset error (median, 90 %) |",
        "|---|---|---|---|---|---|---|---|---|",
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
        f"the loss of guessing and the accuracy of chance over 20 steps. A confirmation later than {SOON} steps is "
        "a slow fall: in between the run still knew something.\n",
        "\n## Early warnings\n",
        "Counted is the first stretch of a run, and the warnings of the 200 steps before its onset and from there to "
        "the verdict.\n",
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
            f"{_share(n['collapses_soon'])}; median {_steps(delay['median'])}, largest {_steps(delay['largest'])}; "
            f"of natural runs alone {_share(n['collapses_soon_natural'])}",
            None if delay["largest"] is None else delay["largest"] <= 40),
        row("layer and mechanism of injected faults", "0.90", _share(n["cause_right"]),
            at_least(n["cause_right"], 0.9)),
    ]  # fmt: skip


def _ambiguous(one: dict[str, Any]) -> str:
    """What precision would be if the ambiguous runs that were called defect runs were wrongly called so."""
    called, precision = one["ambiguous_called_defect"], one["precision"]
    return (
        f"Of the {one['ambiguous']} ambiguous natural runs {called} were called defect runs; if that was wrong, "
        f"precision was {_share(share(precision['k'], precision['n'] + called))}."
    )


def _share(one: dict[str, Any]) -> str:
    if one["share"] is None:
        return "-"
    low, high = one["interval"]
    return f"{one['k']} of {one['n']} = {one['share']:.3f} ({low:.3f}-{high:.3f})"


def _steps(value: float | None) -> str:
    return "-" if value is None else f"{value:g}" if value % 1 == 0.5 else f"{value:.0f}"


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
        f"| {name} | {one['runs']} | {labels} | {verdicts} | {one['right']} | {_share(one['mechanism'])} "
        f"| {_share(one['layer']) if one['has_layer'] else '–'} "
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
