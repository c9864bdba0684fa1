"""The page about why lenet breaks: how many runs die, at which step, of what, and one death step by step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.errors import DiagnosticsError, LogError
from diagnostics.statistics.group import DEFECT_KINDS, Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import EXACT, REMEDIES, REPORT
from diagnostics.study.results import comparisons_of, groups_of, load_study
from reports.figures.arms import arms_figure
from reports.figures.healthy_vs_defect import PARAMETERS, healthy_vs_defect_figure
from reports.figures.survival import death_step, median_death_words, survival_figure
from reports.results import drift, gradients, remedies
from reports.results.cells import defect_rate, share
from reports.results.study_numbers import Numbers, arm_numbers, study_numbers
from reports.text.numbers import NONE
from reports.text.phrases import rule_name

CHANCE = 0.2
"""A run whose accuracy is below this one guesses; naming the commonest digit alone gives 11 %."""
EARLY = 100
"""The number of steps that count as early: a fifth of an epoch."""


def numbers(plan: StudyPlan, groups: Sequence[Group], folder: Path) -> Numbers:
    """The numbers of the page, from the arms of the study and from the logs in its folder."""
    return {**from_summaries(plan, groups), **from_logs(groups, folder)}


def figures(groups: Sequence[Group], folder: Path) -> dict[str, Figure | None]:
    """The loss of every run, the runs still alive, and the weights before a late collapse, where logs are there."""
    from diagnostics.log.reader import open_run

    drawn: dict[str, Figure | None] = {"still-alive": survival_figure(groups)}
    report = next((group for group in groups if group.label == REPORT), None)
    late, healthy = drift.runs_to_compare(report, folder) if report else ([], [])
    if late and len(healthy) > 1:
        onset, window = attrgetter("diagnosis.onset"), (-drift.BEFORE, 50)
        runs = [*late, *healthy]
        drawn["before-the-collapse"] = healthy_vs_defect_figure(runs, "onset", PARAMETERS, window, onset)
    with suppress(LogError):  # the logs were removed, and only their summaries are there
        drawn["losses"] = arms_figure(groups, lambda run: open_run(folder / run.name)) if groups else None
    return drawn


def from_summaries(plan: StudyPlan, groups: Sequence[Group]) -> Numbers:
    """The numbers that follow from the summaries of the runs alone."""
    both = [group for group in groups if group.label in (EXACT, REPORT)]
    return {
        "early": EARLY,
        "chance": CHANCE,
        "arms": [
            {
                **arm_numbers(group),
                "is_report": group.label == REPORT,
                "deaths": _deaths(group),
                "causes": _causes(group),
                "overfitting": _overfitting(group),
            }
            for group in both
        ],
        "comparisons": [
            {"arm": c.arm.label, "control": c.control.label, "words": c.words} for c in comparisons_of(plan, both)
        ],
    }


def from_logs(groups: Sequence[Group], folder: Path) -> Numbers:
    """The numbers that need the logs and the study of the remedies beside this one, where they are there."""
    report = next((group for group in groups if group.label == REPORT), None)
    return {
        "examples": {group.label: _example(group, folder) for group in groups if group.label in (EXACT, REPORT)},
        "gradients": gradients.numbers(),
        "drift": drift.numbers(*drift.runs_to_compare(report, folder)) if report else None,
        "remedies": _remedies(folder.parent / REMEDIES.name),
    }


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints."""
    arms, found = numbers["arms"], numbers["remedies"]
    return {
        "study": numbers["study"],
        "early": numbers["early"],
        "chance": f"{numbers['chance']:.0%}",
        "arms": [_told(arm, numbers["examples"].get(arm["label"])) for arm in arms],
        "kinds": [str(kind) for kind in DEFECT_KINDS],
        "comparisons": numbers["comparisons"],
        "gradients": gradients.prepare(numbers["gradients"]),
        "drift": numbers["drift"] and drift.prepare(numbers["drift"]),
        "remedies": found and {**found, "families": [remedies.answered(family) for family in found["families"]]},
        "pictures": numbers["pictures"],
    }


def _told(arm: Numbers, example: Numbers | None) -> dict[str, Any]:
    """One convolution as the template prints it."""
    deaths, named = arm["deaths"], _by_mechanism(arm["causes"])
    most_often = max(named.values(), default=0)
    return {
        **{name: arm[name] for name in ("label", "is_report", "defect_runs", "judged", "deaths", "overfitting")},
        "rate": defect_rate(arm),
        "commonest": [rule_name(cause) for cause, runs in named.items() if runs == most_often],
        "most_often": most_often,
        "unexplained": sum(one["runs"] for one in arm["causes"] if not one["cause"]),
        "counts": (
            arm["label"],
            str(arm["runs"]),
            defect_rate(arm),
            *(str(arm["by_kind"][str(kind)]) for kind in DEFECT_KINDS),
            str(arm["recovered"]),
            str(arm["undecided"]),
            share(arm["all"]["validation_accuracy"]),
            share(arm["survivors"]["validation_accuracy"]),
        ),
        "when": (
            arm["label"],
            *(map(str, deaths["by_epoch"]) if deaths["known"] else [NONE] * 4),
            median_death_words(deaths["steps"]) if deaths["known"] else NONE,
            str(deaths["steps"][-1]) if deaths["known"] else NONE,
            str(arm["defect_runs"] - deaths["known"]),
        ),
        "causes": [
            (rule_name(one["cause"]) if one["cause"] else "unexplained", one["layer"] or NONE, str(one["runs"]))
            for one in arm["causes"]
        ],
        "example": example,
    }


