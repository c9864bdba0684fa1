"""Many trainings over seeds and settings, in parallel.

In: a plan: settings, seeds and arms.
Out: a folder of logs that can be continued, and their results by arm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.executors.worker_pool import WorkerPool as WorkerPool
    from diagnostics.study.plan import Arm as Arm
    from diagnostics.study.plan import StudyPlan as StudyPlan
    from diagnostics.study.planned_arms import grid as grid
    from diagnostics.study.presets import preset as preset
    from diagnostics.study.results import comparisons_of as comparisons_of
    from diagnostics.study.results import groups_of as groups_of
    from diagnostics.study.results import load_study as load_study
    from diagnostics.study.runner import Study as Study
    from diagnostics.study.runner import StudyProgress as StudyProgress

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
