"""What is measured, kept, judged and counted.

The names below are imported when they are first used, so that a part of this
package does not cost the import of all of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diagnostics.detect.detector import replay as diagnose
    from diagnostics.errors import DiagnosticsError
    from diagnostics.log.reader import open_run
    from diagnostics.record.recorder import Recorder
    from diagnostics.run.run import Run
    from diagnostics.statistics.tracker import StatisticsTracker

_HOMES = {
    "DiagnosticsError": ("diagnostics.errors", "DiagnosticsError"),
    "Recorder": ("diagnostics.record.recorder", "Recorder"),
    "Run": ("diagnostics.run.run", "Run"),
    "StatisticsTracker": ("diagnostics.statistics.tracker", "StatisticsTracker"),
    "diagnose": ("diagnostics.detect.detector", "replay"),
    "open_run": ("diagnostics.log.reader", "open_run"),
}

__all__ = ["DiagnosticsError", "Recorder", "Run", "StatisticsTracker", "diagnose", "open_run"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'diagnostics' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
