"""Makes any step of a logged run again, exactly.

In: a log with its checkpoints, and the data it was trained on.
Out: a :class:`~diagnostics.replay.moment.Moment` of the run, with the proof that it is what was logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.errors import ReplayError as ReplayError
    from diagnostics.replay.branch import Branch as Branch
    from diagnostics.replay.moment import Moment as Moment
    from diagnostics.replay.proof import ReplayCheck as ReplayCheck
    from diagnostics.replay.replayed_run import ReplayedRun as ReplayedRun
    from diagnostics.replay.replayed_run import replay as replay

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
