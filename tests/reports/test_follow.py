"""Following a log: what is read late, what goes wrong meanwhile."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from diagnostics.errors import LogError
from reports.terminal import follow
from tests.diagnostics.writing import row, writer


def test_a_log_that_is_deleted_is_told_on_the_ordinary_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = tmp_path / "x.h5", io.StringIO()
    log = writer(path)
    log.row(0, 1, row(0))
    log.flush()
    monkeypatch.setattr(follow, "time", SimpleNamespace(sleep=lambda seconds: path.unlink(missing_ok=True)))

    with pytest.raises(LogError, match=r"x\.h5: no such file$"):
        follow.follow(path, Console(file=out, force_terminal=True, width=80, height=24))

    assert out.getvalue().endswith("\x1b[?1049l")
