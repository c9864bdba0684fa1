"""The hooks of a run for a training loop, and a clock that stops while they run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import perf_counter
from typing import Self

from lenet.errors import reason_of
from lenet.hooks import ContinueFrom, Hook, StopTraining

log = logging.getLogger("lenet-diag")


class Listeners:
    """The hooks of a run; each event goes to those that override its method.

    An optional hook that fails is switched off with a warning; any other error of a hook is passed on.

    Args:
        hooks: the hooks, in the order in which they get events.
        of: the listeners of which these are a part; both share requests to stop and failed hooks.
            None (default) for all hooks of a run.
    """

    def __init__(self, hooks: Sequence[Hook], of: Listeners | None = None) -> None:
        self.hooks = tuple(hooks)
        self._stops: list[StopTraining] = [] if of is None else of._stops
        self._off: dict[Hook, str] = {} if of is None else of._off
        self._groups: dict[tuple[bool, ...], Listeners] = {}
        self._by_event: dict[str, list[Hook]] = {}
        for event in Hook._events:
            empty = getattr(Hook, event)
            self._by_event[event] = [hook for hook in hooks if getattr(type(hook), event) is not empty]

    def wanting(self, step: int) -> Listeners:
        """The hooks that want the events of this step."""
        wants = tuple(self._wants(hook, step) for hook in self.hooks)
        if all(wants):
            return self
        if wants not in self._groups:
            chosen = [hook for hook, wanted in zip(self.hooks, wants, strict=True) if wanted]
            self._groups[wants] = Listeners(chosen, self)
        return self._groups[wants]

    def has_listener(self, event: str) -> bool:
        """Whether any hook overrides the method of this event."""
        return bool(self._by_event[event])

    def emit(self, name: str, event: object) -> None:
        """Give the event to every hook that overrides its method.

        A request to stop is kept until :meth:`raise_if_stopped`, so that every hook gets the event.
        """
        for hook in self._by_event[name]:
            if hook in self._off:
                continue
            try:
                getattr(hook, name)(event)
            except StopTraining as stop:
                self._stops.append(stop)
            except Exception as error:
                self._switch_off(hook, error, getattr(event, "step", None))

    def raise_if_stopped(self) -> None:
        """Raise the first StopTraining of a hook; loops call this between two steps.

        A request to continue from another state comes after those to stop.
        """
        if self._stops:
            raise min(self._stops, key=lambda request: isinstance(request, ContinueFrom))

    def forget_requests(self) -> None:
        """Drop the requests of hooks, which have been met."""
        self._stops.clear()

    def emit_to_all(self, name: str, event: object) -> None:
        """Give the event to every hook, also after one of them failed; the first error is raised at the end."""
        errors: list[BaseException] = []
        for hook in self._by_event[name]:
            if hook in self._off:
                continue
            try:
                getattr(hook, name)(event)
            except StopTraining:
                continue  # the run has ended anyway
            except BaseException as error:
                try:
                    self._switch_off(hook, error, None)
                except BaseException as passed_on:
                    errors.append(passed_on)
        if errors:
            raise errors[0]

    @property
    def switched_off(self) -> tuple[str, ...]:
        """A sentence for each optional hook that has failed."""
        return tuple(self._off.values())

    def _wants(self, hook: Hook, step: int) -> bool:
        if hook in self._off:
            return False
        try:
            return hook.wants(step)
        except Exception as error:
            self._switch_off(hook, error, step)
            return False

    def _switch_off(self, hook: Hook, error: BaseException, step: int | None) -> None:
        """Switch an optional hook off. Raises the error of any other hook, and exceptions such as KeyboardInterrupt."""
        if not hook.optional or not isinstance(error, Exception):
            raise error
        when = "" if step is None else f" at step {step}"
        self._off[hook] = f"{hook.optional} was switched off{when}: {reason_of(error)}"
        log.warning("%s; the training goes on", self._off[hook])
        try:
            hook.switched_off()
        except Exception as second:
            log.warning("%s could not be ended in order: %s", hook.optional, reason_of(second))


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

    def paused(self) -> Self:
        """A context whose time is not measured; pauses may lie within pauses."""
        return self

    def __enter__(self) -> Self:
        if not self._pauses:
            self._measured += perf_counter() - self._since
        self._pauses += 1
        return self

    def __exit__(self, *exception: object) -> None:
        self._pauses -= 1
        if not self._pauses:
            self._since = perf_counter()
