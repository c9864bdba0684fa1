"""Which files a folder stands for: its own runs, else those of the folders below it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from diagnostics.imports import find_files
from tests.helpers.tool_logs import curve, write_csv

SAMPLES = Path(__file__).parent / "samples"
NOTHING = "no runs in this folder (expected files ending in .h5)"
OF_TOOLS = {
    "metrics.csv": "lightning-metrics.csv",
    "progress.csv": "stable-baselines-progress.csv",
    "log.txt": "printed-nanogpt.log",
    "metrics.json": "trainer_state.json",
    "params.json": "trainer_state.json",
    "debug-internal.log": "trainer_state.json",
    "train.py": "lightning-metrics.csv",
    "events.out.tfevents.1.host": "tensorboard-simple.tfevents",
}


def lay(folder: Path, places: str) -> None:
    """Files of other tools at these places."""
    for place in places.split():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / OF_TOOLS[re.sub(r"\.\d$", "", Path(place).name)], folder / place)


@pytest.mark.parametrize(
    ("places", "runs"),
    [
        ("version_0/metrics.csv version_1/metrics.csv",
         "version_0/metrics.csv version_1/metrics.csv"),
        ("a/metrics.csv a/train.py", "a/metrics.csv"),
        ("a/events.out.tfevents.1.host b/c/events.out.tfevents.1.host", "a b/c"),
        ("a/train/events.out.tfevents.1.host a/validation/events.out.tfevents.1.host", "a"),
        ("train/events.out.tfevents.1.host validation/events.out.tfevents.1.host", "."),
        ("train/events.out.tfevents.1.host train2/events.out.tfevents.1.host train3/weights/log.txt",
         "train train2 train3/weights/log.txt"),
        ("a/progress.csv a/log.txt b/log.txt b/metrics.json", "a/progress.csv b/log.txt"),
        ("a/params.json a/debug-internal.log a/x/metrics.csv .hidden/metrics.csv", "a/x/metrics.csv"),
        ("metrics.csv below/metrics.csv", "metrics.csv"),
        ("log.txt log.txt.1 log.txt.2 log.txt.4", "log.txt log.txt.4"),
        ("a/b/c/metrics.csv a/b/c/d/metrics.csv e/f/g/h/metrics.csv", "a/b/c/metrics.csv"),
    ],
)  # fmt: skip
def test_a_folder_stands_for_the_runs_in_it_or_below_it(tmp_path, places, runs):
    lay(tmp_path, places)

    assert find_files([tmp_path]) == ([tmp_path / run for run in runs.split()], [])


def test_each_run_of_mlflow_below_a_folder_is_a_run(tmp_path):
    for run in ("0/first", "0/second", "1/third"):
        shutil.copytree(SAMPLES / "mlflow-run", tmp_path / run)
        (tmp_path / run).parent.joinpath("meta.yaml").write_text("")

    assert find_files([tmp_path])[0] == [tmp_path / "0/first", tmp_path / "0/second", tmp_path / "1/third"]


def test_a_folder_without_runs_is_told_and_links_are_not_followed(tmp_path, monkeypatch):
    lay(tmp_path / "elsewhere", "metrics.csv")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here" / "round").symlink_to(tmp_path / "here")

    assert find_files([tmp_path / "here"]) == ([], [f"{tmp_path / 'here'}: {NOTHING}"])


def test_the_search_ends_and_says_so(tmp_path, monkeypatch):
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        write_csv(tmp_path / str(number) / "metrics.csv", curve(5))
    monkeypatch.setattr("diagnostics.imports.find.MOST_FOLDERS", 3)

    files, problems = find_files([tmp_path])
    assert files == [tmp_path / "0/metrics.csv", tmp_path / "1/metrics.csv"]
    assert problems == [f"{tmp_path}: has more than 3 folders below it; those beyond are left out"]
