"""The numbers that every result page has of its study: settings, missing runs, and how the page was made."""

from __future__ import annotations

import shlex
from pathlib import PurePath
from typing import Any

from diagnostics.provenance import commit
from diagnostics.statistics.group import Group
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import preset
from lenet.settings import Settings
from reports.text.command_line import flags

Numbers = dict[str, Any]
IN_WORDS = ("activation", "optimizer", "lr", "batch_size", "epochs", "steps", "limit", "threads")
"""The settings that the templates word; all others are printed as options."""


def study_numbers(plan: StudyPlan, loaded: Loaded, page: str) -> Numbers:
    """The study of a page; ``page`` is the name of the page's file, without ending."""
    by_file = {run.name: run for run in loaded.runs}
    asked = [run for _, run in plan.asked(lambda task: by_file.get(task.file))]
    last = plan.history[-1] if plan.history else {}
    return {
        "page": page,
        "question": preset(str(plan.preset)).question,
        "settings": {name: plan.arms[0].settings[name] for name in IN_WORDS},
        "options": _other_options(plan),
        "command": shlex.join(["lenet-diag", "study", "--preset", str(plan.preset), *_changes(plan)]),
        "first_seed": plan.first_seed,
        "asked": len(asked),
        "done": sum(run is not None for run in asked),
        "runs": len(loaded.runs),
        "commits": list(dict.fromkeys(start["commit"] or f"version {start['version']}" for start in plan.history)),
        "judged_at": commit() or "unknown",
        "last_start": {name: last.get(name, "?") for name in ("date", "python", "numpy", "cores")},
        "jobs": plan.jobs,
        "threads": sorted({run.threads for run in loaded.runs if run.threads is not None}),
        "copied": _copied(plan, loaded),
    }


def arm_numbers(group: Group) -> Numbers:
    """One arm, with the keys of ``stats --json``. The CSV file beside the page has its runs."""
    return {name: value for name, value in group.to_json().items() if name != "files"} | {"kept": len(group.kept)}


def _other_options(plan: StudyPlan) -> list[str]:
    """The unusual settings that all arms share, as options, without those that the templates word."""
    first, usual = plan.arms[0].settings, Settings().to_dict()
    shared = [name for name in first if all(arm.settings[name] == first[name] for arm in plan.arms)]
    return [" ".join(flags(n, first[n])) for n in shared if n not in IN_WORDS and first[n] != usual[n]]


def _changes(plan: StudyPlan) -> list[str]:
    """The options by which this study differs from its preset: settings changed for all arms, runs, seed, logging."""
    usual = {arm.label: arm for arm in preset(str(plan.preset)).build({})}
    words: list[str] = []
    for name, value in plan.arms[0].settings.items():
        changed = all(arm.label in usual and usual[arm.label].settings[name] != arm.settings[name] for arm in plan.arms)
        if changed and len({str(arm.settings[name]) for arm in plan.arms}) == 1:
            words += flags(name, value)
    runs = {arm.runs for arm in plan.arms}
    if len(runs) == 1 and any(usual[arm.label].runs != arm.runs for arm in plan.arms if arm.label in usual):
        words += flags("runs", runs.pop())
    if plan.first_seed:
        words += flags("seed", plan.first_seed)
    for name in ("on_defect", "log_every", "histograms_every"):
        if getattr(plan, name) != getattr(StudyPlan, name):
            words += flags(name, getattr(plan, name))
    return words


def _copied(plan: StudyPlan, loaded: Loaded) -> dict[str, int]:
    """How many of the runs were copied from each of the other studies."""
    made = {run.name for run in loaded.runs}
    origins: dict[str, int] = {}
    for start in plan.history:
        for file, origin in start.get("copied", {}).items():
            if file in made:
                study = PurePath(origin).parent.name
                origins[study] = origins.get(study, 0) + 1
    return origins
