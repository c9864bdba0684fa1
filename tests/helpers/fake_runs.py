"""Folders of runs without training: the files are empty, their numbers stand in the index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from diagnostics.detect.findings import Verdict
from diagnostics.statistics import summary_cache
from diagnostics.statistics.run_summary import EpochSummary, RunSummary
from diagnostics.study.plan import StudyPlan
from reports.results import gradients

checked_once = cache(gradients.numbers)
"""Each page of `why` checks the gradients of the two convolutions, with the same answer."""


def fake_run(folder: Path, name: str, verdict: str = "healthy", seed: int = 0, **changes) -> RunSummary:
    """One run file with a summary; defect runs end at 11 %."""
    kind = Verdict(verdict)
    accuracy = 0.112 if kind.is_defect else 0.951 + seed / 10_000
    epochs = tuple(
        EpochSummary(
            e,
            accuracy - 0.01 * (3 - e),
            6.0,
            469 * kind.is_defect,
            None if kind.is_defect else accuracy - 0.01 * (3 - e),
        )
        for e in (1, 2, 3)
    )
    given = {
        "arm": {"network": "lenet", "lr": 0.5, "seed": seed},
        "threads": 1,
        "steps": 1407,
        "planned_steps": 1407,
        "defect_steps": 1407 * kind.is_defect,
        "onset": 0 if kind.is_defect else None,
        "epochs": epochs,
        "cause": "dead-units" if kind.is_defect else None,
        "cause_layer": "conv2" if kind.is_defect else None,
        "cause_step": 32 if kind.is_defect else None,
        "broke_at": 32 if kind.is_defect else None,
        "validation_accuracy": accuracy,
        "step_seconds": 0.0128,
        "clean_step_seconds": 0.0127,
        "training_seconds": 18.0,
        "validation_seconds": 0.4,
        "total_seconds": 18.4,
    }
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    summary = RunSummary(name, kind, seed=seed, path=str(path), **{**given, **changes})
    summary_cache.keep(path, summary)
    return summary


def fake_study(folder: Path, plan: StudyPlan, dead: Sequence[int] = (1, 2), skip: int = 0) -> StudyPlan:
    """A study in which the same seeds die in every arm; the last ``skip`` runs are still missing."""
    history = {
        "date": "2026-01-01T00:00:00Z",
        "version": "0.1.0",
        "commit": "abc",
        "python": "3.11",
        "numpy": "2.4",
        "cores": "2",
        "jobs": 2,
    }
    plan = StudyPlan(**{**vars(plan), "history": (history,)})
    plan.save(folder)
    tasks = plan.tasks()
    for task in tasks[: len(tasks) - skip]:
        seed = task.settings.seed
        verdict = "never-learned" if seed in dead else "healthy"
        fake_run(folder, task.file, verdict, seed, arm=task.settings.to_dict())
    return plan
