"""docs/cluster.md: its commands are those of the command line, and its Python runs as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from diagnostics.executors.dask_cluster import LOST_WAIT
from diagnostics.executors.dask_pool import DEATHS
from diagnostics.study.results import load_study

PAGE = (Path(__file__).parents[3] / "docs" / "cluster.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [shlex.split(line)[1:] for line in SHELL.splitlines() if line.startswith("lenet-diag ")]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_commands_of_the_page_have_the_options_that_they_name(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports.commands import rescue, study

    monkeypatch.chdir(tmp_path)
    Path("dead.h5").touch()
    command = {"study": study.command, "rescue": rescue.command}[words[0]]

    assert command.make_context(words[0], words[1:]).params["scheduler"] == "tcp://HOST:8786"


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert (DEATHS, LOST_WAIT) == (10, 600)
    assert "when ten workers were lost" in PAGE
    assert "up to ten minutes" in PAGE


@pytest.mark.slow
def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block, "docs/cluster.md", "exec"), {})

    assert [run.status for run in load_study(Path("studies/small"))[1].runs] == ["completed"] * 2
