"""Reports without their pictures, for tests of what stands around them: drawing takes nearly all of a paper's time."""

from __future__ import annotations

from typing import Any

import pytest

DRAWS = "reports.figures.catalogue._captioned"
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
