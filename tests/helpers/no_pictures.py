"""Reports without their pictures, for tests of what stands around them: drawing takes nearly all of a report's time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

DRAWS = "reports.figures.catalogue._captioned"
PAINTS = "reports.figures.style.png"
BLANK = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==")
"""A PNG of one white pixel."""
REPORTS = "reports.commands.report._one_report"


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


def one_report(job: Any) -> Any:
    """What a worker of `lenet-diag report FOLDER` does, without pictures."""
    from reports.commands import report

    with pytest.MonkeyPatch.context() as here:
        here.setattr(DRAWS, _nothing)
        return report._one_report(job)


@contextmanager
def without_pictures() -> Iterator[None]:
    """A context in which reports are pages of words and tables."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(DRAWS, _nothing)
        here.setattr(REPORTS, one_report)
        yield


@pytest.fixture
def no_pictures() -> Iterator[None]:
    """Reports are pages of words and tables."""
    with without_pictures():
        yield


@contextmanager
def with_blank_pictures() -> Iterator[None]:
    """A context in which figures are made with all their words and curves, and not painted."""
    with pytest.MonkeyPatch.context() as here:
        here.setattr(PAINTS, lambda figure: BLANK)
        yield


@pytest.fixture
def blank_pictures() -> Iterator[None]:
    """Figures are made with all their words and curves, and not painted, which takes most of their time."""
    with with_blank_pictures():
        yield
