"""Reports without their pictures, for tests of what stands around them: drawing takes nearly all of a report's time."""

from __future__ import annotations

import base64
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


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are pages of words and tables."""
    monkeypatch.setattr(DRAWS, _nothing)
    monkeypatch.setattr(REPORTS, one_report)


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made with all their words and curves, and not painted, which takes most of their time."""
    monkeypatch.setattr(PAINTS, lambda figure: BLANK)
