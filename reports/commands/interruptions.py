"""Ctrl-C and SIGTERM end a command with workers in order: the workers end too, and a line says how to go on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from reports.commands.exit_codes import INTERRUPTED, TERMINATED
from reports.terminal.output import talk


class _Terminated(KeyboardInterrupt):
    """SIGTERM as an exception."""


@contextmanager
def ending_in_order(how_to_go_on: str) -> Iterator[None]:
    """Within it an interrupted command ends in order; before and after, SIGTERM ends the process as it always does."""

    def end(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
    except KeyboardInterrupt as interruption:
        talk(f"interrupted; {how_to_go_on}")
        sys.exit(TERMINATED if isinstance(interruption, _Terminated) else INTERRUPTED)
