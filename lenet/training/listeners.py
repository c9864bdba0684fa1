"""The hooks of a run as the loop sees them, and a clock that stops while they listen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from lenet.hooks import Hook, StopTraining


class Listeners:
    """The hooks of a run; each event goes to those that override its method."""

    def __init__(self, hooks: Sequence[Hook], stops: list[StopTraining] | None = None) -> None:
        self.hooks = tuple(hooks)
        self._stops: list[StopTraining] = [] if stops is None else stops
        self._groups: dict[tuple[bool, ...], Listeners] = {}
        self._by_event: dict[str, list[Hook]] = {}
        for event in Hook._events:
            empty = getattr(Hook, event)
            self._by_event[event] = [hook for hook in hooks if getattr(type(hook), event) is not empty]

    def wanting(self, step: int) -> Listeners:
        """Those that want to hear of this step."""
        wants = tuple(hook.wants(step) for hook in self.hooks)
        if all(wants):
            return self
        if wants not in self._groups:
            chosen = [hook for hook, wanted in zip(self.hooks, wants, strict=True) if wanted]
            self._groups[wants] = Listeners(chosen, self._stops)
        return self._groups[wants]

    def hears(self, event: str) -> bool:
        """Whether anybody overrides this event."""
        return bool(self._by_event[event])

    def tell(self, name: str, event: object) -> None:
        """Hand the event to every hook that overrides its method; a wish to stop has to wait for :meth:`heed`."""
        for hook in self._by_event[name]:
            try:
                getattr(hook, name)(event)
            except StopTraining as stop:
                self._stops.append(stop)

    def heed(self) -> None:
        """End the run if a hook has asked for it: between two steps, when all have heard of the one before."""
        if self._stops:
            raise self._stops[0]

    def tell_all_before_raising(self, name: str, event: object) -> None:
        """As :meth:`tell`, but an error of one hook does not keep the event from the others."""
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
    """Adds up the time between start and stop; runs from the beginning."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start()

    def start(self) -> None:
        """Go on."""
        self._since = perf_counter()

    def stop(self) -> None:
        """Add the time since the last start."""
        self.seconds += perf_counter() - self._since

    def without(self, call: Callable[..., None]) -> Callable[..., None]:
        """``call``, with the clock stopped meanwhile."""

        def paused(*arguments: Any) -> None:
            self.stop()
            call(*arguments)
            self.start()

        return paused
