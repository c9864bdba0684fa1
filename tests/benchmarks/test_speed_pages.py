"""Pages of the speed benchmarks: made-up measurements, filled into their templates."""

from __future__ import annotations

import numpy as np

from benchmarks.common import render
from benchmarks.speed import (
    clusters,
    judging,
    recorder,
    recorder_parts,
    recorder_rows,
    rescues,
    studies,
    torch_recorder,
    trainer,
)
from benchmarks.speed.profile import StepTimes
from tests.helpers.rescue_results import PATIENT


def test_the_page_of_judging_has_a_row_for_each_kind_of_rows():
    page = render("judging.md.j2", judging.prepare({"steady": np.full(3, 2.0), "rising": np.arange(101.0)}))

    assert page.endswith("| steady | 2.0 | 2.0 | 2.0 |\n| rising | 50.0 | 50.0 | 99.0 |\n")


def test_the_page_of_studies_has_runs_an_hour_and_what_a_second_job_brings():
    speed = studies.StudySpeed("lenet", 1, 12, 0.94, {1: 36.0, 2: 20.0}, 0.057, 1000, 1.316, 0.0262)
    page = render("studies.md.j2", studies.prepare(speed))

    assert "12 runs of lenet, 1 epoch each, one thread a run; load of the machine in the minute before: 0.9." in page
    assert "| runs an hour, one job | 1,200 |  |\n| runs an hour, two jobs | 2,160 |  |\n" in page
    assert "| two jobs against one | 1.80 times | 1.8 times |" in page
    assert page.endswith("| 26 ms |  |\n")


def test_the_page_of_rescues_has_branches_an_hour_and_what_an_idle_machine_would_take():
    speed = rescues.RescueSpeed(1, PATIENT, 360, 40_000, 20, 2, 500.0, 300.0, 20, 90.0, 160.0, 4.04)
    page = render("rescues.md.j2", rescues.prepare(speed))

    assert "seed 1, first link at step 34, blow at step 53: 360 branches, 40,000 steps. Load of the machine" in page
    assert "| the whole rescue, as it went by | 590 s |  |\n" in page
    assert "| the whole rescue, processor time over 2 | 230 s | 600 s |\n" in page
    assert "cost (20 branches to the end of the run), processor time over 2 | 80 s |  |\n" in page
    assert (
        "| branches an hour, as it went by | 2,592 |  |\n| branches an hour, by processor time | 8,640 |  |\n" in page
    )
    assert page.endswith("| a step of a branch, processor time, everything included | 7.5 ms |  |\n")


def test_the_page_of_the_trainer_has_our_times_and_ratios_taken_turn_by_turn():
    page = render(
        "trainer.md.j2", trainer.prepare(trainer_speed("2.13.0", ours=[1.0, 2.0, 4.0], eager=[2.0, 2.0, 16.0]))
    )

    assert ", PyTorch 2.13.0. Training steps" in page
    assert (
        "| threads | ours, ms | PyTorch eager, ms (ours / theirs) |\n|---|---|---|\n| 2 | 2.00 | 2.00 (0.50) |\n"
        in page
    )
    assert "| 128 | 2.00 | 2.00 (0.50) | 15.6 |\n" in page
    assert "- validation, ours: 2000 ms\n- validation, eager: 2000 ms\n" in page
    assert "295 MB after 20 steps, 296 MB after 500" in page
    assert "| lenet, batch 128 | forward ms | backward ms |\n|---|---|---|\n| conv1 | 1.000 | 2.000 |\n" in page
    assert "| softmax1 | 0.500 | - |\n\nBesides: input 0.500 ms. Sum: 4.00 ms on one thread.\n" in page
    assert "200 million additions and multiplications; at the 100 GFLOP/s" in page
    assert "they take 2.00 ms, 50% of the sum." in page


def test_the_page_of_the_trainer_without_pytorch_has_our_times_alone():
    page = render("trainer.md.j2", trainer.prepare(trainer_speed(None, ours=[1.0, 2.0, 4.0])))

    assert "PyTorch" not in page
    assert "| threads | ours, ms |\n|---|---|\n| 2 | 2.00 |\n" in page


