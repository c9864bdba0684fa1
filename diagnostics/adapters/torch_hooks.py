"""The hooks that a recorder hangs on modules and optimisers, and how all of them are taken off again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class DetachableHook:
    """A hook that copies and files of a module do not take along: there it does nothing.

    Nor does it do anything in code that ``torch.compile`` makes, which stays in one piece.

    Args:
        call: what is called; None does nothing.
    """

    def __init__(self, call: Callable[..., None] | None) -> None:
        import torch

        self._call, self._is_compiling = call, torch.compiler.is_compiling

    def __call__(self, *arguments: Any, **named: Any) -> None:
        if self._call is not None and not self._is_compiling():
            self._call(*arguments, **named)

    def __deepcopy__(self, memo: Any) -> DetachableHook:
        return DetachableHook(None)

    def __reduce__(self) -> tuple[Any, ...]:
        return DetachableHook, (None,)


class HookSet:
    """Hooks that are taken off together."""

    def __init__(self) -> None:
        self._handles: list[Any] = []

    def add(self, register: Callable[..., Any], call: Callable[..., None], **options: Any) -> None:
        """Hang on one hook.

        Args:
            register: the method that registers hooks, such as ``module.register_forward_hook``.
            call: what it calls.
            options: of ``register``.
        """
        self._handles.append(register(DetachableHook(call), **options))

    def remove(self) -> None:
        """Take all of them off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
