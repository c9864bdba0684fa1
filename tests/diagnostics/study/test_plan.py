"""Studies: what is asked for is done once, in any order, and survives crashes, kills and restarts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.errors import DamagedFileError, StudyError
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.statistics import summary_cache
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.results import groups_of, load_study
from diagnostics.study.runner import Study, StudyProgress
from lenet.errors import SettingsError
from tests.helpers.fake_work import FakeWork, SameProcessExecutor, calls
from tests.helpers.pools import from_a_server
from tests.helpers.waiting import PATIENCE, wait_until


def plan(runs: int = 4, **changes) -> StudyPlan:
    return StudyPlan(grid({"network": ["feedforward", "lenet"]}, runs), **changes)


def run_study(asked: StudyPlan, folder: Path, jobs: int | None = None, **work) -> list[StudyProgress]:
    """Run a study, in this process where no number of jobs is given; every state it was in."""
    seen: list[StudyProgress] = []
    executor = SameProcessExecutor() if jobs is None else LocalExecutor(jobs)
    Study(asked, folder, jobs or 1, FakeWork(folder, **work), executor=executor).run(seen.append)
    return seen


@pytest.mark.parametrize(
    ("options", "runs", "error"),
    [
        ({"lr": [-1.0]}, 1, SettingsError),
        ({"seed": [0, 1]}, 1, StudyError),
        ({}, 0, StudyError),
        ({"threads": [1, 2]}, 1, StudyError),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_starts(options, runs, error):
    with pytest.raises(error, match=r"received|--seed|--threads"):
        grid(options, runs)


def test_tasks_go_seed_by_seed_so_that_a_part_is_a_fair_part():
    tasks = plan(2, first_seed=5).tasks()

    assert [(t.settings.network, t.settings.seed) for t in tasks] == [
        ("feedforward", 5),
        ("lenet", 5),
        ("feedforward", 6),
        ("lenet", 6),
    ]
    assert tasks[0].file == "feedforward-seed0005.h5"


def test_arms_whose_labels_make_the_same_file_name_get_different_files():
    arms = tuple(replace(a, label=label) for a, label in zip(plan().arms, ("A, b", "a b"), strict=True))
    files = [t.file for t in StudyPlan(arms).tasks()]

    assert len(set(files)) == len(files)


def test_a_plan_survives_its_file(tmp_path):
    asked = plan(3, on_defect="restart", preset="why")
    asked.save(tmp_path)

    assert StudyPlan.load(tmp_path) == asked


@pytest.mark.parametrize(
    "text", ["{", '{"format": "lenet-diag study 1"}', '{"format": "lenet-diag study 1", "arms": [{"x": 1}]}']
)
def test_a_damaged_plan_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "study.json").write_text(text)

    with pytest.raises(DamagedFileError, match=r"study\.json"):
        StudyPlan.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"runs": 10**8}, "found 100,000,003 runs, expected at most 100,000"),
        ({"runs": -1}, "found runs"),
        ({"runs": 1.5}, "found runs"),
        ({"runs": "3"}, "found runs"),
        ({"runs": True}, "found runs"),
        ({"first_seed": "x"}, "found first_seed"),
        ({"first_seed": 10**30}, "damaged"),
        ({"log_every": None}, "found log_every"),
        ({"arms": 7}, "damaged"),
        ({"arms": [[]]}, "damaged"),
        ({"history": 3}, "damaged"),
        ({"history": [7]}, "damaged"),
        ({"label": 3}, "damaged"),
        ({"settings": []}, "damaged"),
        ({"settings": {"lr": [1]}}, "damaged"),
    ],
)
def test_a_plan_that_no_study_has_is_one_line(tmp_path, changes, says):
    plan(3).save(tmp_path)
    value = json.loads((tmp_path / "study.json").read_text())
    for name, changed in changes.items():
        (value["arms"][0] if name in ("runs", "label", "settings") else value)[name] = changed
    (tmp_path / "study.json").write_text(json.dumps(value))

    with pytest.raises(DamagedFileError, match=says) as error:
        StudyPlan.load(tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_study_says_so(tmp_path):
    with pytest.raises(StudyError, match=r"holds no study \(no study.json\)"):
        load_study(tmp_path)


def test_more_runs_than_a_study_can_have_are_refused_at_once():
    with pytest.raises(StudyError, match=r"--runs: received 100000000, expected 1 to 100,000"):
        grid({}, 10**8)


def test_the_result_does_not_depend_on_the_number_of_jobs(tmp_path):
    results = []
    for jobs in (1, 2):
        run_study(plan(), tmp_path / str(jobs), jobs)
        _, loaded = load_study(tmp_path / str(jobs))
        results.append([replace(r, path="") for r in loaded.runs])

    assert results[0] == results[1]
    assert len(results[0]) == 8


def test_progress_counts_runs_and_defects_of_each_arm_and_tells_the_time_left(tmp_path):
    seen = run_study(plan(), tmp_path)
    last = seen[-1]

    assert (last.done, last.total, last.running, last.seconds_left) == (8, 8, (), 0.0)
    assert [(g.label, g.defect_runs, g.judged) for g in last.groups] == [("feedforward", 2, 4), ("lenet", 2, 4)]
    assert [s.last.name for s in seen if s.last] == [t.file for t in plan().tasks()]


def test_resuming_repeats_nothing_that_is_complete(tmp_path):
    run_study(plan(), tmp_path)
    seen = run_study(plan(), tmp_path)

    assert len(calls(tmp_path)) == 8
    assert (seen[-1].reused, seen[-1].done) == (8, 8)


def test_resuming_with_more_runs_adds_the_missing_seeds(tmp_path):
    run_study(plan(2), tmp_path)
    run_study(plan(3), tmp_path)

    assert len(calls(tmp_path)) == 6


@pytest.mark.parametrize("damage", ["changed", "removed", "another seed"])
def test_resuming_trusts_nothing_that_is_not_complete(tmp_path, damage):
    run_study(plan(2), tmp_path)
    victim = tmp_path / "lenet-seed0001.h5"
    if damage == "changed":
        victim.write_text("half")
    elif damage == "removed":
        victim.unlink()
    else:
        (tmp_path / "lenet-seed0000.h5").replace(victim)
        (tmp_path / ".summaries/lenet-seed0000.h5.json").replace(tmp_path / ".summaries/lenet-seed0001.h5.json")
    run_study(plan(2), tmp_path)

    assert calls(tmp_path)[4:] in (["lenet-seed0001.h5"], ["lenet-seed0000.h5", "lenet-seed0001.h5"])
    assert victim.read_text() == "a run with seed 1"


def test_another_study_in_the_folder_is_refused_and_kept(tmp_path):
    run_study(plan(1), tmp_path)
    before = (tmp_path / "study.json").read_text()

    with pytest.raises(StudyError, match="another study"):
        run_study(StudyPlan(grid({"lr": [0.1]}, 1)), tmp_path)
    assert (tmp_path / "study.json").read_text() == before


def test_a_run_that_dies_or_fails_is_reported_and_stops_nobody(tmp_path):
    seen = run_study(plan(), tmp_path, 2, dying=(1,), failing=(2,))
    messages = {s.message for s in seen if s.message}
    _, loaded = load_study(tmp_path)
    groups = groups_of(plan(), loaded.runs)

    assert messages == {"its process died (exit code 7)", "MemoryError: no room for the batch"}
    assert [(g.crashed, g.judged) for g in groups] == [(2, 2), (2, 2)]
    assert seen[-1].done == 8


def test_what_failed_is_tried_again_on_resume(tmp_path):
    run_study(plan(2), tmp_path, failing=(1,))
    run_study(plan(2), tmp_path)
    _, loaded = load_study(tmp_path)

    assert calls(tmp_path)[4:] == ["feedforward-seed0001.h5", "lenet-seed0001.h5"]
    assert not any(r.is_crashed for r in loaded.runs)


def test_restart_keeps_and_counts_the_dead_run_and_takes_seeds_that_nobody_has(tmp_path):
    asked = StudyPlan(grid({}, 3), on_defect="restart")
    for _ in range(2):
        seen = run_study(asked, tmp_path)
    _, loaded = load_study(tmp_path)

    # seed 0 dies (0 % 3), then 3, 6 and 9: at most three restarts
    assert sorted(r.seed for r in loaded.runs) == [0, 1, 2, 3, 6, 9]
    assert (seen[-1].total, len(calls(tmp_path))) == (6, 6)


def test_a_restart_that_fails_is_a_crashed_run_like_any_other(tmp_path):
    asked = StudyPlan(grid({}, 3), on_defect="restart")
    run_study(asked, tmp_path, failing=(3,))
    _, loaded = load_study(tmp_path)
    (group,) = groups_of(asked, loaded.runs)

    assert [(r.seed, r.is_crashed) for r in group.runs] == [(0, False), (1, False), (2, False), (3, True)]
    assert loaded.unfinished == ()


def test_a_damaged_log_counts_as_crashed_as_it_does_outside_of_a_study(tmp_path):
    run_study(plan(2), tmp_path)
    victim = tmp_path / "lenet-seed0001.h5"
    summary_cache.keep(victim, replace(summary_cache.summary_of(victim), status="damaged"))
    _, loaded = load_study(tmp_path)

    assert [(g.label, g.judged, g.crashed) for g in groups_of(plan(2), loaded.runs)] == [
        ("feedforward", 2, 0),
        ("lenet", 1, 1),
    ]
    assert loaded.unfinished == ()
    assert "lenet-seed0001.h5: damaged" in loaded.problems[0]


def _study_for_ever(folder: Path) -> None:
    run_study(plan(), folder, 2, seconds=PATIENCE)


def test_killing_a_study_ends_its_workers_and_a_second_one_may_then_go_on(tmp_path):
    study = from_a_server().Process(target=_study_for_ever, args=(tmp_path,))  # type: ignore[attr-defined]
    study.start()
    wait_until(lambda: len(calls(tmp_path)) == 2, "two runs to begin")
    with pytest.raises(StudyError, match="another process"):
        run_study(plan(), tmp_path)
    study.kill()
    study.join()
    _, interrupted = load_study(tmp_path)
    run_study(plan(), tmp_path)

    assert interrupted.runs == ()
    assert len(load_study(tmp_path)[1].runs) == 8
