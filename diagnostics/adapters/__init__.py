"""Turns a training with another library into the events that a recorder takes.

In: a network that a user wrote, as it stands, and one call a step.
Out: the events of :mod:`lenet.hooks`, as if the network had been trained here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.adapters.keras_recorder import KerasRecorder as KerasRecorder
    from diagnostics.adapters.sklearn_recorder import SklearnRecorder as SklearnRecorder
    from diagnostics.adapters.torch_recorder import TorchRecorder as TorchRecorder
    from diagnostics.adapters.watched_loop import Watch as Watch
    from diagnostics.adapters.watched_loop import watch as watch

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
