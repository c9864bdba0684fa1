"""How many examples Hypothesis draws: a fifth in `make test`, all in `make test-all`, and always the same ones.

`HYPOTHESIS_PROFILE=thorough pytest` draws all; `HYPOTHESIS_PROFILE=explore pytest` draws all, and new ones each time.
"""

from __future__ import annotations

import os

from hypothesis import settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
SHARE = 5 if PROFILE == "quick" else 1
ALL = 100
"""Examples of a test that says no number."""


def some(count: int) -> int:
    """So many examples, or a fifth of them."""
    return -(-count // SHARE)


def examples(count: int) -> settings:
    """A decorator for a test of so many examples."""
    return settings(max_examples=some(count), deadline=None)


def load_profile() -> None:
    """Set what holds for all tests."""
    settings.register_profile(PROFILE, derandomize=PROFILE != "explore", deadline=None, max_examples=some(ALL))
    settings.load_profile(PROFILE)
