"""SIGINT and SIGTERM wait for a safe moment.

:class:`EndsBetweenSteps` lets a run end between two steps, never in the middle of
one, so that parameters, optimiser and log agree on which step was the last. A
second Ctrl-C does not wait. :class:`Deferral` holds a signal back while a file is
being written: an exception raised by a handler inside h5py can be swallowed or
leave a write half done.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from lenet.hooks import Hook, StepEnd, ValidationEnd

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


class EndsBetweenSteps(Hook):
    """A hook and a context manager: within it, a signal waits for the end of the step.

    Outside the main thread Python delivers no signals, and nothing is installed.
    """

    def __init__(self) -> None:
        self._waiting: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> EndsBetweenSteps:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # A job in the background starts with SIGINT ignored, and that is respected.
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if kind is None:
            self._end_if_asked()

    def on_step_end(self, event: StepEnd) -> None:
        self._end_if_asked()

    def on_validation_end(self, event: ValidationEnd) -> None:
        self._end_if_asked()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._waiting is not None:
            raise _error(number)
        self._waiting = number

    def _end_if_asked(self) -> None:
        if self._waiting is not None:
            number, self._waiting = self._waiting, None
            raise _error(number)


class Deferral:
    """Handlers for the time a log is open; use as a context manager around each write.

    Within it SIGINT and SIGTERM are remembered; on leaving, the handler that was there
    before gets them. SIGTERM without a handler would kill the process on the spot: it
    becomes SystemExit(143), so that the run ends in order.

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


def ended_by(error: BaseException | None) -> str:
    """Who interrupted a run, in words; "" where ``error`` is no interruption."""
    if isinstance(error, KeyboardInterrupt):
        return "Ctrl-C (SIGINT)"
    if isinstance(error, SystemExit):
        code = error.code
        if isinstance(code, int) and code - 128 in set(signal.Signals):
            return signal.Signals(code - 128).name
        return f"an exit of the program ({code})"
    return ""


def _error(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
