"""What a worker of Dask does with files: it needs none of the client's file system, and hands back what was made."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from diagnostics.executors import dask_worker
from diagnostics.executors.dask_worker import WorkThere, introduce
from diagnostics.executors.executor import Failure, Work
from diagnostics.log.reader import open_run
from diagnostics.statistics import summary_cache
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.worker import Worker, finished
from tests.helpers.fake_cluster import HERE

SMALL = {"network": ["feedforward"], "limit": [300], "epochs": [1], "steps": [2]}


def small_data(folder: Path) -> Path:
    """A folder with 300 training images and 50 test images."""
    folder.mkdir()
    for part, count in (("train", 300), ("t10k", 50)):
        pixels, labels = os.urandom(count * 784), bytes(i % 10 for i in range(count))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, count, 28, 28) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels)
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a pool on the machine of the worker."""
    monkeypatch.setattr(dask_worker, "_root", lambda name: tmp_path / "there" / name)
    monkeypatch.setattr(dask_worker, "this_machine", lambda: HERE)
    return tmp_path / "there" / "pool"


def test_a_run_is_trained_where_neither_the_data_nor_the_folder_of_the_study_can_be_seen(
    tmp_path: Path, root: Path
) -> None:
    data, study = small_data(tmp_path / "data"), tmp_path / "study"
    plan = StudyPlan(grid({**SMALL, "data": [str(data)]}, 1))
    (task,) = plan.tasks()
    work = Worker.of(plan, study)
    introduce("pool", {path.absolute(): path.read_bytes() for path in work.reads})
    shutil.rmtree(data)

    delivery = WorkThere(work, root)(task)
    assert not study.exists()
    summary = work.arrived(task, delivery.outcome, delivery.files)
    run = open_run(study / task.file)

    assert list(delivery.files) == [task.file]
    assert (summary.path, summary.status) == (str(study / task.file), "completed")
    assert (run.info.environment["data"], run.info.settings["data"]) == ("data", str(data))
    assert summary_cache.kept_summary(study / task.file) == finished(study / task.file, task) == summary
    assert list(root.glob("task-*")) == []


@dataclass(frozen=True)
class Makes(Work[str, str]):
    """Makes files of several kinds, the one named "label" last."""

    folder: Path

    def __call__(self, task: str) -> str:
        (self.folder / ".summaries").mkdir()
        (self.folder / ".summaries" / "run.json").touch()
        (self.folder / "z-run.h5").write_text("a run")
        (self.folder / "link.h5").symlink_to("/etc/passwd")
        (self.folder / "label").write_text(task)
        os.utime(self.folder / "z-run.h5", (1, 1))
        if task == "fails":
            raise OSError("no room")
        return task

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> Makes:
        return Makes(folder)


def test_files_come_back_oldest_first_without_hidden_ones_and_links(tmp_path: Path) -> None:
    delivery = WorkThere(Makes(Path("nowhere")), tmp_path)("made")

    assert delivery.outcome == "made"
    assert list(delivery.files.items()) == [("z-run.h5", b"a run"), ("label", b"made")]


def test_a_task_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    outcome = WorkThere(Makes(Path("nowhere")), tmp_path)("fails").outcome

    assert isinstance(outcome, Failure)
    assert outcome.message == "OSError: no room"
    assert list(tmp_path.iterdir()) == []
