"""Every output option of every command replaces regular files only."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from reports.cli import LazyGroup, main
from reports.commands import help_lines
from tests.helpers.broken_runs import broken_log
from tests.helpers.command_line import typed
from tests.helpers.log_writers import whole_log
from tests.helpers.odd_files import ODD_FILES, what_is_there

STUDY = "study --runs 1 --jobs 1 --network feedforward --limit 256 --steps 2 --out study"
# option -> the command as it is typed, and the file it would write; {x} is the file that stands in the way.
OUTPUTS = {
    "train --out": ("train --network feedforward --limit 256 --steps 2 --out x.h5", "x.h5"),
    "train --out --overwrite": ("train --network feedforward --limit 256 --steps 2 --out x.h5 --overwrite", "x.h5"),
    "study --out": (STUDY, "study/study.json"),
    "study --page": ("study --page-only --out made --page x.md", "x.md"),
    "report --out": ("report run.h5 --out x", "x/report.html"),
    "report --out figures": ("report run.h5 --out x", "x/1-loss-and-accuracy.png"),
    "stats --save": ("stats run.h5 --save x", "x/stats.json"),
    "export --output": ("export run.h5 --output x", "x/steps.csv"),
    "export --output parquet": ("export run.h5 --format parquet --output x", "x/steps.parquet"),
    "replay --out": ("replay broken.h5 --out x", "x/origin.html"),
    "replay --state": ("replay broken.h5 --out x --state x.npz", "x.npz"),
    "import --out": ("import loss.csv --classes 10 --out x", "x/loss.h5"),
    "rescue --out": ("rescue broken.h5 --runs 1 --arm clip --jobs 1 --out x", "x/rescue.json"),
}
SLOW = ("report --out figures", "replay --out", "replay --state", "rescue --out")
"""Outputs that take seconds; one kind of file is put in their way."""
# Options that take a path to read, or that name no place of their own.
READ = {f"{command} --data" for command in ("train", "study", "report", "replay", "rescue", "gradcheck")}
READ |= {
    "study --reuse",
    "demo --out",  # a folder of logs, each with a name of its own
    "diagnose --limits",
    *(f"{command} --labels" for command in ("diagnose", "report", "stats", "import")),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log, and a study of a preset that has begun."""
    folder = tmp_path_factory.mktemp("made")
    whole_log(folder / "run.h5")
    (folder / "loss.csv").write_text("step,loss,accuracy\n" + "".join(f"{step},2.3,0.1\n" for step in range(40)))
    shutil.copy(broken_log(), folder / "broken.h5")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        from diagnostics.study.plan import StudyPlan
        from diagnostics.study.presets import preset

        (folder / "made").mkdir()
        StudyPlan(preset("why").build({}, 1), 0, preset="why").save(folder / "made")
    return folder


CASES = [(output, kind) for output in OUTPUTS for kind in ODD_FILES if output not in SLOW or kind == "a socket"]


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(("output", "kind"), CASES)
def test_only_regular_files_are_replaced(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, kind: str
) -> None:
    line, target = OUTPUTS[output]
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / target
    path.parent.mkdir(exist_ok=True)
    ODD_FILES[kind](path)
    before = what_is_there(path)

    result = typed(*line.split())

    assert what_is_there(path) == before
    assert result.exit_code in (2, 3), result.output
    assert result.output.splitlines()[-1].startswith("error: "), result.output
    assert not list(tmp_path.rglob("*.part-*"))


def test_every_option_that_takes_a_path_is_tried() -> None:
    assert isinstance(main, LazyGroup)
    known = {re.sub(r" (figures|parquet|--overwrite)$", "", name) for name in OUTPUTS} | READ
    for name in help_lines():
        command: Any = main.get_command(click.Context(main), name)
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.type, click.Path):
                assert f"{name} {max(option.opts, key=len)}" in known
