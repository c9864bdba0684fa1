"""What a remedy costs: which branches are trained to the end, what they are there, and what their accuracies say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.errors import DamagedFileError, RescueError
from diagnostics.log.reader import open_run
from diagnostics.replay import replay
from diagnostics.replay.library import LibraryRun
from diagnostics.rescue import branch_points
from diagnostics.rescue.cost import read_costs
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.interventions import Nothing, SwitchOn
from diagnostics.rescue.patient import Patient
from diagnostics.rescue.plan import CONTROL, PlannedBranch, make_plan
from diagnostics.rescue.record import ENDINGS, BranchResult, Ending, RescueFolder
from diagnostics.rescue.results import RescueResult, read_results
from diagnostics.rescue.to_the_end import EndingProgress, Endings, EndingWork, cost_branches
from diagnostics.statistics.intervals import mean_interval
from tests.helpers.broken_runs import LIVES
from tests.helpers.fake_work import SameProcessExecutor
from tests.helpers.rescue_results import PATIENT, made_up_plan, made_up_rescue


def ending(key: str, accuracy: float, fate: Fate = Fate.ALIVE) -> Ending:
    return Ending(key, fate, 1406, "0", accuracy, 0.1)


def orders(result: RescueResult, runs: int) -> dict[str, list[int | None]]:
    found: dict[str, list[int | None]] = {}
    for branch in cost_branches(result, runs):
        found.setdefault(branch.arm, []).append(branch.order_seed)
    return found


def test_orders_with_which_the_control_lived_come_first_and_only_proven_remedies_are_asked() -> None:
    result = made_up_rescue()  # the control lived in orders 0 to 7, clipping is proven and warm-up is not

    assert orders(result, 5) == {CONTROL: [0, 1, 2, 3, 4], "clip": [0, 1, 2, 3, 4]}
    assert orders(result, 10) == {CONTROL: list(range(8)), "clip": list(range(10))}


def test_of_doses_the_best_is_asked_where_nothing_else_is_proven_and_without_a_proof_nothing_is() -> None:
    doses = cost_branches(made_up_rescue(arms=["rate-doses", "warm-up"]))

    assert {branch.dose for branch in doses} == {None, 0.1}
    assert {branch.arm for branch in doses} == {CONTROL, "rate-doses"}
    assert cost_branches(made_up_rescue(arms=["warm-up"])) == ()
    assert cost_branches(made_up_rescue(), 0) == ()


def test_pairs_are_compared_where_both_are_alive_at_the_end() -> None:
    endings = [
        *(ending(f"control#{k}", value) for k, value in enumerate((0.95, 0.97, 0.96))),
        *(ending(f"clip#{k}", value) for k, value in enumerate((0.96, 0.96, 0.99))),
        ending("control#3", 0.1, Fate.DEAD),
        ending("clip#3", 0.98),
        ending("clip#4", 0.1, Fate.DEAD),
    ]
    (cost,) = read_costs(made_up_plan(), {one.key: one for one in endings})

    assert (cost.arm.name, cost.runs, cost.alive, cost.pairs) == ("clip", 5, 4, 3)
    assert cost.accuracy == pytest.approx((0.96 + 0.96 + 0.99 + 0.98) / 4)
    assert cost.difference == pytest.approx((0.01 - 0.01 + 0.03) / 3)
    assert cost.interval == pytest.approx(mean_interval([0.01, -0.01, 0.03]))
    assert cost.to_json() == {
        "arm": "clip",
        "dose": None,
        **{n: getattr(cost, n) for n in ("runs", "alive", "accuracy", "pairs", "difference", "interval")},
    }


def test_without_a_pair_there_is_an_accuracy_and_no_difference() -> None:
    (cost,) = read_costs(made_up_plan(), {"clip#0": ending("clip#0", 0.9)})

    assert (cost.accuracy, cost.difference, cost.interval) == (0.9, None, None)


def test_a_branch_at_the_end_of_the_run_is_the_whole_run_with_its_remedy(dead_log: Path, living_log: Path) -> None:
    whole = open_run(living_log)

    found = EndingWork(dead_log, None)(PlannedBranch("rate", None, 0, None, 0, SwitchOn({"lr": LIVES})))

    assert found.digest == whole.header.digest_end
    assert found.accuracy == whole.validations["accuracy"].iloc[-1]
    assert found.loss == whole.validations["loss"].iloc[-1]
    assert (found.last_step, found.fate) == (whole.info.total_steps - 1, Fate.ALIVE)


def test_a_branch_that_is_lost_is_not_trained_to_the_end(dead_log: Path) -> None:
    found = EndingWork(dead_log, None)(PlannedBranch(CONTROL, None, 0, None, 0, Nothing()))

    assert found.fate is Fate.DEAD
    assert found.last_step < open_run(dead_log).info.total_steps - 1


def test_without_validation_data_it_says_so(dead_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = replay(dead_log).at(0)
    assert isinstance(moment.recipe, LibraryRun)
    known = replace(moment.recipe, training_set=replace(moment.recipe.training_set, validation=None))
    monkeypatch.setattr(moment, "recipe", known)
    monkeypatch.setattr(branch_points, "_moments", lambda log, data: lambda step: moment)

    with pytest.raises(RescueError, match="no part to validate on"):
        EndingWork(dead_log, None)(PlannedBranch(CONTROL, None, 0, None, 0, Nothing()))


def test_endings_are_kept_and_made_once(patient: Patient, dead_log: Path, tmp_path: Path) -> None:
    plan = make_plan(patient, runs=2, arms=["clip"], horizon=120)
    chosen = [branch for branch in plan.branches if branch.arm == "clip"]
    shown: list[EndingProgress] = []
    whole = Endings(plan, tmp_path, dead_log, SameProcessExecutor())
    whole.run(chosen, shown.append)
    lines = (tmp_path / ENDINGS).read_bytes().splitlines(keepends=True)
    (tmp_path / ENDINGS).write_bytes(lines[0] + lines[1][:30])  # as a kill leaves it

    again = Endings(plan, tmp_path, dead_log, SameProcessExecutor())
    again.run(chosen, shown.append)

    assert again.results == whole.results
    assert [(one.done, one.total) for one in shown] == [(1, 2), (2, 2), (2, 2)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("accuracy", "NaN"), ("accuracy", "5"), ("accuracy", f"1{'0' * 400}"), ("loss", "1e400"), ("last_step", "1e400")],
)
def test_endings_with_numbers_that_cannot_be_are_refused_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    line = {"key": "clip#0", "fate": "alive", "last_step": 9, "digest": "", "accuracy": 0.9, "loss": 0.1, name: "HERE"}
    (tmp_path / ENDINGS).write_text(json.dumps(line).replace('"HERE"', value) + "\n")

    with pytest.raises(DamagedFileError, match=r"endings\.jsonl: line 1 is no ending of a branch; move the file away$"):
        RescueFolder(tmp_path, made_up_plan()).endings()


def test_endings_of_a_rescue_are_read_with_it(tmp_path: Path) -> None:
    plan = made_up_plan()
    folder = RescueFolder(tmp_path, plan)
    with folder.open():
        folder.add_ending(ending("clip#0", 0.9))
        found = folder.endings()

    result = read_results(plan, dict[str, BranchResult](), found)

    assert [cost.accuracy for cost in result.costs] == [0.9]
    assert result.to_json()["costs"][0]["arm"] == PATIENT.remedies[0].key
