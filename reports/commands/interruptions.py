"""SIGTERM as an exception, so that a command with workers ends them too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends the workers and tells how to go on, as Ctrl-C does."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM as an exception while runs are trained; before and after it ends the process as it always does."""

    def end(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
