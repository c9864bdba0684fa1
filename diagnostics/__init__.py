"""What is measured, kept, judged and counted.

In: the events of a training, or a log.
Out: rows, logs, diagnoses and statistics.

Beside the rooms lies the ground floor, which every room may import: ``errors``, ``arguments`` (checks of what users
pass), ``files`` (written whole or not at all), ``file_locks`` (a file of its own, since logs, studies and trackers lock
what they do not write whole), ``signals``, ``provenance``, ``views`` (pictures and pages, drawn by ``reports``),
``json_values``, and ``lazy_names``: the names below are imported when they are first used, so that a part of this
package does not cost the import of all of it.
"""

from __future__ import annotations

from pathlib import Path as _Path
from runpy import run_path as _run_path
from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.adapters.watched_loop import Watch as Watch
    from diagnostics.adapters.watched_loop import watch as watch
    from diagnostics.detect.detector import DEFAULT_THRESHOLDS as DEFAULT_THRESHOLDS
    from diagnostics.detect.findings import Diagnosis as Diagnosis
    from diagnostics.detect.findings import Verdict as Verdict
    from diagnostics.detect.recorded import diagnose as diagnose
    from diagnostics.detect.thresholds import Thresholds as Thresholds
    from diagnostics.errors import DiagnosticsError as DiagnosticsError
    from diagnostics.errors import LogError as LogError
    from diagnostics.errors import UnknownNameError as UnknownNameError
    from diagnostics.imports.options import ImportOptions as ImportOptions
    from diagnostics.imports.read import import_runs as import_runs
    from diagnostics.log.reader import open_run as open_run
    from diagnostics.log.reader import open_runs as open_runs
    from diagnostics.log.run_files import find_runs as find_runs
    from diagnostics.record.recorder import Recorder as Recorder
    from diagnostics.run.export import export_run as export_run
    from diagnostics.run.run import Run as Run
    from diagnostics.schema.task import Task as Task
    from diagnostics.statistics.arms import group_runs as group_runs
    from diagnostics.statistics.bands import parameter_bands as parameter_bands
    from diagnostics.statistics.comparison import Comparison as Comparison
    from diagnostics.statistics.comparison import compare as compare
    from diagnostics.statistics.comparison import compare_all as compare_all
    from diagnostics.statistics.drift import drifts as drifts
    from diagnostics.statistics.frames import groups_frame as groups_frame
    from diagnostics.statistics.frames import runs_frame as runs_frame
    from diagnostics.statistics.group import Group as Group
    from diagnostics.statistics.group import sensitivity as sensitivity
    from diagnostics.statistics.summarising import summarise as summarise
    from diagnostics.statistics.summary_cache import load_summaries as load_summaries
    from diagnostics.statistics.tracker import StatisticsTracker as StatisticsTracker
    from diagnostics.study.plan import Arm as Arm
    from diagnostics.study.plan import StudyPlan as StudyPlan
    from diagnostics.study.planned_arms import grid as grid
    from diagnostics.study.results import comparisons_of as comparisons_of
    from diagnostics.study.results import groups_of as groups_of
    from diagnostics.study.results import load_study as load_study
    from diagnostics.study.runner import Study as Study

# By its place: a file of the user may hide the package lenet.
_in_the_way = _run_path(str(_Path(__file__).resolve().parents[1] / "lenet" / "in_the_way.py"))
_in_the_way["expect_ours"]("lenet")
_in_the_way["warn_of"]("reports")

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