def _deaths(group: Group) -> Numbers:
    """The steps at which the explained runs died, and how many died in each epoch."""
    known = [run for run in _defects(group) if run.cause_step is not None]
    steps = sorted(death_step(run) for run in known)
    first = group.runs[0]
    epoch = first.planned_steps / max(1, int(first.arm.get("epochs", 1)))
    ends = [0, EARLY, epoch, 2 * epoch, math.inf]
    late = sum(run.cause_step > run.onset for run in _defects(group) if run.cause_step is not None and run.onset)
    return {
        "known": len(known),
        "steps": steps,
        "by_epoch": [sum(low <= s < high for s in steps) for low, high in pairwise(ends)],
        "after_the_onset": late,
    }


def _causes(group: Group) -> list[Numbers]:
    """The first links that the detector names, with their layers, the commonest first."""
    named = Counter((run.cause, run.cause_layer) for run in _defects(group))
    return [{"cause": cause, "layer": layer, "runs": runs} for (cause, layer), runs in named.most_common()]


def _by_mechanism(causes: Sequence[Numbers]) -> dict[str, int]:
    """How often each mechanism is named as the first link, in all layers together."""
    named: Counter[str] = Counter()
    for one in causes:
        if one["cause"]:
            named[one["cause"]] += one["runs"]
    return named


def _overfitting(group: Group) -> Numbers | None:
    """The training and validation accuracy of the runs, to test the author's first guess, overfitting."""
    training, validation = group.survivors.epoch_accuracy, group.survivors.validation_accuracy.mean
    dead = [run for run in _defects(group) if run.validation_accuracy is not None and run.epochs]
    if not training or training[-1].mean is None or validation is None or not dead:
        return None
    guessing = sum(max(run.validation_accuracy or 0, run.epochs[-1].accuracy or 0) < CHANCE for run in dead)
    return {
        "survivors": group.judged - group.defect_runs,
        "training": training[-1].mean,
        "validation": validation,
        "dead": len(dead),
        "guessing": guessing,
    }


def _example(group: Group, folder: Path) -> Numbers | None:
    """One death step by step: an explained one, and for the paper's convolution a late collapse."""
    from diagnostics.log.reader import open_run

    wants_late = group.label == REPORT
    order = sorted(_defects(group), key=lambda r: (wants_late and r.verdict is not Verdict.COLLAPSED, r.cause is None))
    if not order:
        return None
    try:
        diagnosis = open_run(folder / order[0].name).diagnosis
    except LogError:
        return None
    explained = diagnosis.cause is not None
    verdict = str(diagnosis.verdict)
    return {"seed": order[0].seed, "verdict": verdict, "links": links(diagnosis), "is_explained": explained}


def links(diagnosis: Diagnosis) -> list[Numbers]:
    """The chain of events. An event whose first step is before that of the event before it has no step."""
    found, reached = [], 0
    for finding in diagnosis.chain:
        is_later = finding.first_step >= reached
        reached = max(reached, finding.first_step)
        found.append({"step": finding.first_step if is_later else None, "message": finding.message})
    return found


def _remedies(folder: Path) -> Numbers | None:
    """The answers of the study of the remedies beside this one; None where there is none."""
    try:
        plan, loaded = load_study(folder)
    except DiagnosticsError:
        return None
    if plan.preset != REMEDIES.name or not loaded.runs:
        return None
    study = study_numbers(plan, loaded, REMEDIES.name)
    families = remedies.families_of(plan, groups_of(plan, loaded.runs))
    return {"done": study["done"], "asked": study["asked"], "families": [_brief(family) for family in families]}


def _brief(family: Numbers) -> Numbers:
    """The numbers of one convolution's arms that this page shows."""

    def part(arm: Numbers) -> Numbers:
        named = ("label", "judged", "defect_runs", "defect_rate_interval", "comparison")
        return {name: arm[name] for name in named if name in arm}

    return {**family, "control": part(family["control"]), "arms": [part(arm) for arm in family["arms"]]}


def _defects(group: Group) -> list[RunSummary]:
    return [run for run in group.runs if run.is_defect]
