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
    """A hook and a context manager: within it, a signal waits for the end of the step."""

    def __init__(self) -> None:
        self._waiting: int | None = None

    def __enter__(self) -> EndsBetweenSteps:
        _HANDLERS.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        _HANDLERS.remove(self)
        if kind is None:
            self._end_if_asked()

    def on_step_end(self, event: StepEnd) -> None:
        self._end_if_asked()

    def on_validation_end(self, event: ValidationEnd) -> None:
        self._end_if_asked()

    def take(self, number: int) -> None:
        """A signal has come: the first waits for the end of the step, the second does not."""
        if self._waiting is not None:
            raise _error(number)
        self._waiting = number

    def _end_if_asked(self) -> None:
        if self._waiting is not None:
            number, self._waiting = self._waiting, None
            raise _error(number)


class Deferral:
    """Holds signals back while a log is being written; use as a context manager around each write.

    Within it SIGINT and SIGTERM are remembered and delivered on leaving. SIGTERM without a handler would kill the
    process on the spot: while a log is open it becomes SystemExit(143), so that the run ends in order.
    """

    def __init__(self) -> None:
        self.depth = 0
        _HANDLERS.add(self)

    def __enter__(self) -> Deferral:
        self.depth += 1
        return self

    def __exit__(self, *exception: object) -> None:
        self.depth -= 1
        _HANDLERS.deliver_waiting()

    def remove(self) -> None:
        """The log is closed; a signal that waited is delivered."""
        _HANDLERS.remove(self)
        _HANDLERS.deliver_waiting()


class _Handlers:
    """The one handler of this process for all its open logs and running trainings.

    It is installed for the first of them and goes with the last, in whatever order they end. Handlers of their own
    would leave those of closed logs behind where two logs are not closed in the reverse order.
    Outside the main thread Python delivers no signals, and nothing is installed.
    """

    def __init__(self) -> None:
        self._users: list[Deferral | EndsBetweenSteps] = []
        self._waiting: list[int] = []
        self._before: dict[int, Any] = {}

    def add(self, user: Deferral | EndsBetweenSteps) -> None:
        """Handle signals from now on."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._users.append(user)
        for number in SIGNALS:
            before = signal.getsignal(number)
            # A job in the background starts with SIGINT ignored, and that is respected.
            if before not in (None, signal.SIG_IGN, self._handle):
                self._before[number] = before
                signal.signal(number, self._handle)

    def remove(self, user: Deferral | EndsBetweenSteps) -> None:
        """Put back the handlers from before with the last user, where nobody has replaced ours."""
        if user in self._users:
            self._users.remove(user)
        if not self._users and threading.current_thread() is threading.main_thread():
            for number, before in self._before.items():
                if signal.getsignal(number) == self._handle:
                    signal.signal(number, before)

    def deliver_waiting(self) -> None:
        """Deliver a signal that waited, once no log is being written."""
        if self._waiting and not self._is_writing:
            number = self._waiting.pop(0)
            if threading.current_thread() is threading.main_thread():
                self._deliver(number, None)
            else:
                signal.raise_signal(number)  # Python handles it in the main thread

    @property
    def _is_writing(self) -> bool:
        return any(user.depth for user in self._users if isinstance(user, Deferral))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_writing:
            self._waiting.append(number)
        else:
            self._deliver(number, frame)

    def _deliver(self, number: int, frame: FrameType | None) -> None:
        """To the training under way, if there is one, or else to the handler from before."""
        trainings = [user for user in self._users if isinstance(user, EndsBetweenSteps)]
        before: Callable[..., Any] | signal.Handlers | None = self._before.get(number)
        if trainings:
            trainings[-1].take(number)
        elif callable(before):
            before(number, frame)
        else:  # SIG_DFL of SIGTERM; Python gives SIGINT a handler of its own
            raise SystemExit(128 + number)


_HANDLERS = _Handlers()


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
