"""Waiting for what another process does, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 600.0
"""Seconds after which a test gives up. This ends a test that hangs; it is no measure of how fast anything is."""


def wait_until(seen: Callable[[], T], what: str | Callable[[], str], pause: float = 0.05) -> T:
    """Ask ``seen`` until it says something true, and return that; ``what`` says what did not happen."""
    deadline = time.monotonic() + PATIENCE
    while not (found := seen()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still waiting for: {what if isinstance(what, str) else what()}")
        time.sleep(pause)
    return found
