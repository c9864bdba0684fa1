"""Statistics as text: all runs and survivors side by side, always with k of n."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from diagnostics.statistics.behind import usual_accuracy
from diagnostics.statistics.comparison import Comparison
from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import points_words
from diagnostics.statistics.means import SINGLE_METRICS, Mean
from diagnostics.statistics.run_summary import RunSummary
from reports.text.numbers import NONE, counted, percent, rate, seconds
from reports.text.wrapping import WIDTH, lines_of

LISTED = 8
LEAST_NAME = 10
"""The columns that a name needs at least beside its numbers."""


def defect_rate(group: Group) -> str:
    """How many of the judged runs are defect runs, with the interval."""
    return rate(group.defect_runs, group.judged, group.interval)


def rescued_words(group: Group) -> str:
    """How many of the runs that were turned back ended well. They are defect runs and no survivors."""
    return f"{group.rescued} of {group.turned_back} that were turned back; they count as defect runs, not as survivors"


def mean_words(mean: Mean, is_time: bool = False) -> str:
    """A mean, that of times with its unit, and its standard deviation."""
    if mean.mean is None:
        return NONE
    words = seconds if is_time else "{:.4f}".format
    return " ± ".join(words(one) for one in (mean.mean, mean.std) if one is not None)


def group_text(group: Group, survivors_first: bool = False, width: int = WIDTH) -> str:
    """One arm as a block of text, with its means in columns where ``width`` has room for them."""
    kinds = ", ".join(f"{kind} {n}" for kind, n in group.by_kind.items())
    outside = f"undecided {group.undecided} and crashed or damaged {group.crashed}, not in n"
    lines = [group.label, f"  defect runs  {defect_rate(group)}", f"               {kinds}"]
    lines += [f"  others       recovered {group.recovered}; {outside}"]
    if group.turned_back:
        lines.append(f"  rescued      {rescued_words(group)}")
    lines += [f"  steps        {_steps_words(group)}", *_caveats(group), "", *_table(group, survivors_first, width)]
    for metric, words in (("epoch_accuracy", "last epoch's"), ("validation_accuracy", "validation")):
        line = sensitivity(group, metric)
        if line:
            lines.append(f"  {words} accuracy: {line}")
    return "\n".join([*lines, *_behind(group), *_defect_list(group)])


def headline(groups: Sequence[Group], survivors: bool, width: int = WIDTH) -> str:
    """A table with a row an arm: k of n, the rate, and the accuracy of all and of survivors, the chosen one first."""
    who = "survivors only (defect runs excluded)" if survivors else "all runs (defect runs included)"
    order = (True, False) if survivors else (False, True)
    rescued = ["rescued"] if any(group.turned_back for group in groups) else []
    heads = ["arm", "defect runs", *rescued, "rate (95 %)", *("survivors" if alive else "all runs" for alive in order)]
    rows = [
        [
            group.label,
            f"{group.defect_runs} of {group.judged}",
            *(f"{group.rescued} of {group.turned_back}" if group.turned_back else NONE for _ in rescued),
            _rate(group),
            *(_accuracy(group, one) for one in order),
        ]
        for group in groups
    ]
    note = "  In brackets: runs with a validation. Standard deviations stand with each arm."
    return "\n".join([f"Validation accuracy, {who}:", *_columns([heads, *rows], width), note])


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Rows in columns; a name that is too long stands on several lines, its numbers on the last one.

    Where ``width`` leaves too little room for names, the cells stand below each other.
    """
    widths = [max(map(len, cells)) for cells in zip(*(row[1:] for row in rows), strict=True)]
    room = width - 2 - sum(one + 2 for one in widths)
    longest = max(len(row[0]) for row in rows)
    if room < min(LEAST_NAME, longest):
        return _stacked(rows)
    wide = min(room, longest)
    lines = []
    for name, *cells in rows:
        *above, last = lines_of(name, wide) or [""]
        if len(last) > wide:
            above, last = [*above, last], ""
        numbers = "".join(f"  {cell:>{one}}" for cell, one in zip(cells, widths, strict=True))
        lines += [*above, f"{last:{wide}}{numbers}"]
    return [f"  {line}" for line in lines]


def _stacked(rows: Sequence[Sequence[str]]) -> list[str]:
    """The name of each row, and below it the cells beside their heads, for a screen that is too narrow for columns."""
    (_, *heads), *others = rows
    wide = max(map(len, heads))
    return [
        line
        for name, *cells in others
        for line in (f"  {name}", *(f"    {head:{wide}}  {cell}" for head, cell in zip(heads, cells, strict=True)))
    ]


def _rate(group: Group) -> str:
    """The defect rate with its interval, without k of n."""
    if group.interval is None or group.defect_rate is None:
        return NONE
    low, high = group.interval
    return f"{100 * group.defect_rate:.0f} % ({100 * low:.0f}–{100 * high:.0f} %)"


def _accuracy(group: Group, survivors: bool) -> str:
    """The mean validation accuracy of all runs or of the survivors, with the number of runs."""
    mean = (group.survivors if survivors else group.all).validation_accuracy
    runs = sum(run.is_survivor for run in group.runs) if survivors else len(group.kept)
    value = NONE if mean.mean is None else f"{mean.mean:.4f}"
    return f"{value} ({mean.n}{f' of {runs}' if mean.n < runs else ''})"


def comparison_text(comparisons: Sequence[Comparison]) -> str:
    """Every arm against its control, in words."""
    lines = []
    for control in dict.fromkeys(c.control.label for c in comparisons):
        lines.append(f"Compared with {control}:")
        arms = [c for c in comparisons if c.control.label == control]
        lines += [f"  {c.arm.label}: {c.words}{cost_words(c)}" for c in arms]
    return "\n".join(lines)


