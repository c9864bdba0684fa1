"""Rescues of a small run: reproducible, resumable, and honest about arms that do nothing."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import DamagedFileError, RescueError, StudyError
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.log.reader import open_run
from diagnostics.replay import replay
from diagnostics.replay.branch import Branch
from diagnostics.rescue.experiment import BranchWork, Rescue
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.found import rescue_folder, rescue_of
from diagnostics.rescue.interventions import Intervention, Nothing, SwitchOn
from diagnostics.rescue.patient import Patient, examine
from diagnostics.rescue.plan import BUT_FOR, CONTROL, SWAPPED, UNCHANGED, PlannedBranch, make_plan
from diagnostics.rescue.record import BRANCHES, PLAN, BranchResult
from diagnostics.rescue.results import read_results
from tests.helpers.fake_work import SameProcessExecutor

SEED = 7  # of the first order
FAST = 60  # steps of a branch: enough for the small network to die or to learn


def rescued(
    patient: Patient, log: Path, folder: Path, arms: tuple[str, ...] = ("clip",), runs: int = 2, **options: Any
) -> dict[str, BranchResult]:
    plan = make_plan(patient, runs=runs, arms=arms, horizon=FAST, seed=SEED)
    rescue = Rescue(patient, plan, folder, log, **{"executor": SameProcessExecutor(), **options})
    rescue.run()
    return rescue.results


@pytest.fixture(scope="module")
def whole(
    patient: Patient, dead_log: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, BranchResult]]:
    """The folder of a rescue by clipping with two orders, which stays as it is, and its results."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    return folder, rescued(patient, dead_log, folder, keep_branches=True)


@pytest.fixture
def folder(whole: tuple[Path, dict[str, BranchResult]], tmp_path: Path) -> Path:
    """A copy of that folder, which may be changed."""
    return Path(shutil.copytree(whole[0], tmp_path / "out"))


def test_a_run_that_did_not_die_is_no_patient(living_log: Path) -> None:
    with pytest.raises(RescueError, match="a rescue needs a run that died"):
        examine(open_run(living_log))


def test_clipping_saves_the_small_run_and_the_unchanged_branch_dies(
    whole: tuple[Path, dict[str, BranchResult]],
) -> None:
    _, results = whole

    assert results[f"{UNCHANGED}#0"].fate is Fate.DEAD
    assert {results[f"clip#{k}"].fate for k in range(2)} == {Fate.ALIVE}


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit(patient: Patient, dead_log: Path, tmp_path: Path) -> None:
    alone = rescued(patient, dead_log, tmp_path / "one", ("clip", SWAPPED), executor=LocalExecutor(1))
    together = rescued(patient, dead_log, tmp_path / "two", ("clip", SWAPPED), executor=LocalExecutor(2))

    assert alone == together
    assert len({result.digest for result in alone.values()}) > 4


def test_a_rescue_that_was_cut_short_goes_on_to_the_same_results(
    patient: Patient, dead_log: Path, whole: tuple[Path, dict[str, BranchResult]], folder: Path
) -> None:
    lines = (folder / BRANCHES).read_bytes().splitlines(keepends=True)
    (folder / BRANCHES).write_bytes(b"".join(lines[:3]) + lines[3][:25])  # as a kill leaves it

    again = rescued(patient, dead_log, folder, resume=True)

    assert again == whole[1]
    assert [json.loads(line)["key"] for line in (folder / BRANCHES).read_text().splitlines()][:3] == [
        json.loads(line)["key"] for line in lines[:3]
    ]


def test_results_are_never_continued_under_another_plan_or_unasked(
    patient: Patient, dead_log: Path, folder: Path
) -> None:
    with pytest.raises(StudyError, match="--resume"):
        rescued(patient, dead_log, folder)
    with pytest.raises(StudyError, match="another plan"):
        rescued(patient, dead_log, folder, runs=3, resume=True)


def edited(of: str, **values: Any) -> Callable[[str], str]:
    """A change of one line of a file of branches: that of this branch has other values."""

    def change(text: str) -> str:
        lines = [json.loads(line) for line in text.splitlines()]
        return "".join(json.dumps({**line, **(values if line["key"] == of else {})}) + "\n" for line in lines)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edited("clip#0", last_step=float("inf")), "is no result of a branch"),
        (edited("clip#0", last_step=-5), "is no result of a branch"),
        (edited("clip#0", last_step=True), "is no result of a branch"),
        (edited("clip#0", losses=[[float("inf"), 1.0]]), "is no result of a branch"),
        (edited("clip#0", losses=[[1, float("nan")]]), "is no result of a branch"),
        (edited("clip#0", losses=[[1, "x"]]), "is no result of a branch"),
        (edited("clip#0", fate="ALIVE"), "is no result of a branch"),
        (edited("clip#0", key="clip#1"), "is of another rescue"),
        (edited("clip#0", order_seed=77), "is of another rescue"),
        (edited("clip#0", run_id="another"), "is of another rescue"),
        (edited("clip#0", key="clap#0"), "is of another rescue"),
    ],
)
def test_branches_that_were_edited_or_are_of_another_run_are_refused_in_one_line(
    patient: Patient, dead_log: Path, folder: Path, change: Callable[[str], str], message: str
) -> None:
    before = (folder / BRANCHES).read_text()
    (folder / BRANCHES).write_text(change(before))

    with pytest.raises(DamagedFileError) as error:
        rescued(patient, dead_log, folder, resume=True)

    assert re.search(rf"branches\.jsonl: line \d {message}; move the file away$", str(error.value))
    assert (folder / BRANCHES).read_text() == change(before)


