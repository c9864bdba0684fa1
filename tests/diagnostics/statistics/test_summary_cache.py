"""Kept summaries: used while log and judging code are what they were, made anew otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.log.run_files import find_runs
from diagnostics.statistics import code_fingerprint, summary_cache
from tests.helpers.fake_runs import fake_run

ROOT = Path(__file__).parents[3]
# What judging a run loads without any verdict or number of a summary depending on it, beside the ground floor.
DECIDES_NOTHING = {Path("run/snapshots.py")}

SOURCE = '''
"""What it is for."""

LIMIT = 0.5
"""The limit."""


def is_large(value):
    """Whether it is large."""
    return value > LIMIT
'''
OTHER_WORDS = '''
"""Something else."""
# A comment.
LIMIT = 0.5  # the limit
def is_large(value):
    return (value
            > LIMIT)
'''


@pytest.fixture
def asked(monkeypatch):
    """The names of the runs whose logs were read again."""
    names = []

    def made_anew(path):
        names.append(path.name)
        fake_run(path.parent, path.name)
        return summary_cache.kept_summary(path)

    monkeypatch.setattr(summary_cache, "_made_anew", made_anew)
    return names


@pytest.fixture
def runs(tmp_path):
    for seed in range(4):
        fake_run(tmp_path, f"r{seed}.h5", seed=seed)
    return tmp_path


def load(folder):
    return summary_cache.load_summaries(find_runs([folder]))


def test_no_log_is_read_while_its_summary_holds(runs, asked):
    assert [run.seed for run in load(runs).runs] == [0, 1, 2, 3]
    assert asked == []


def test_a_summary_is_made_anew_where_it_is_damaged_or_gone_or_its_log_has_changed(runs, asked):
    (runs / ".summaries" / "r1.h5.json").write_text("{")
    (runs / ".summaries" / "r2.h5.json").unlink()
    (runs / "r3.h5").write_bytes(b"longer than before")
    load(runs)

    assert asked == ["r1.h5", "r2.h5", "r3.h5"]


def test_all_summaries_are_made_anew_once_the_judging_code_has_changed(runs, asked, monkeypatch):
    monkeypatch.setattr(summary_cache, "JUDGE", "another")
    load(runs)
    load(runs)

    assert asked == ["r0.h5", "r1.h5", "r2.h5", "r3.h5"]


def test_comments_docstrings_and_line_breaks_leave_the_fingerprint_as_it_is():
    assert code_fingerprint.statements(SOURCE) == code_fingerprint.statements(OTHER_WORDS)


@pytest.mark.parametrize(("old", "new"), [("0.5", "0.6"), (">", ">="), ("value > LIMIT", "LIMIT"), ("LIMIT", "TOP")])
def test_what_the_code_does_is_in_the_fingerprint(old, new):
    assert code_fingerprint.statements(SOURCE.replace(old, new)) != code_fingerprint.statements(SOURCE)


def copy_of_the_judge(folder, change):
    """The fingerprint of copies of the judging files, after ``change`` of one source."""
    files = []
    for number, file in enumerate(summary_cache.judging_files()):
        copy = folder / f"{number}" / file.name
        copy.parent.mkdir()
        text = file.read_text()
        copy.write_text(change(text) if file.name == "thresholds.py" else text)
        files.append(copy)
    return code_fingerprint.fingerprint(files)


def test_a_comment_in_a_judging_file_changes_nothing_and_a_limit_changes_the_fingerprint(tmp_path):
    for name in ("comment", "limit"):
        (tmp_path / name).mkdir()

    assert copy_of_the_judge(tmp_path / "comment", lambda text: f"# first\n{text}\n# last\n") == summary_cache.JUDGE
    assert copy_of_the_judge(tmp_path / "limit", lambda text: f"{text}\nONE_MORE = 1\n") != summary_cache.JUDGE


def test_the_fingerprint_covers_every_module_that_judging_a_run_needs():
    program = (
        "import sys, diagnostics.detect.detector, diagnostics.run.run, diagnostics.statistics.run_summary;"
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('diagnostics')))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    needed = {Path(file).relative_to(ROOT / "diagnostics") for file in found.stdout.split()}
    covered = {file.relative_to(ROOT / "diagnostics") for file in summary_cache.judging_files()}

    in_rooms = {file for file in needed if file.parent != Path() and file.name != "__init__.py"}

    assert in_rooms - covered <= DECIDES_NOTHING
    assert {Path("detect/detector.py"), Path("schema/columns.py"), Path("run/frames.py")} <= covered


def test_code_that_judges_nothing_is_not_in_the_fingerprint():
    covered = {str(file.relative_to(ROOT / "diagnostics")) for file in summary_cache.judging_files()}

    assert not covered & {"statistics/drift.py", "statistics/summary_cache.py", "run/export.py", "log/writer.py"}
