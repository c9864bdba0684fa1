"""What would have saved a run: experiments on that run, with control arms.

In: the log of a run that died, replayed to a branch point.
Out: one row a branch (arm, dose, order seed, fate) and, for each arm, what the counts show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.errors import RescueError as RescueError
    from diagnostics.rescue.results import RescueResult as RescueResult
    from diagnostics.rescue.run_rescue import rescue as rescue

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
