"""Runs that another study has made are copied, if training them again would give the same bits.

The control of one study is often an arm of another, with the same settings and seeds.
A log is copied only if its run is complete, has the settings and the seed that are
asked for, and was recorded in the same way, with the same code and libraries and on
the same machine. The copy keeps its header, and the study file says where it came from.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from diagnostics.errors import StudyError
from diagnostics.files import replacing
from diagnostics.log.reader import open_run
from diagnostics.provenance import environment
from diagnostics.study.plan import FILE, PlannedRun, StudyPlan
from diagnostics.study.worker import finished
from lenet.data import load_dataset
from lenet.setting_values import option_name

SAME = ("version", "commit", "python", "numpy", "blas", "simd", "platform", "host")
"""What has to be equal in the headers of two logs for their runs to be equal bit for bit."""
RECORDED = ("on_defect", "log_every", "histograms_every")


def check_source(plan: StudyPlan, source: Path) -> StudyPlan:
    """The plan of a study that runs may be copied from. Raises StudyError where it recorded something else."""
    if not (source / FILE).exists():
        raise StudyError(f"--reuse: {source} holds no study (no {FILE})")
    other = StudyPlan.load(source)
    for name in RECORDED:
        ours, theirs = getattr(plan, name), getattr(other, name)
        if ours != theirs:
            raise StudyError(f"--reuse: {source} was made with {option_name(name)} {theirs}, this one asks for {ours}")
    return other


def copy_runs(plan: StudyPlan, folder: Path, sources: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Copy what fits and is missing in ``folder``; yields file and origin after each. Raises StudyError."""
    known: dict[str, Path] = {}
    for source in sources:
        for task in check_source(plan, source).tasks():
            known.setdefault(_key(task), source / task.file)
    here = environment(1)
    if str(here["commit"]).endswith("+"):
        return  # code that differs from its commit has no name, so two logs of it need not be of the same code
    checksums: dict[str, str] = {}
    for task in plan.tasks():
        origin, target = known.get(_key(task)), folder / task.file
        if origin is None or finished(target, task) or not finished(origin, task):
            continue
        made_with = open_run(origin).info.environment
        if all(made_with.get(name) == here[name] for name in SAME) and _had_these_data(task, made_with, checksums):
            _copy(origin, target)
            yield task.file, origin


def _had_these_data(task: PlannedRun, made_with: Mapping[str, Any], checksums: dict[str, str]) -> bool:
    """Whether the files in the run's data folder are still those it was trained on; the embedded ones do not change."""
    data = task.settings.data
    if data is None:
        return True
    if data not in checksums:
        checksums[data] = load_dataset(data, limit=1).checksum
    return made_with.get("data_checksum") == checksums[data]


def _key(task: PlannedRun) -> str:
    """Settings and seed as one text."""
    return json.dumps(task.settings.to_dict(), sort_keys=True)


def _copy(origin: Path, target: Path) -> None:
    """Whole or not at all. The time of the file is kept."""
    with replacing(target) as part:
        shutil.copy2(origin, part)
