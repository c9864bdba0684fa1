"""A fault of lenet-diag is one line, a file with the traceback, and exit code 70, which no other end has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from reports.commands import help_lines
from tests.helpers import forked
from tests.helpers.command_line import typed
from tests.helpers.log_writers import whole_log

ROOT = Path(__file__).parents[3]
ARGUMENTS = {
    "watch": ["x.h5"],
    "diagnose": ["x.h5"],
    "report": ["x.h5"],
    "stats": ["x.h5"],
    "export": ["x.h5"],
    "repair": ["x.h5"],
}
FAULTS = [
    MemoryError(),
    RuntimeError("first line\nsecond line"),
    KeyError("steps"),
    RecursionError("too deep"),
    OSError("not the system's word"),
    AssertionError(),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tracebacks go in these tests."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def assert_fault(result: Result, what: str, place: Path) -> None:
    assert result.exit_code == 70, result.output
    (line,) = result.stderr.splitlines()
    match = re.fullmatch(r"a fault of lenet-diag: (.*); the traceback is in (.*)", line)
    assert match is not None, line
    assert match[1] == what
    assert Path(match[2]).parent == place.resolve()
    kept = Path(match[2]).read_text()
    assert "Traceback (most recent call last)" in kept
    assert what.split(":")[0] in kept


@pytest.mark.parametrize("name", help_lines())
@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_a_fault_in_any_command_is_one_line(
    name: str, error: Exception, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("click.Command.invoke", fail)

    result = typed(name, *ARGUMENTS.get(name, []))

    first = str(error).splitlines()[0] if str(error) else ""
    assert_fault(result, f"{type(error).__name__}: {first}" if first else type(error).__name__, place)


def test_a_command_that_cannot_be_imported_is_a_fault(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reports.commands.schema", None)

    result = typed("schema")

    assert result.exit_code == 70
    assert result.stderr.startswith("a fault of lenet-diag: ModuleNotFoundError: ")


def test_where_no_folder_can_be_written_the_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise MemoryError

    def refuse(*_: object, **__: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("click.Command.invoke", fail)
    monkeypatch.setattr("tempfile.mkstemp", refuse)

    result = typed("rules")

    assert result.exit_code == 70
    assert result.stderr == (
        "a fault of lenet-diag: MemoryError; the traceback could not be kept (No space left on device)\n"
    )


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    changed = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "reports", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=changed, check=False)


@pytest.mark.slow
def test_a_backend_of_the_shell_that_is_not_here_costs_no_report(tmp_path: Path) -> None:
    whole_log(tmp_path / "run.h5")

    done = run("report", "run.h5", MPLBACKEND="module://no_such_backend")

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "run.report" / "report.html").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS")
def test_a_process_that_runs_out_of_memory_ends_with_70(tmp_path: Path, place: Path) -> None:
    script = """
import resource, sys, numpy
from reports.commands import schema
from reports.cli import main
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
schema.command.callback = lambda: numpy.ones(1 << 40)
sys.argv = ["lenet-diag", "schema"]
main()
"""
    done = forked.run("-c", script)

    assert done.returncode == 70
    assert re.fullmatch(r"a fault of lenet-diag: \w*MemoryError: .*; the traceback is in .*\n", done.stderr)


@pytest.mark.slow
def test_a_fault_in_the_report_of_one_run_leaves_the_others_theirs(tmp_path: Path, place: Path) -> None:
    for name in ("a.h5", "b.h5"):
        whole_log(tmp_path / name)
    # Workers are fresh processes: the fault has to be in a module that they import.
    (tmp_path / "sitecustomize.py").write_text(
        "import reports.pages.run_page as page\n"
        "write = page.write_report\n"
        "def fail(run, *more):\n"
        "    if run.name == 'a': raise ZeroDivisionError('in a figure')\n"
        "    return write(run, *more)\n"
        "page.write_report = fail\n"
    )

    done = run("report", ".", "--jobs", "2", PYTHONPATH=f"{tmp_path}:{ROOT}")

    lines = done.stderr.splitlines()
    assert done.returncode == 70, done.stderr
    assert [line for line in lines if "a fault of lenet-diag: a.h5: no report: ZeroDivisionError: in a figure" in line]
    assert (tmp_path / "report" / "b" / "report.html").exists()
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize("page", ["README.md", "--help"])
def test_the_table_of_exit_codes_says_it(page: str) -> None:
    text = typed("--help").output if page == "--help" else (ROOT / page).read_text()

    assert "70 a fault of lenet-diag itself" in " ".join(text.split())
