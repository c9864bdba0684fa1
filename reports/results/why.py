"""Why lenet breaks, for a student with five minutes: how many die, when, of what, and what it looks like."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.statistics.group import DEFECT_KINDS, Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import EXACT, REMEDIES, REPORT
from diagnostics.study.results import comparisons_of, groups_of
from reports.figures.survival import death_step, median_death_words
from reports.results import pictures
from reports.results.drift import drift
from reports.results.gradients import gradient_words
from reports.results.markdown import how_made, join, runs_file, settings_words, share, status, table
from reports.results.saving import what_saves
from reports.results.why_words import EARLY, HOW_IT_DIES, chain_words, explained_runs, short_answer, steps_per_epoch
from reports.text.phrases import rule_name
from reports.text.statistics import defect_rate

CHANCE = 0.2
"""An accuracy that only guessing explains; the commonest digit alone gives 11 %."""


def page(plan: StudyPlan, loaded: Loaded, folder: Path, target: Path) -> str:
    """The page, from the runs in the study's folder."""
    groups = {group.label: group for group in groups_of(plan, loaded.runs)}
    both = [groups[label] for label in (EXACT, REPORT) if label in groups]
    exact, report = groups.get(EXACT), groups.get(REPORT)
    return join(
        "# Why it breaks",
        "The report trains LeNet on handwritten digits, and some of its runs die: they never learn, or they learn and "
        "then unlearn everything. Its author supposes overfitting or \"some edge case computation\". We ran the same "
        f"network with the same settings ({settings_words(plan)}) from many seeds, "
        "twice: with a convolution whose gradient is right, and with the report's own.",
        status(plan, loaded),
        "## The short answer",
        short_answer(both),
        "## How many die, and when",
        table(["convolution", "runs", "defect runs (95 %)", *map(str, DEFECT_KINDS), "recovered", "undecided",
               "validation, all", "validation, survivors"], map(_counts, both)),
        *(f"The {c.arm.label} against the {c.control.label}: {c.words}." for c in comparisons_of(plan, both)),
        _losses(both, folder, target),
        table(["convolution", "broke in the first 100 steps", "later in epoch 1", "in epoch 2", "in epoch 3 or later",
               "median step", "latest step", "not known when"], map(_when, both)),
        "A run broke at the step of its blow. Where the detector names none, that is not known: such a run counts "
        "from its onset in the curve, and in no column but the last.",
        pictures.survival(both, target) if both else None,
        "## How a run dies with every gradient right",
        HOW_IT_DIES,
        *((_causes(exact), _death(exact, folder)) if exact else ()),
        "## What the report's convolution adds",
        gradient_words(),
        *((_causes(report), _death(report, folder)) if report else ()),
        "### What drifts before a late collapse",
        drift(report, folder, target),
        "## Is it overfitting?",
        _overfitting(both),
        "## What helps",
        what_saves(folder.parent / REMEDIES.name),
        how_made(plan, loaded, runs_file(target).name),
    )  # fmt: skip


def _losses(groups: Sequence[Group], folder: Path, target: Path) -> str | None:
    from diagnostics.log.reader import open_run

    try:
        return pictures.losses(groups, lambda run: open_run(folder / run.name), target) if groups else None
    except LogError:  # the logs are gone and only their summaries were kept
        return None


def _defects(group: Group) -> list[RunSummary]:
    return [run for run in group.runs if run.is_defect]


def _counts(g: Group) -> Sequence[str]:
    return (g.label, str(len(g.runs)), defect_rate(g, is_brief=True),
            *(str(g.by_kind[str(kind)]) for kind in DEFECT_KINDS), str(g.recovered),
            str(g.undecided), share(g.all.validation_accuracy),
            share(g.survivors.validation_accuracy))  # fmt: skip


def _when(group: Group) -> Sequence[str]:
    explained = explained_runs(group)
    steps = sorted(death_step(run) for run in explained)
    unknown = str(group.defect_runs - len(explained))
    if not steps:
        return (group.label, *["–"] * 6, unknown)
    epoch = steps_per_epoch(group)
    counted = [sum(low <= step < high for step in steps) for low, high in (
        (0, EARLY), (EARLY, epoch), (epoch, 2 * epoch), (2 * epoch, math.inf))]  # fmt: skip
    return (group.label, *map(str, counted), median_death_words(steps), str(steps[-1]), unknown)


def _causes(group: Group) -> str | None:
    """What the detector names as the first link, and where."""
    named = Counter((run.cause, run.cause_layer) for run in _defects(group))
    rows = [
        (rule_name(cause) if cause else "unexplained", layer or "–", str(n))
        for (cause, layer), n in named.most_common()
    ]
    if not rows:
        return None
    late = sum(run.cause_step > run.onset for run in _defects(group) if run.cause_step is not None and run.onset)
    after = f" In {late} of them it comes after the onset: learning was lost before it." if late else ""
    head = f"First link of the chain in the {group.defect_runs} defect runs of {group.judged}.{after}"
    return f"{head}\n\n" + table(["what", "layer", "runs"], rows)


def _overfitting(groups: Sequence[Group]) -> str | None:
    """The author's first guess, answered from the runs: training against validation accuracy."""
    parts = []
    for group in groups:
        training, validation = group.survivors.epoch_accuracy, group.survivors.validation_accuracy
        dead = [r for r in _defects(group) if r.validation_accuracy is not None and r.epochs]
        if not training or training[-1].mean is None or validation.mean is None or not dead:
            continue
        chance = sum(max(r.validation_accuracy or 0, r.epochs[-1].accuracy or 0) < CHANCE for r in dead)
        parts.append(
            f"- {group.label}: the {group.judged - group.defect_runs} survivors have {100 * training[-1].mean:.1f} % "
            f"in the last epoch of training and {100 * validation.mean:.1f} % in validation; of the {len(dead)} dead "
            f"runs {chance} end "
            f"below {CHANCE:.0%} in both."
        )
    if not parts:
        return None
    return join(
        "Overfitting shows as good training and bad validation: the network fits the images it is trained on and no "
        "others. A dead run does not even fit those.",
        "\n".join(parts),
    ).rstrip()


def _death(group: Group, folder: Path) -> str | None:
    """One death step by step: one that is explained, and a late collapse where there is one."""
    from diagnostics.log.reader import open_run

    late = group.label == REPORT
    order = sorted(_defects(group), key=lambda r: (late and r.verdict is not Verdict.COLLAPSED, r.cause is None))
    if not order:
        return None
    try:
        diagnosis = open_run(folder / order[0].name).diagnosis
    except LogError:
        return None
    return f"One of them step by step (seed {order[0].seed}, {diagnosis.verdict}):\n\n{chain_words(diagnosis)}"
