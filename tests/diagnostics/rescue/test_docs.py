"""docs/rescuing.md is executed as it stands, and what it says of the power of a rescue is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diagnostics.rescue import run_rescue
from diagnostics.rescue.evidence import LEVEL
from diagnostics.statistics.intervals import mcnemar
from tests.helpers.fake_work import SameProcessExecutor

PAGE = Path(__file__).parents[3] / "docs" / "rescuing.md"


def test_the_code_of_the_page_runs(dead_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_rescue, "LocalExecutor", SameProcessExecutor)
    Path("dead.h5").write_bytes(dead_log.read_bytes())
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})

    assert len(blocks) == 2
    assert Path("dead.rescue/branches.jsonl").exists()


def test_the_page_says_how_lucky_a_control_may_be() -> None:
    found = re.search(r"With (\d+) orders and (\d+) arms .* at most (\d+) of", PAGE.read_text())
    assert found is not None
    orders, arms, lucky = map(int, found.groups())

    assert mcnemar(orders - lucky, 0) * arms < LEVEL <= mcnemar(orders - lucky - 1, 0) * arms
