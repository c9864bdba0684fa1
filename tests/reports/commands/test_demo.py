"""`lenet-diag demo`: seeds are trained until one dies, and its report is opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from diagnostics import open_run
from lenet import load_dataset
from lenet.settings import Settings
from tests.helpers.command_line import typed


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Small runs of which seed 3 is the first that dies, in a folder of their own; the addresses that were opened."""
    addresses: list[str] = []

    def settings(seed: int) -> Settings:
        lr = 60.0 if seed >= 3 else 0.1
        return Settings("feedforward", limit=640, batch_size=32, seed=seed, steps=120, lr=lr, epochs=12)

    def report(path: Path, out: Path, wanted: Any) -> tuple[list[Path], int]:
        return [out / "report.html"], 0

    few = load_dataset(limit=640)
    monkeypatch.setattr("lenet.data.load_dataset", lambda *_: few)
    monkeypatch.setattr("reports.commands.demo.settings_of", settings)
    monkeypatch.setattr("reports.commands.report.report_runs", report)
    monkeypatch.setattr("webbrowser.open", addresses.append)
    monkeypatch.setattr("reports.commands.demo.MOST_SEEDS", 2)
    monkeypatch.chdir(tmp_path)
    return addresses


def test_seeds_are_tried_until_one_dies(opened: list[str]) -> None:
    result = typed("demo", "--seed", "2", "--open")
    (log,) = Path("demo").glob("*.h5")

    assert result.exit_code == 0, result.output
    assert "seed 2: " in result.stderr
    assert re.search(r"^what would have saved it: lenet-diag rescue \S+\.h5$", result.stderr, re.MULTILINE)
    assert open_run(log).diagnosis.is_defect
    assert open_run(log).info.seed == 3
    assert result.stdout.splitlines()[-1] == str(log.with_suffix(".report") / "report.html")
    assert opened == [(log.with_suffix(".report") / "report.html").resolve().as_uri()]


def test_no_page_is_opened_where_nobody_looks_on_and_a_search_ends(opened: list[str]) -> None:
    assert typed("demo", "--seed", "3").exit_code == 0
    assert opened == []
    ended = typed("demo", "--seed", "0")

    assert ended.exit_code == 4
    assert "none of 2 seeds died; try others with --seed 2" in ended.stderr
