"""The hooks of a run as a training loop sees them, and a clock that stops while they listen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from lenet.hooks import Hook, StopTraining


class Listeners:
    """The hooks of a run; each event goes to those that override its method.

    Args:
        hooks: in the order in which they are told.
        stops: where requests to stop are collected; None (default) for a list of its own.
    """

    def __init__(self, hooks: Sequence[Hook], stops: list[StopTraining] | None = None) -> None:
        self.hooks = tuple(hooks)
        self._stops: list[StopTraining] = [] if stops is None else stops
        self._groups: dict[tuple[bool, ...], Listeners] = {}
        self._by_event: dict[str, list[Hook]] = {}
        for event in Hook._events:
            empty = getattr(Hook, event)
            self._by_event[event] = [hook for hook in hooks if getattr(type(hook), event) is not empty]

    def wanting(self, step: int) -> Listeners:
        """The hooks that want the events of this step."""
        wants = tuple(hook.wants(step) for hook in self.hooks)
        if all(wants):
            return self
        if wants not in self._groups:
            chosen = [hook for hook, wanted in zip(self.hooks, wants, strict=True) if wanted]
            self._groups[wants] = Listeners(chosen, self._stops)
        return self._groups[wants]

    def has_listener(self, event: str) -> bool:
        """Whether any hook overrides the method of this event."""
        return bool(self._by_event[event])

    def emit(self, name: str, event: object) -> None:
        """Hand the event to every hook that overrides its method.

        A request to stop is kept until :meth:`raise_if_stopped`, so that every hook gets the event.
        """
        for hook in self._by_event[name]:
            try:
                getattr(hook, name)(event)
            except StopTraining as stop:
                self._stops.append(stop)

    def raise_if_stopped(self) -> None:
        """Raise the first StopTraining of a hook; loops call this between two steps."""
        if self._stops:
            raise self._stops[0]

    def emit_to_all(self, name: str, event: object) -> None:
        """Hand the event to every hook, also after one of them failed; the first error is raised at the end."""
        errors: list[BaseException] = []
        for hook in self._by_event[name]:
            try:
                getattr(hook, name)(event)
            except StopTraining:
                continue  # there is nothing left to stop
            except BaseException as error:
                errors.append(error)
        if errors:
            raise errors[0]


class Stopwatch:
    """Measures the seconds since :meth:`restart`, without the time in :meth:`paused`."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Measure from now on."""
        self._measured = 0.0
        self._pauses = 0
        self._since = perf_counter()

    @property
    def seconds(self) -> float:
        """The seconds measured so far."""
        return self._measured + (0.0 if self._pauses else perf_counter() - self._since)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The time within is not measured; pauses may lie within pauses."""
        if not self._pauses:
            self._measured += perf_counter() - self._since
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if not self._pauses:
                self._since = perf_counter()
