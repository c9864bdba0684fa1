"""The study of rescues: it goes on from its tables, keeps each seed once, and counts only deaths that were rescued."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.errors import DamagedFileError, StudyError
from diagnostics.rescue import death_study, natural_deaths
from diagnostics.rescue import plan as rescue_plan
from diagnostics.rescue.death_study import PLAN, SAME_RATE, TREATMENTS, DeathStudy
from diagnostics.rescue.natural_deaths import Population
from diagnostics.rescue.study_tables import StudyTables
from tests.helpers.fake_work import SameProcessExecutor
from tests.helpers.rollback_trainings import QUICK

SMALL = Population("small", 1, {"network": "feedforward", "lr": 2.0, "batch_size": 64, "limit": 4000, "epochs": 6})
MILD = Population("mild", 1, {**SMALL.settings, "lr": 0.1, "steps": 60})


def study(folder: Path, *populations: Population) -> DeathStudy:
    tables = StudyTables(folder / "page.md", PLAN)
    executor = SameProcessExecutor()
    return DeathStudy(folder / "runs", tables, executor, populations=populations, treatments=TREATMENTS[:1])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(death_study, "ORDERS", 2)
        patch.setattr(death_study, "POINT_ORDERS", 1)
        patch.setattr(rescue_plan, "POINTS", 5)
        patch.setattr(rescue_plan, "PLACEBO_STEPS", 4)
        patch.setattr(natural_deaths, "RECORDING", replace(natural_deaths.RECORDING, detector=QUICK))
        study(folder, SMALL).run()
    return folder


def test_each_branch_of_a_death_is_a_row(finished: Path) -> None:
    (run,) = rows(finished / "page-runs.csv")
    branches = rows(finished / "page-branches.csv")
    arms = Counter(branch["arm"] for branch in branches)

    assert (run["population"], run["seed"], run["verdict"], run["refused"]) == ("small", "0", "never-learned", "")
    assert (arms["unchanged"], arms["control"], arms["clip"], arms[SAME_RATE]) == (1, 2, 2, 2)
    assert arms["but-for placebo"] == min(4, int(run["first_link"]))
    assert {b["fate"] for b in branches if b["arm"] == "unchanged"} == {"dead"}


def test_what_is_done_is_not_done_again(finished: Path) -> None:
    before = (finished / "page-branches.csv").read_bytes()
    study(finished, SMALL).run()

    assert (finished / "page-branches.csv").read_bytes() == before


def test_branches_of_a_seed_without_its_row_are_done_again(finished: Path, tmp_path: Path) -> None:
    for name in ("page-runs.csv", "page-branches.csv"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    (tmp_path / "page-runs.csv").write_text((finished / "page-runs.csv").read_text().splitlines()[0] + "\n")

    tables = StudyTables(tmp_path / "page.md", PLAN)

    assert (tables.runs, tables.branches) == ([], [])


def test_tables_of_another_plan_and_files_that_are_no_tables_are_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="another --page"):
        StudyTables(finished / "page.md", "another")

    for content in ("a,b\n1,2\n", (finished / "page-runs.csv").read_text().replace("small,0", "small,zero")):
        (tmp_path / "page-runs.csv").write_text(content)
        with pytest.raises(DamagedFileError, match="no table of this study"):
            StudyTables(tmp_path / "page.md", PLAN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda runs, branches: (runs, branches.replace("dead", "DEAD", 1)), "page-branches.csv: is no table"),
        (lambda runs, branches: (runs, branches.replace(",0,", ",-1,", 1)), "found '-1', expected a whole number"),
        (lambda runs, branches: (runs, branches + branches.splitlines()[1] + "\n"), "unchanged 0 0 twice; keep one"),
        (lambda runs, branches: (runs + runs.splitlines()[1] + "\n", branches), "the row of small 0 twice"),
        (lambda runs, branches: (runs.rsplit(",", 4)[0], branches), "its columns are not plan"),
        (lambda runs, branches: (runs, branches.replace(",clip,", ",clap,")), "small seed 0 has no branches of clip"),
        (lambda runs, branches: (runs, branches.splitlines()[0]), "no branches of unchanged, control, but-for"),
    ],
)
def test_tables_that_were_edited_are_refused_in_one_line(
    finished: Path, tmp_path: Path, change: Callable[[str, str], tuple[str, str]], message: str
) -> None:
    names = ("page-runs.csv", "page-branches.csv")
    for name, text in zip(names, change(*((finished / name).read_text() for name in names)), strict=True):
        (tmp_path / name).write_text(text)

    with pytest.raises(DamagedFileError) as error:
        study(tmp_path, SMALL)

    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_seeds_that_live_are_kept_without_a_rescue_and_a_study_without_deaths_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(death_study, "MOST_SEEDS", 2)

    with pytest.raises(StudyError, match="mild: only 0 of 2 seeds died"):
        study(tmp_path, MILD).run()

    assert [(run["seed"], run["branch_step"]) for run in rows(tmp_path / "page-runs.csv")] == [("0", ""), ("1", "")]
    assert not list((tmp_path / "runs").glob("*.h5"))
