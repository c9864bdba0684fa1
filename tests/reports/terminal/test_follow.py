"""Following a log: what is read late, what goes wrong meanwhile."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from diagnostics.detect.findings import Finding, Severity, Stretch, Verdict
from diagnostics.errors import LogError
from reports.terminal import follow
from reports.terminal.judgement import Judgement
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.log_writers import row, writer


def test_a_log_that_is_deleted_is_told_on_the_ordinary_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = tmp_path / "x.h5", io.StringIO()
    log = writer(path)
    log.row(0, 1, row(0))
    log.flush()
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda seconds: path.unlink(missing_ok=True)))

    with pytest.raises(LogError, match=r"x\.h5: no such file$"):
        follow.follow(path, Console(file=out, force_terminal=True, width=80, height=24))

    log.close("completed")
    assert out.getvalue().endswith("\x1b[?1049l")


def test_who_joins_late_is_told_everything_at_its_own_step() -> None:
    events = follow.Follower(synthetic.collapsed(), "runs/x.h5").state().events

    assert "step 704  94% of the units of conv2 are silent" in events
    assert [event for event in events if event.startswith("step 719  collapsed from step 701")]


def test_news_are_told_once_and_in_order_of_their_steps() -> None:
    warnings = [warning(102), warning(155)]
    stretches = [Stretch(Verdict.COLLAPSED, 100, 140, recovery=150)]
    detector = SimpleNamespace(
        warnings=warnings,
        symptoms=SimpleNamespace(stretches=stretches, steps=300),
        suspects={},
        cause_of=lambda stretch: None,
    )
    judgement = Judgement(cast(Any, detector))
    told = judgement.news()
    warnings.append(warning(290))

    assert [step for step, _ in told] == [102, 140, 150, 155]
    assert judgement.news() == [(290, "update of conv1 is 410% of its norm")]
    assert judgement.news() == []


def warning(step: int) -> Finding:
    return Finding(
        "early-warning", "conv1", step, step, 4.1, 3.0, Severity.WARNING, 0.3, "update of conv1 is 410% of its norm"
    )
