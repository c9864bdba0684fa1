"""Calls functions that other people wrote, with the further arguments that they take.

Where such a call gives no result, the reason becomes one sentence, :class:`NotComparable`.
"""

from __future__ import annotations

import inspect
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

TRAINING = ("training", "train", "is_training", "train_flg")
TARGETS = ("y_true", "ytrue", "true", "targets", "target", "labels", "label", "y", "t", "expected", "truth")
ZERO_GRADIENTS = ("zero_grad", "zero_grads", "zero_gradient", "zero_gradients", "reset_gradients", "clear_gradients")
LEARNING_RATES = ("learning_rate", "learningrate", "lr", "l_rate", "eta", "alpha", "rate", "step_size")


class NotComparable(Exception):
    """Why a part cannot be compared; ``is_mistake`` where that alone shows that the code is wrong."""

    def __init__(self, part: str, reason: str, *, is_mistake: bool = False) -> None:
        super().__init__(f"{part} {reason}")
        self.part, self.reason, self.is_mistake = part, reason, is_mistake


def call(function: Any, name: str, values: Sequence[Any] = (), further: Mapping[str, Any] | None = None) -> Any:
    """Call a function with ``values``, and with those ``further`` arguments, in lower case, that it takes.

    Raises NotComparable where it needs more than that, and where it raises an error.
    """
    known = further or {}
    names = parameter_names(function)
    options = {one: known[one.lower()] for one in names[len(values) :] if one.lower() in known}
    missing = [one for one in required_names(function)[len(values) :] if one not in options]
    if missing:
        other = (
            "check_loss and check_network know of targets"
            if {one.lower() for one in missing} & {*TARGETS}
            else (f"arguments={{{missing[0]!r}: ...}} hands it over")
        )
        raise NotComparable(name, f"needs {' and '.join(missing)}, of which check knows nothing; {other}")
    try:
        return function(*values, **options)
    except Exception as error:
        raise NotComparable(name, f"raised {type(error).__name__}: {error}{_where(error)}", is_mistake=True) from error


def parameter_names(function: Any) -> list[str]:
    """The names of the arguments that a function takes, in order; none where it does not say."""
    return [parameter.name for parameter in _parameters(function)]


def required_names(function: Any) -> list[str]:
    """The names of the arguments that have no default."""
    return [parameter.name for parameter in _parameters(function) if parameter.default is parameter.empty]


def numbers(value: Any, what: str) -> NDArray[np.float64]:
    """A new array of float64. Raises NotComparable for anything that is no array of real numbers."""
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.array(None)
    if value is None or array.dtype.kind not in "fiub":
        raise NotComparable(what, f"is {type(value).__name__}, expected an array of numbers", is_mistake=True)
    return array.astype(np.float64)


_methods: WeakKeyDictionary[types.FunctionType, list[inspect.Parameter]] = WeakKeyDictionary()
"""The arguments of methods by their functions: a check calls them thousands of times, and to ask takes as long."""


def _parameters(function: Any) -> list[inspect.Parameter]:
    code = function.__func__ if isinstance(function, types.MethodType) else None
    if not isinstance(code, types.FunctionType):
        return _listed(function)
    if code not in _methods:
        _methods[code] = _listed(function)
    return _methods[code]


def _listed(function: Any) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function that is written in C does not list its arguments
        return []
    return [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _where(error: BaseException) -> str:
    """The last line of the user's own code that the error came through."""
    here = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if here not in frame.filename]
    own = [frame for frame in frames if "site-packages" not in frame.filename and not frame.filename.startswith("<")]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
