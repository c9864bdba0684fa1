"""Every argument of a public class or function, and every field of an event, has a line in its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import lenet
from lenet import Model, hooks

PUBLIC: list[Any] = [
    *(getattr(lenet, name) for name in lenet.__all__),
    *(kind for kind in vars(hooks).values() if isinstance(kind, type) and kind.__module__ == hooks.__name__),
    *(Model.set, Model.train, Model.validate, Model.restore),
]
DOCUMENTED = [one for one in PUBLIC if callable(one) and not (isinstance(one, type) and issubclass(one, Exception))]


@pytest.mark.parametrize("one", DOCUMENTED, ids=lambda one: one.__qualname__)
def test_every_argument_has_a_line_of_its_own(one: Callable[..., Any]) -> None:
    lines = [line.strip() for line in (inspect.getdoc(one) or "").splitlines()]
    described = {name.strip() for line in lines for name in line.partition(":")[0].split(",")}

    assert set(inspect.signature(one).parameters) - {"self", "args", "kwargs"} <= described
