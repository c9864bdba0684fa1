"""docs/statistics.md is true: its code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diagnostics.statistics import summary_cache
from diagnostics.study import Study, StudyPlan, grid

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"


@pytest.mark.slow
def test_the_code_of_the_page_runs_on_real_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = {"network": ["feedforward"], "limit": [600], "epochs": [2], "batch_size": [16]}
    Study(StudyPlan(grid(small, 2)), Path("runs"), 1).run()
    names: dict = {"__name__": "__main__"}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(code, names)

    assert "feedforward" in capsys.readouterr().out
    assert len(names["by_run"]) == 2
    assert names["by_arm"].loc["feedforward", "runs"] == 2
    assert [arm.label for arm in names["arms"]] == ["feedforward lr=0.1", "feedforward lr=0.5"]
    judged = [run for run in names["runs"] if run.is_judged]
    assert names["bands"].empty == (not judged)
    assert (Path("runs") / summary_cache.FOLDER).is_dir()