def trainer_speed(torch: str | None, **times: list[float]) -> trainer.TrainerSpeed:
    step = StepTimes("lenet", 128, {"conv1": (1.0, 2.0), "softmax1": (0.5, None)}, {"input": 0.5}, 200.0, 100.0)
    memory = {20: 295.0, 500: 296.0}
    return trainer.TrainerSpeed(3, torch, {2: times}, {"conv": times}, {128: times}, times, memory, step)


def test_the_page_of_the_recorder_has_costs_taken_pair_by_pair():
    runs = [np.full(10, seconds) for seconds in (0.002, 0.004, 0.008)]
    slower = [run * factor for run, factor in zip(runs, (1.02, 1.03, 1.1), strict=True)]
    pairs = [recorder.Pairs("lenet", 128, 2, runs, slower)]
    labels = [label for _, _, label, _ in recorder_parts.PARTS]
    parts = recorder_parts.PartTimes({label: [10.0, 12.0] for label in labels}, {labels[0]: [4.0]}, 2)
    rows = recorder_rows.RowTimes([(10_000, 17.0, 395.0), (20_000, 16.0, 396.0)], 1.5, 4.0, 390.0)
    cost = recorder.RecorderCost(
        False, (1.0, 2.0), pairs, parts, 1476.0, 0.018, ([10.0, 10.0], [10.5, 10.3]), ([500.0], [250.0]), rows
    )

    page = render("recorder.md.j2", recorder.prepare(cost))

    assert "| lenet | 128 | 2 | 4.00 | +3.0 % (+2.5 to +6.5) | +3.0 % (120 us of 4.00 ms) |" in page
    assert f"| {labels[0]} | 1.00 | 11 | 4 | 11 |" in page
    assert "| 10.00 s | 10.40 s | +4.0 % |" in page
    assert "in turns: 500 us there, 250 us here." in page
    assert "## 20,000 rows" in page


def test_the_page_of_clusters_has_ratios_of_turns_and_the_memory_of_the_client():
    cost = clusters.StudyCost
    speed = clusters.ClusterSpeed(
        "network feedforward, epochs 1",
        40,
        3.2,
        pool=[cost(100.0, 10.0, 180.0, 2), cost(200.0, 20.0, 180.0, 2)],
        cluster=[cost(110.0, 20.0, 198.0, 150_000_000), cost(220.0, 40.0, 198.0, 150_000_000)],
        few=cost(40.0, 20.0, 60.0, 149_000_000),
    )
    page = render("clusters.md.j2", clusters.prepare(speed))

    assert "40 seeds (network feedforward, epochs 1), 2 at a time, 2 studies each, in turn" in page
    assert "| the whole study, with the start of the workers | 150 s | 165 s | 1.10 | 1.1 |" in page
    assert "| from the end of the first run on | 135 s | 135 s | 1.00 | 1.1 |" in page
    assert "| processor time of all processes | 180 s | 198 s | 1.10 | |" in page
    assert page.endswith("149 MB with 10 runs, 150 MB with 40.\n")


def test_the_page_of_the_torch_recorder_has_ratios_taken_turn_by_turn():
    times = {"bare": [0.010, 0.020], "loss only": [0.010, 0.022], "recorder": [0.011, 0.024]}
    costs = torch_recorder.TorchCosts(torch_recorder.CASES[0], 61_706, times, {**times, "recorder": [0.02, 0.04]})
    page = render("torch-recorder.md.j2", torch_recorder.prepare([costs], 2, "2.13.0", (0.5, 17.0)))

    assert "PyTorch 2.13.0. Load of the machine at the start 0.5, at the end 17.0" in page
    assert page.endswith("| LeNet | 61,706 | 128 | 1 | 15.00 | 1.050 | 1.150 (1.125 to 1.175) | 2.000 |\n")
