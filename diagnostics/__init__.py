"""What is measured, kept, judged and counted.

In: the events of a training, or a log.
Out: rows, logs, diagnoses and statistics.

Beside the rooms lies the ground floor, which every room may import: ``errors``, ``files`` (written whole or not at
all), ``file_locks`` (a file of its own, since logs, studies and trackers lock what they do not write whole),
``signals``, ``provenance``, and ``lazy_names``: the names below are imported when they are first used, so that a
part of this package does not cost the import of all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.detect.detector import diagnose as diagnose
    from diagnostics.errors import DiagnosticsError as DiagnosticsError
    from diagnostics.log.reader import open_run as open_run
    from diagnostics.record.recorder import Recorder as Recorder
    from diagnostics.run.run import Run as Run
    from diagnostics.statistics.tracker import StatisticsTracker as StatisticsTracker

__getattr__, __all__ = _lazy_names(
    __name__,
    {
        "diagnostics.errors": ("DiagnosticsError",),
        "diagnostics.record.recorder": ("Recorder",),
        "diagnostics.run.run": ("Run",),
        "diagnostics.statistics.tracker": ("StatisticsTracker",),
        "diagnostics.detect.detector": ("diagnose",),
        "diagnostics.log.reader": ("open_run",),
    },
)
