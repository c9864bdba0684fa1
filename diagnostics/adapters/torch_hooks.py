"""The hooks that a recorder hangs on modules and optimisers, and how all of them are taken off again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostics.errors import DiagnosticsError
from lenet.errors import LenetError
from lenet.hooks import StopTraining

OUTSIDE_TRAINING = "torch.jit.script takes no hooks of a TorchRecorder; script the model after the with block"


def is_ordinary() -> bool:
    """Whether tensors hold numbers: not in a transform of ``torch.func``, nor while ``torch.jit`` traces a model."""
    import torch

    return torch._C._functorch.maybe_current_level() is None and not torch._C._is_tracing()


class DetachableHook:
    """A hook that copies and files of a module do not take along: there it does nothing.

    Nor does it do anything in code that ``torch.compile`` makes, which stays in one piece.

    Args:
        call: what is called; None does nothing.
        failed: told of an error that is none of the user's, in place of the training; None raises it.
    """

    def __init__(self, call: Callable[..., None] | None, failed: Callable[[Exception], object] | None = None) -> None:
        import torch

        self.call, self._failed, self._is_compiling = call, failed, torch.compiler.is_compiling

    def __call__(self, *arguments: Any, **named: Any) -> None:
        if self.call is not None and not self._is_compiling():
            try:
                self.call(*arguments, **named)
            except (LenetError, DiagnosticsError, StopTraining):
                raise
            except Exception as error:
                if self._failed is None:
                    raise
                self._failed(error)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(OUTSIDE_TRAINING if name == "__name__" else f"DetachableHook has no attribute {name}")

    def __deepcopy__(self, memo: Any) -> DetachableHook:
        return DetachableHook(None)

    def __reduce__(self) -> tuple[Any, ...]:
        return DetachableHook, (None,)


class HookSet:
    """Hooks that are taken off together.

    Args:
        failed: told of an error of a hook that is none of the user's; None (default) raises it.
    """

    def __init__(self, failed: Callable[[Exception], object] | None = None) -> None:
        self._failed = failed
        self._hooks: list[DetachableHook] = []
        self._handles: list[Any] = []

    def add(self, register: Callable[..., Any], call: Callable[..., None], **options: Any) -> None:
        """Hang on one hook.

        Args:
            register: the method that registers hooks, such as ``module.register_forward_hook``.
            call: what it calls.
            options: of ``register``.
        """
        self._hooks.append(DetachableHook(call, self._failed))
        self._handles.append(register(self._hooks[-1], **options))

    def guard(self, call: Callable[..., None]) -> DetachableHook:
        """What is called from elsewhere than a hook, with the same care."""
        return DetachableHook(call, self._failed)

    def silence(self) -> None:
        """Let all of them do nothing from now on, also while one of them runs."""
        for hook in self._hooks:
            hook.call = None

    def remove(self) -> None:
        """Take all of them off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._hooks.clear()
