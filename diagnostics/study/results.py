"""What has come of a study: its plan, the summaries of its runs, its arms, and each arm against its control."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from diagnostics.detect.findings import Verdict
from diagnostics.errors import DamagedFileError
from diagnostics.files import read_json
from diagnostics.statistics import summary_cache
from diagnostics.statistics.arms import arm_key, group_runs
from diagnostics.statistics.comparison import Comparison, compare_all, control_among
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.plan import PlannedRun, StudyPlan
from diagnostics.study.worker import is_complete

FAILURES = "failures.json"
FAILURES_FORMAT = "lenet-diag failures 1"


def load_study(folder: str | os.PathLike[str]) -> tuple[StudyPlan, summary_cache.Loaded]:
    """The plan in a folder, and what has come of it.

    A run that failed is a crashed run, with or without a log, and so is a run whose log is
    damaged. A run that was interrupted together with the study is no result; it will be
    trained again.

    Args:
        folder: the folder of the study.

    Raises:
        StudyError: the folder holds no study.
        DamagedFileError: the plan is damaged; a damaged list of failures is one of the problems.
    """
    folder = Path(folder)
    plan, problems = StudyPlan.load(folder), []
    try:
        listed = _failures(folder)
    except DamagedFileError as error:
        listed, problems = {}, [f"{error}; which runs failed is not known"]
    failed = [crashed(task, folder) for task in plan.possible_tasks() if task.file in listed]
    failed_names = {run.name for run in failed}
    logs = [path for path in sorted(folder.glob("*.h5")) if path.name not in failed_names]
    loaded = summary_cache.load_summaries(logs)
    results = [r for r in loaded.runs if is_complete(r) or r.status == "damaged"]
    known = {run.name for run in results}
    open_ends = (*loaded.unfinished, *(Path(r.path) for r in loaded.runs if r.name not in known))
    return plan, summary_cache.Loaded((*results, *failed), open_ends, (*problems, *loaded.problems))


def groups_of(plan: StudyPlan, runs: Iterable[RunSummary], exclude_defect_steps: bool = False) -> list[Group]:
    """The arms of the plan that have a run, in its order and with its labels.

    Args:
        plan: the plan of the study.
        runs: the summaries of its runs.
        exclude_defect_steps: whether step and epoch figures leave out defect iterations; default no.
    """
    labels = {arm_key(arm.settings): arm.label for arm in plan.arms}
    return group_runs(list(runs), labels, exclude_defect_steps)


def comparisons_of(plan: StudyPlan, groups: Sequence[Group], control: str | None = None) -> list[Comparison]:
    """Every arm against its control; p-values are adjusted for the number of arms with the same control.

    Args:
        plan: the plan of the study, which says the control of each arm.
        groups: the arms.
        control: the label of an arm that all others are compared with instead; None (default) for what the plan says.

    Raises:
        StudyError: no group is called ``control``.
    """
    if control is not None:
        return compare_all(groups, control_among(groups, control, "--control"))
    by_label = {group.label: group for group in groups}
    made: list[Comparison] = []
    for control in dict.fromkeys(arm.control for arm in plan.arms if arm.control in by_label):
        arms = [by_label[a.label] for a in plan.arms if a.control == control and a.label in by_label]
        made += compare_all(arms, by_label[str(control)])
    return made


def crashed(task: PlannedRun, folder: Path) -> RunSummary:
    """The summary of a run that did not come to an end."""
    return RunSummary(
        name=task.file,
        path=str(folder / task.file),
        verdict=Verdict.UNDECIDED,
        status="failed",
        seed=task.settings.seed,
        arm=task.settings.to_dict(),
        threads=task.settings.threads,
    )


def _failures(folder: Path) -> dict[str, str]:
    """Why tasks failed, by file; empty where none has. Raises DamagedFileError."""
    path = folder / FAILURES
    if not path.exists():
        return {}
    found = read_json(path, FAILURES_FORMAT).get("failures")
    if not isinstance(found, dict):
        raise DamagedFileError(f"{path}: found failures {found!r}, expected a reason for each run file")
    return found
