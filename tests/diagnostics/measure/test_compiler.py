"""The compiled loops: made once, by one process at a time, and only where something is measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import LogWriteError
from diagnostics.measure import compiler, loops

ROOT = Path(__file__).parents[3]
SAMPLE = Path(__file__).parents[1] / "samples" / "log-1.2.h5"
COMMANDS = (["--help"], ["rules"], ["diagnose", "LOG"], ["stats", "LOG"], ["report", "--no-replay", "-o", "out", "LOG"])
PROGRAM = """
import json, sys
from reports.cli import main
for command in json.loads(sys.argv[1]):
    if command[0] == "report":  # without painting its figures
        from reports.figures import style
        style.png = lambda figure: b""
    try:
        main(command)
    except SystemExit as end:
        print("ended:", command[0], end.code, "numba" in sys.modules)
"""
MEASURE = """
import numpy as np
from diagnostics.measure.tensors import TensorStatistics
out = np.zeros((7, 1), np.float32)
TensorStatistics([5000], out).measure(np.random.default_rng(0).normal(size=5000).astype(np.float32))
print(out.tobytes().hex())
"""


@pytest.fixture
def fresh() -> Iterator[None]:
    """As in a process that has compiled nothing."""
    compiler.compiled_loops.cache_clear()
    yield
    compiler.compiled_loops.cache_clear()


def test_commands_that_train_nothing_do_not_import_the_compiler(tmp_path: Path) -> None:
    log = shutil.copy(SAMPLE, tmp_path / "run.h5").name
    commands = [[log if word == "LOG" else word for word in command] for command in COMMANDS]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
    )

    ended = [line for line in done.stdout.splitlines() if line.startswith("ended: ")]
    assert ended == [f"ended: {command[0]} 0 False" for command in COMMANDS], done.stderr


@pytest.mark.slow
def test_processes_that_compile_at_once_find_the_same_bits(tmp_path: Path) -> None:
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def measured(count: int) -> list[tuple[str, str]]:
        """What each of so many processes finds and tells."""
        running = [
            subprocess.Popen([sys.executable, "-c", MEASURE], stdout=PIPE, stderr=PIPE, text=True, env=surroundings)
            for _ in range(count)
        ]
        told = [one.communicate() for one in running]
        assert [one.returncode for one in running] == [0] * count
        return told

    first = measured(4)
    kept = sorted(tmp_path.rglob("*.nbc"))
    again = measured(1)

    assert first[0][0]
    assert {found for found, _ in (*first, *again)} == {first[0][0]}
    assert [compiler.WAITING in told for _, told in first].count(True) == 1
    assert again[0][1] == ""
    assert len(kept) == len(loops.TYPES)
    assert sorted(tmp_path.rglob("*.nbc")) == kept


@pytest.mark.slow  # all is compiled
@pytest.mark.usefixtures("fresh")
def test_a_folder_that_cannot_be_written_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> Any:
        raise LogWriteError(f"{path}: cannot be written")

    monkeypatch.setattr(compiler, "locked", refuse)

    counts = np.zeros(4, np.uint32)

    compiler.compiled_loops().histogram(np.array([0, 1, 2, 2.5, 4], np.float32), 0.0, 4.0, counts)

    assert counts.tolist() == [1, 1, 2, 1]
    assert [record.message for record in caplog.records] == [compiler.WAITING]


@pytest.mark.slow
@pytest.mark.parametrize(("refused", "used"), [("diagnostics", "home"), ("home", "diagnostics")])
def test_the_user_s_folder_is_used_and_the_package_s_own_only_without_it(
    refused: str, used: str, tmp_path: Path
) -> None:
    for room in ("lenet", "diagnostics"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "mnist"))
    if refused == "home":
        (tmp_path / "home").touch()  # no folder, and none can be made
    surroundings = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-B", "-c", MEASURE]
    told = [
        subprocess.run(command, capture_output=True, text=True, env=surroundings, cwd=tmp_path).stderr for _ in range(2)
    ]

    assert [compiler.WAITING in one for one in told] == [True, False]
    assert len(list((tmp_path / used).rglob("*.nbc"))) == len(loops.TYPES)
    assert used == "diagnostics" or not [*(tmp_path / "diagnostics").rglob("*.nb?")]


def test_every_loop_is_compiled_for_the_types_it_declares() -> None:
    made = compiler.compiled_loops()

    assert list(vars(made)) == list(loops.TYPES)
    for function in vars(made).values():
        assert len(function.signatures) == 1
        assert not function._can_compile
