"""Statistics over many runs that never hide how many died.

In: runs, each reduced to a summary that is kept beside its log.
Out: groups with rates and means over all runs and over survivors, comparisons of arms, and the paper's tracker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.log.run_files import find_runs as find_runs
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
    from diagnostics.statistics.intervals import wilson as wilson
    from diagnostics.statistics.run_summary import RunSummary as RunSummary
    from diagnostics.statistics.summarising import summarise as summarise
    from diagnostics.statistics.summary_cache import load_summaries as load_summaries
    from diagnostics.statistics.tracker import StatisticsTracker as StatisticsTracker

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