@pytest.mark.parametrize("resume", [False, True])
def test_branches_without_their_plan_are_not_taken_for_those_of_this_one(
    patient: Patient, dead_log: Path, folder: Path, resume: bool
) -> None:
    (folder / PLAN).unlink()

    with pytest.raises(StudyError, match=r"branches\.jsonl: the plan of these results is missing \(rescue\.json\)"):
        rescued(patient, dead_log, folder, resume=resume)

    assert not (folder / PLAN).exists()


def test_the_first_rows_of_paired_branches_are_equal_until_the_intervention_acts(
    patient: Patient, dead_log: Path
) -> None:
    moment = replay(dead_log).at(max(0, patient.first_link - 10))

    names = open_run(dead_log).columns.names
    timeless = [i for i, name in enumerate(names) if name != "seconds"]
    values = [i for i, name in enumerate(names) if "/value/" in name]

    def rows(intervention: Intervention) -> np.ndarray:  # type: ignore[type-arg]
        branch = Branch(moment, 5)
        intervention.begin(branch)
        branch.train(moment.step + 3)
        return np.array(branch.rows)

    control, huge_clip, slow = rows(Nothing()), rows(SwitchOn({"clip_norm": 1e9})), rows(SwitchOn({"lr": 0.01}))

    np.testing.assert_array_equal(control[:, timeless], huge_clip[:, timeless])
    np.testing.assert_array_equal(control[0, values], slow[0, values])
    assert (control[1, values] != slow[1, values]).any()


def test_the_report_finds_a_rescue_beside_its_log_also_when_words_have_changed(
    whole: tuple[Path, dict[str, BranchResult]], dead_log: Path, tmp_path: Path
) -> None:
    log = tmp_path / "dead.h5"
    log.write_bytes(dead_log.read_bytes())
    folder = rescue_folder(log)
    assert rescue_of(open_run(log)) is None

    shutil.copytree(whole[0], folder)
    stored = json.loads((folder / PLAN).read_text())
    stored["plan"]["arms"][2]["title"] = "said otherwise"
    (folder / PLAN).write_text(json.dumps(stored))
    found = rescue_of(open_run(log))

    assert found is not None
    assert [arm.arm.name for arm in found.arms] == ["clip"]

    for edit in ({"runs": 3}, {"horizon": math.nan}, {"horizon": math.inf}, {"arms": [{"name": 1}]}, {"arms": None}):
        (folder / PLAN).write_text(json.dumps({**stored, "plan": {**stored["plan"], **edit}}))
        assert rescue_of(open_run(log)) is None


def test_a_log_that_cannot_be_reproduced_ends_the_rescue(patient: Patient, dead_log: Path) -> None:
    work = BranchWork(dead_log, None, patient.confirmed, FAST, None)
    changed = SwitchOn({"lr": 0.1})

    with pytest.raises(RescueError, match="differs from the log"):
        work(PlannedBranch(UNCHANGED, None, 0, None, 0, changed))


def test_kept_branches_are_logs_that_say_what_was_changed(
    whole: tuple[Path, dict[str, BranchResult]], patient: Patient
) -> None:
    run = open_run(whole[0] / "branches" / "clip-0.h5")
    lines = [json.loads(line) for line in (whole[0] / BRANCHES).read_text().splitlines()]

    assert "clip_norm" in run.info.environment["intervention"]
    assert run.info.environment["order_seed"] == SEED
    assert [(one["key"], one["order_seed"]) for one in lines] == [
        ("unchanged#0", None),
        ("control#0", SEED),
        ("control#1", SEED + 1),
        ("clip#0", SEED),
        ("clip#1", SEED + 1),
    ]
    assert int(run.index["step"][0]) == make_plan(patient).branch_step


def test_frames_and_json_tell_the_same_counts(
    patient: Patient, dead_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnostics.rescue.plan.PLACEBO_STEPS", 4)
    plan = make_plan(patient, runs=2, arms=[BUT_FOR, "clip"], horizon=FAST)
    rescue = Rescue(patient, plan, tmp_path / "out", dead_log, executor=SameProcessExecutor())
    rescue.run()
    result = read_results(plan, rescue.results)
    frame = result.branches()

    assert len(frame) == len(plan.branches)
    lived = (frame[frame.arm == "clip"].fate == "alive").sum()
    told = result.to_json()
    assert told["arms"][0]["lived"] == lived == 2
    assert told["control"]["runs"] == (frame.arm == CONTROL).sum() == 2
    assert told["singles"][0]["placebo_runs"] == min(4, patient.first_link)
