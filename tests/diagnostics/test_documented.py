"""Every argument of what users construct or call in diagnostics has a line of its own in the docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

import diagnostics
from diagnostics import Run
from diagnostics.detect.thresholds import Thresholds
from diagnostics.record.options import RecordingOptions
from diagnostics.replay import replay
from diagnostics.rescue.experiment import Rescue
from diagnostics.rescue.plan import make_plan
from diagnostics.run.source import MemorySource
from diagnostics.study.plan import Arm, StudyPlan
from diagnostics.study.runner import Study

PUBLIC = [getattr(diagnostics, name) for name in diagnostics.__all__]
DOCUMENTED: list[Any] = [
    *(one for one in PUBLIC if callable(one) and not (isinstance(one, type) and issubclass(one, Exception | Enum))),
    *(RecordingOptions, Arm, StudyPlan, Study, Run.from_rows, MemorySource.from_rows, Thresholds),
    *(replay, Rescue, make_plan),
]


def described(docstring: str) -> dict[str, str]:
    """The description of each argument: its line, and the lines up to the next argument or an empty line."""
    found: dict[str, str] = {}
    name = None
    for line in docstring.splitlines():
        begun = re.match(r"\s*(?:``(\w+)``|(\w+)): (.+)", line)
        if begun:
            name = begun[1] or begun[2]
            found[name] = begun[3]
        elif not line.strip():
            name = None
        elif name is not None:
            found[name] += f" {line.strip()}"
    return found


def undescribed(one: Callable[..., Any]) -> list[str]:
    """The arguments without a line, and those whose line does not say what they are by default."""
    words = described(inspect.getdoc(one) or "")
    arguments = [a for a in inspect.signature(one).parameters.values() if a.name not in ("self", "cls")]
    missing = [a.name for a in arguments if a.name not in words]
    has_default = [a.name for a in arguments if a.default is not a.empty and a.name in words]
    return missing + [f"{name}: default" for name in has_default if "default" not in words[name]]


@pytest.mark.parametrize("one", DOCUMENTED, ids=lambda one: one.__qualname__)
def test_every_argument_has_a_line_of_its_own_with_its_default(one: Callable[..., Any]) -> None:
    assert undescribed(one) == []


def test_an_argument_without_line_or_default_is_found() -> None:
    def measured(rows: int, every: int = 1, limit: int = 2) -> None:
        """Measure.

        ``rows``: how many.
        ``every``: so often.
        """

    assert undescribed(measured) == ["limit", "every: default"]