def jobs_text(jobs: Sequence[int]) -> str:
    """How many runs were trained at a time, which changes their times."""
    return f"Times were taken with {' or '.join(map(str, jobs))} run{'s' * (jobs[-1] > 1)} at a time."


def cost_words(c: Comparison) -> str:
    """The difference in accuracy over the seeds that survive in both arms."""
    if c.cost.mean is None:
        return ""
    words = f"; accuracy {100 * c.cost.mean:+.2f} points over the {counted(c.cost.n, 'seed')} alive in both"
    if c.cost_interval is None:
        return words
    return f"{words} (95 % interval {points_words(c.cost_interval, digits=2)})"


def _steps_words(group: Group) -> str:
    share = percent(group.defect_steps / group.steps if group.steps else math.nan)
    what = "left out of step and epoch figures" if group.exclude_defect_steps else "counted in all figures"
    return f"{group.steps:,}, of them {group.defect_steps:,} defect iterations ({share}), {what}"


def _caveats(group: Group) -> list[str]:
    lines = []
    if group.cut_short:
        ended = f"{counted(group.cut_short, 'run')} ended before all steps were made"
        lines.append(f"  note         {ended}: later epochs and the validation are missing from the means")
    changed = [run.changed_limits for run in group.runs if run.changed_limits]
    if changed:
        keys = ", ".join(dict.fromkeys(key for limits in changed for key in limits))
        lines.append(
            f"  note         {counted(len(changed), 'run')} judged by limits that are not the defaults, "
            f"as kept in their logs: {keys}"
        )
    threads = sorted({r.threads for r in group.runs if r.threads is not None})
    if len(threads) > 1:
        lines.append(f"  note         times mix runs with {' and '.join(map(str, threads))} threads")
    elif threads:
        lines.append(f"  times        with {threads[0]} thread{'s' if threads[0] > 1 else ''} a run")
    return lines


def _table(group: Group, survivors_first: bool, width: int) -> list[str]:
    kept = len(group.kept)
    every = "the one run" if kept == 1 else f"all {kept} runs"
    rows = [("mean ± std. deviation", every, f"survivors ({sum(r.is_survivor for r in group.runs)})"), *_rows(group)]
    if survivors_first:
        rows = [(name, second, first) for name, first, second in rows]
    if width < WIDTH:
        return [f"  {rows[0][0]}:", *_stacked(rows)]
    return [f"  {name:22}{first:>28}{second:>28}" for name, first, second in rows]


def _rows(group: Group) -> list[tuple[str, str, str]]:
    """Each mean: its name in words, over all runs and over survivors. An epoch without an accuracy is left out."""
    every, alive = group.all, group.survivors
    epochs = zip_longest(every.epoch_accuracy, alive.epoch_accuracy, fillvalue=Mean(None, None, 0))
    found = [(f"epoch {n} accuracy", _cell(a), _cell(s)) for n, (a, s) in enumerate(epochs, 1) if a.n]
    for metric in SINGLE_METRICS:
        name = metric.removesuffix("_seconds")
        first, second = (_cell(getattr(means, metric), is_time=name != metric) for means in (every, alive))
        found.append((name.replace("_", " "), first, second))
    return found


def _cell(mean: Mean, is_time: bool = False) -> str:
    return f"{mean_words(mean, is_time)}  n={mean.n}"


def _behind(group: Group) -> list[str]:
    """The survivors that are alive but crippled, by a comparison with the others."""
    usual = usual_accuracy(group.runs)
    if not group.behind or usual is None:
        return []
    named = ", ".join(f"{run.name} at {run.validation_accuracy:.4f}" for run in group.behind[:LISTED])
    more = f" and {len(group.behind) - LISTED} more" if len(group.behind) > LISTED else ""
    alive = sum(run.is_survivor for run in group.runs)
    words = f"{len(group.behind)} of {counted(alive, 'survivor')}: {named}{more}, where the median is {usual:.4f}"
    first, *others = lines_of(words, WIDTH - 15)
    return [f"  behind       {first}", *(f"               {line}" for line in others)]


def _defect_list(group: Group) -> list[str]:
    defects = [r for r in group.runs if r.is_defect]
    if not defects:
        return []
    lines = ["  defect runs:", *(f"    {_defect_words(run)}" for run in defects[:LISTED])]
    rest = len(defects) - LISTED
    return [*lines, f"    and {rest} more (all in --json)"] if rest > 0 else lines


def _defect_words(run: RunSummary) -> str:
    since = f" since step {run.onset}" if run.onset else ""
    verdict = f"{run.verdict} from {run.kind}" if run.is_rescued else run.verdict
    first, blow = _link(run.cause, run.cause_layer, run.cause_step), _link(run.blow, run.blow_layer, run.broke_at)
    why = f"{first}, blow: {blow}" if first and blow and blow != first else first or "unexplained"
    return f"{run.name}: {verdict}{since}, {why}{turned_back_words(run)}"


def _link(rule: str | None, layer: str | None, step: int | None) -> str:
    """An event of a chain in words; "" without one."""
    where = f" in {layer}" if layer else ""
    return f"{rule}{where} at step {step}" if rule else ""


def turned_back_words(run: RunSummary) -> str:
    """The number of rollbacks of a run, with the last one; "" for a run without any."""
    if not run.rollbacks:
        return ""
    times = f"{counted(run.rollbacks, 'time')}, the last time" if run.rollbacks > 1 else "once,"
    return f"; turned back {times} to before step {run.turned_back_to}, with {run.turned_back_with}"
