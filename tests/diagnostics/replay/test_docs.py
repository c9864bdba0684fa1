"""docs/replay.md is executed as it stands, on a run of the paper's LeNet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from diagnostics.record.training import run_training
from lenet import Settings, load_dataset

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.slow
def test_the_page_about_replays_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_training(Settings(limit=2560, epochs=4), tmp_path / "dead.h5", dataset=load_dataset(limit=2560))
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "replay.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 5
    told = capsys.readouterr().out
    assert "35 rows equal to the log bit for bit" in told
    assert "26 rows equal to the log bit for bit" in told
    assert (tmp_path / "mine.step-25" / "origin.html").exists()
    assert names["branch"].steps[-1] == 59


def test_every_method_that_the_page_names_is_there() -> None:
    from diagnostics.replay import Moment

    page = (DOCS / "replay.md").read_text()
    named = set(re.findall(r"`moment\.(\w+)", page)) | set(re.findall(r"^\| .*?`, `(\w+)", page, re.MULTILINE))
    attributes = {"labels", "images", "sample_indices", "state"}  # of the instance
    assert {name for name in named if not hasattr(Moment, name)} <= attributes
    assert named >= {"model", "losses", "shares", "sample_gradients", "along_the_step", "why_units_moved"}
