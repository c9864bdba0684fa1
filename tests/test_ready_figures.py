"""docs/ready-figures.md shows every ready figure with its picture, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diagnostics.run.plots import OriginPart, RunPlots
from tests.helpers import synthetic_runs as synthetic

PAGE = Path(__file__).parents[1] / "docs" / "ready-figures.md"


def test_every_ready_figure_is_documented_with_its_picture() -> None:
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    calls = [part.splitlines()[0].strip("`") for part in parts]
    methods = [name for name in vars(RunPlots) if not name.startswith("_")]

    assert {call.split("(")[0] for call in calls} == {f"run.plot.{name}" for name in methods}
    assert {part for part in OriginPart.__args__ if f'run.plot.origin("{part}")' in calls} == {
        "batch",
        "units",
        "movement",
    }
    for part in parts:
        alt, image = re.findall(r"^!\[(.+)\]\((.+)\)$", part, re.MULTILINE)[0]
        assert (PAGE.parent / image).stat().st_size > 1000
        assert len(alt) > 60, "readers who do not see the picture are told what it shows"


@pytest.mark.slow  # a whole report is drawn
def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    synthetic.write_log(synthetic.dead(60), tmp_path / "dead.h5")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    exec(code, {})

    assert Path("dead.png").read_bytes().startswith(b"\x89PNG")
    assert Path("dead.report/report.html").exists()
