"""A file or folder of the user that has the name of a package of ours is named in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from lenet.in_the_way import expect_ours, hidden_by, warn_of

ROOT = Path(__file__).parents[1]


@pytest.fixture
def shadow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands first on the path, as that of a script does."""
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("lenet", "diagnostics", "reports"):
        monkeypatch.delitem(sys.modules, package, raising=False)
    return tmp_path


@pytest.mark.parametrize("place", ["lenet.py", "lenet/__init__.py", "diagnostics/__init__.py", "reports.py"])
def test_a_name_in_the_way_is_told_with_its_place_and_the_cure(shadow: Path, place: str) -> None:
    (shadow / place).parent.mkdir(exist_ok=True)
    (shadow / place).touch()
    first = Path(place).parts[0]
    package = first.removesuffix(".py")

    with pytest.raises(ImportError) as error:
        expect_ours(package)

    line = str(error.value)
    kind = "file" if first.endswith(".py") else "folder"
    assert line.startswith(f"{shadow / first}: this {kind} hides the package {package} of lenet-diag (in {ROOT}); ")
    assert line.endswith(f"rename it, such as to my_{first}, or start your script in another folder")
    assert "\n" not in line
    with pytest.warns(UserWarning, match="hides the package"):
        warn_of(package)


def test_nothing_is_said_where_nothing_is_in_the_way() -> None:
    assert [hidden_by(package) for package in ("lenet", "diagnostics", "reports")] == ["", "", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of("diagnostics")


@pytest.mark.parametrize(
    ("hidden", "command", "code"),
    [
        ("lenet.py", ["script.py"], 1),
        ("lenet.py", ["-m", "reports", "train", "--no-log"], 2),
        ("diagnostics", ["-m", "reports", "--help"], 2),
        pytest.param("lenet.py", ["lenet-diag", "--help"], 2, marks=pytest.mark.slow),
    ],
)
def test_every_entry_point_says_it(tmp_path: Path, hidden: str, command: list[str], code: int) -> None:
    (tmp_path / "script.py").write_text("from diagnostics import Recorder\n")
    (tmp_path / "lenet-diag").write_text("from reports.cli import main\nmain()\n")
    if hidden.endswith(".py"):
        (tmp_path / hidden).write_text("")
    else:
        (tmp_path / hidden).mkdir()
        (tmp_path / hidden / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]

    assert done.returncode == code
    assert f"{tmp_path / hidden}: this " in last
    assert "hides the package" in last
    assert "Traceback" in done.stderr if code == 1 else done.stderr.count("\n") == 1


def test_the_trainer_alone_warns_of_what_a_later_import_would_miss(shadow: Path) -> None:
    shutil.copytree(ROOT / "lenet", shadow / "here" / "lenet", ignore=shutil.ignore_patterns("*.gz", "__pycache__"))
    (shadow / "here" / "diagnostics.py").touch()
    done = subprocess.run(
        [sys.executable, "-c", "import lenet"], cwd=shadow / "here", capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert "diagnostics.py: this file hides the package diagnostics of lenet-diag" in done.stderr


def test_a_package_that_hides_what_draws_is_warned_of_and_named_where_something_is_to_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").touch()
    (tmp_path / "script.py").write_text(
        "import sys\n"
        "sys.meta_path = [one for one in sys.meta_path if 'editable' not in str(one).lower()]\n"  # as from a wheel
        "from diagnostics.views import view\n"
        "view('report')\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    line = f"{tmp_path / 'reports'}: this folder hides the package reports of lenet-diag (in {ROOT}); "

    assert f"UserWarning: {line}" in done.stderr
    assert f"MissingLibraryError: this cannot be drawn: {line}" in done.stderr
