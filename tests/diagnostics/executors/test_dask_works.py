"""Rescues, the study of rescues and the zoo on Dask: their files are those of the local pool, bit for bit.

The cluster is that of ``--scheduler local``: each run has a process of its own, as on the workers of any cluster.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.zoo import build
from benchmarks.zoo.groups import ZooRun
from diagnostics.executors import worker_pool
from diagnostics.executors.dask_executor import DaskExecutor
from diagnostics.executors.executor import Executor
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.log.reader import open_run
from diagnostics.rescue import death_study, rescue
from diagnostics.rescue.death_study import PLAN, TREATMENTS, DeathStudy
from diagnostics.rescue.natural_deaths import Population, train_seed
from diagnostics.rescue.record import BRANCHES, ENDINGS
from diagnostics.rescue.study_tables import StudyTables
from lenet.settings import Settings
from tests.helpers.pools import CONTEXTS

pytestmark = pytest.mark.slow
DYING = Population("small", 1, {"network": "feedforward", "lr": 2.0, "batch_size": 64, "limit": 4000, "epochs": 3})
HERE = LocalExecutor(2)


@pytest.fixture(autouse=True)
def workers_as_users_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of the local pool are spawned, as those of Dask are: both validate on all test images of MNIST."""
    monkeypatch.setattr(worker_pool, "get_context", CONTEXTS["spawn"])


@pytest.fixture(scope="module")
def dask() -> Iterator[DaskExecutor]:
    with DaskExecutor("local", 2) as executor:
        yield executor


def lines(path: Path) -> list[str]:
    """Lines that were appended in whatever order their branches ended."""
    return sorted(path.read_text().splitlines())


def rows(path: Path, *but: str) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in but} for row in csv.DictReader(file)]


def test_a_rescue_and_what_it_costs_are_the_same(dask: DaskExecutor, tmp_path: Path) -> None:
    log = tmp_path / "dead.h5"
    train_seed(DYING, 0, log)

    def tried(name: str, executor: Executor) -> list[list[str]]:
        result = rescue(log, runs=6, arms=["clip"], horizon=120, folder=tmp_path / name, cost_runs=2, executor=executor)
        assert [cost.runs for cost in result.costs] == [2], "clipping is proven, and trained to the end of the run"
        return [lines(tmp_path / name / file) for file in (BRANCHES, ENDINGS)]

    assert tried("there", dask) == tried("here", HERE)


def test_the_study_of_rescues_is_the_same(dask: DaskExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(death_study, "ORDERS", 1)
    monkeypatch.setattr(death_study, "POINT_ORDERS", 1)

    def studied(name: str, executor: Executor) -> list[list[dict[str, str]]]:
        tables = StudyTables(tmp_path / name / "page.md", PLAN)
        tables.runs_file.parent.mkdir()
        DeathStudy(tmp_path / name / "runs", tables, executor, populations=[DYING], treatments=TREATMENTS[:1]).run()
        runs, branches = (tmp_path / name / f"page-{what}.csv" for what in ("runs", "branches"))
        return [rows(runs, "seconds", "date"), rows(branches)]

    there = studied("there", dask)
    assert there == studied("here", HERE)
    assert len(there[1]) > 20


def test_the_zoo_is_the_same(dask: DaskExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Settings(network="feedforward", limit=640, batch_size=64, epochs=1, lr=0.1)
    runs = [ZooRun(f"natural-feedforward-{seed}", "natural", replace(small, seed=seed)) for seed in (1, 2)]
    monkeypatch.setattr(build, "zoo_runs", lambda *_: iter(runs))

    def built(name: str, executor: Executor) -> list[tuple[dict[str, object], str]]:
        folder = tmp_path / name
        assert build.build("calibration", folder, executor, 0, 1.0, None) == 0
        steps = [open_run(folder / f"{run.name}.h5").steps.drop(columns=["seconds", "wall"]) for run in runs]
        labels = [json.loads((folder / f"{run.name}.json").read_text()) for run in runs]
        return [(label, table.to_csv()) for label, table in zip(labels, steps, strict=True)]

    assert built("there", dask) == built("here", HERE)
