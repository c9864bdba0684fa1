"""Settings of all tests: Hypothesis draws the same examples every time, so that a failure can be repeated.

`HYPOTHESIS_PROFILE=explore pytest` draws new ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
