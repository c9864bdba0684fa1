"""Signals wait while the file is being written.

An exception raised by a signal handler inside h5py can be swallowed or leave a
write half done. While :meth:`Deferral.__enter__` is in force, SIGINT and SIGTERM
are remembered; on leaving, the handler that was there before gets them. SIGTERM
without a handler would kill the process on the spot: it becomes SystemExit(143),
so that the run ends in order.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from diagnostics.interrupts import SIGNALS


class Deferral:
    """Handlers for the time a log is open; use as a context manager around each write.

    Outside the main thread Python delivers no signals, and nothing is installed.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._waiting: list[int] = []
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before not in (None, signal.SIG_IGN):
                    self._before[number] = before
                    signal.signal(number, self._handle)

    def __enter__(self) -> Deferral:
        self._depth += 1
        return self

    def __exit__(self, *exception: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._waiting:
            self._pass_on(self._waiting.pop(0), None)

    def remove(self) -> None:
        """Put the handlers back, where nobody has replaced ours; a signal that waited is passed on."""
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, before)
        if self._waiting:
            self._pass_on(self._waiting.pop(0), None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._depth:
            self._waiting.append(number)
        else:
            self._pass_on(number, frame)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        before: Callable[..., Any] | signal.Handlers | None = self._before.get(number)
        if callable(before):
            before(number, frame)
        else:  # SIG_DFL of SIGTERM; Python gives SIGINT a handler of its own
            raise SystemExit(128 + number)
