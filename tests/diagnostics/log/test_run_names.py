"""What runs are called that are looked at together."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.log.run_names import RunNames


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a/metrics.csv"], ["metrics"]),
        (["a/lr=0.1.h5", "a/x.csv"], ["lr=0.1", "x"]),
        (["logs/version_0/metrics.csv", "logs/version_1/metrics.csv"], ["version_0-metrics", "version_1-metrics"]),
        (["w/run-1/files/log.txt", "w/run-2/files/log.txt", "w/x"], ["run-1-log", "run-2-log", "x"]),
        (["a/x.csv", "a/x.jsonl", "a/y.csv"], ["x.csv", "x.jsonl", "y"]),
        (["a/x.csv", "b/x.csv", "b/x.jsonl"], ["a-x.csv", "b-x.csv", "b-x.jsonl"]),
        (["a/x.h5", "b/x.h5"], ["a-x", "b-x"]),
        (["x.csv", "a/x.csv"], ["x", "a-x"]),
        (["a/b/x.csv", "b/a/x.csv"], ["a-b-x", "b-a-x"]),
    ],
)
def test_files_of_one_name_are_told_apart_by_as_little_as_needed(files, names):
    given = RunNames(map(Path, files))

    assert [given.of_file(Path(file)) for file in files] == names


def test_the_name_of_a_folder_has_dots(tmp_path):
    (tmp_path / "lr0.1").mkdir()

    assert RunNames([tmp_path / "lr0.1"]).of_file(tmp_path / "lr0.1") == "lr0.1"


def test_no_name_is_given_twice():
    names = RunNames([])

    assert [names.unused(name) for name in ("a", "a-2", "a", "a")] == ["a", "a-2", "a-3", "a-4"]
