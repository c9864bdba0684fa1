"""A run's summary: every number from its rows and tables, defect iterations apart."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Diagnosis, Stretch, Verdict
from diagnostics.detect.link import Link
from diagnostics.run.run import Run
from diagnostics.schema.task import Task
from diagnostics.statistics.summarising import summarise
from tests.helpers.small_runs import small_info


def run(
    onset: int | None = None,
    steps: int = 30,
    validated_at: tuple[int, ...] = (9, 19, 29),
    every: int = 1,
    status: str = "completed",
    rate: float = 0.0,
) -> Run:
    """Steps of 10 ms (20 ms inside the defect), accuracy 0.9 (0.1), three epochs of ten steps."""
    info = small_info(settings={"network": "lenet", "lr": 0.5, "seed": 7, "threads": 1})
    at = np.arange(0, steps, every)
    values = np.zeros((len(at), len(info.columns)), dtype=np.float32)
    bad = np.zeros(len(at), dtype=bool) if onset is None else at >= onset
    for name, good_value, bad_value in (("seconds", 0.01, 0.02), ("accuracy", 0.9, 0.1), ("samples", 8, 8)):
        values[:, info.columns.scalar(name)] = np.where(bad, bad_value, good_value)
    values[:, info.columns.scalar("learning_rate")] = rate
    whole = steps // 10
    epochs = [
        {"epoch": e + 1, "first_step": 10 * e, "last_step": 10 * e + 9, "accuracy": 0.8 + e / 10, "seconds": 0.1}
        for e in range(whole)
    ]
    validations = [
        {"epoch": i + 1, "step": s, "accuracy": 0.7 + i / 10, "loss": 1.0, "seconds": 0.5}
        for i, s in enumerate(validated_at)
    ]
    made = Run.from_rows(
        info, at, 1 + at // 10, values, epoch_rows=epochs, validations=validations, status=status, name="r"
    )
    verdict = Verdict.HEALTHY if onset is None else Verdict.COLLAPSED
    stretches = () if onset is None else (Stretch(verdict, onset, onset + 3),)
    cause = None if onset is None else Link("dead-units", "dense1", onset - 1, "five of five units silent")
    blow = None if onset is None else Link("oversized-update", "conv1", onset, "half of its size")
    made._kept["diagnosis"] = Diagnosis("r", verdict, steps, onset, onset, stretches, cause, blow)
    return made


def test_a_healthy_run_s_numbers_come_from_its_rows():
    summary = summarise(run())

    assert (summary.verdict, summary.seed, summary.threads, summary.steps) == (Verdict.HEALTHY, 7, 1, 30)
    assert summary.arm == {"network": "lenet", "lr": 0.5, "seed": 7, "threads": 1}
    assert [e.accuracy for e in summary.epochs] == pytest.approx([0.8, 0.9, 1.0])
    assert summary.epochs[0].clean_accuracy == summary.epochs[0].accuracy
    assert (summary.validation_accuracy, summary.step_seconds) == pytest.approx((0.9, 0.01))
    assert (summary.training_seconds, summary.validation_seconds) == pytest.approx((0.3, 0.5))
    assert summary.total_seconds == pytest.approx(0.8)


def test_defect_iterations_are_counted_and_their_figures_kept_apart():
    summary = summarise(run(onset=15))

    assert (summary.defect_steps, summary.onset, summary.cause, summary.cause_layer) == (15, 15, "dead-units", "dense1")
    assert (summary.blow, summary.blow_layer, summary.broke_at) == ("oversized-update", "conv1", 15)
    assert [e.defect_steps for e in summary.epochs] == [0, 5, 10]
    assert [e.clean_accuracy for e in summary.epochs] == [pytest.approx(0.8), pytest.approx(0.9), None]
    assert (summary.step_seconds, summary.clean_step_seconds) == pytest.approx((0.015, 0.01))


def test_a_run_cut_short_has_no_final_validation_and_the_time_of_all_its_steps():
    summary = summarise(run(steps=15, validated_at=(9,), status="stopped"))

    assert summary.is_cut_short
    assert summary.validation_accuracy is None
    assert summary.training_seconds == pytest.approx(0.1 + 5 * 0.01)
    assert len(summary.epochs) == 1


def test_where_only_some_steps_were_logged_the_last_validation_still_counts():
    summary = summarise(run(every=4))

    assert summary.validation_accuracy == pytest.approx(0.9)
    assert summary.training_seconds == pytest.approx(0.3)
    assert not summary.is_cut_short


def test_a_validation_after_the_last_logged_step_is_not_final_where_training_went_on():
    made = run(steps=18, every=9, validated_at=(10,), status="interrupted")
    assert summarise(made).validation_accuracy == pytest.approx(0.7), "the last row is all that is known"

    events = [{"step": 18, "event": "interruption", "message": "interrupted after 18 steps"}]
    ended = Run.from_rows(
        made.info,
        made.index["step"],
        made.index["epoch"],
        made.block(),
        status="interrupted",
        validations=[{"epoch": 1, "step": 10, "accuracy": 0.7}],
        events=events,
    )
    assert summarise(ended).validation_accuracy is None


def test_where_only_some_steps_were_logged_defect_iterations_are_steps_and_not_rows():
    summary = summarise(run(onset=15, every=4))

    assert summary.defect_steps == 15
    assert [e.defect_steps for e in summary.epochs] == [0, 5, 10]


def test_a_run_without_rows_has_no_numbers():
    summary = summarise(run(steps=0, validated_at=()))

    assert (summary.step_seconds, summary.training_seconds, summary.total_seconds) == (None, None, None)
    assert summary.epochs == ()


def test_a_run_started_from_python_is_grouped_by_what_is_known_of_its_model():
    bare = run()
    object.__setattr__(bare.info, "settings", {})
    arm = summarise(bare).arm

    assert arm["optimizer"] == "OptimizerSGD"
    assert "seed" not in arm


def test_runs_from_python_of_other_tasks_or_sizes_are_other_arms():
    def arm(**about: object) -> dict[str, object]:
        bare = run()
        for name, value in {"settings": {}, **about}.items():
            object.__setattr__(bare.info, name, value)
        return dict(summarise(bare).arm)

    assert arm()["parameters"] == run().info.parameters
    assert "task" not in arm()
    assert arm(task=Task.binary().with_targets(np.array([0, 1])))["task"] == "binary with cross entropy"


def test_learning_rates_of_an_arm_have_no_digits_that_only_float32_has():
    bare = run(rate=0.3)
    object.__setattr__(bare.info, "settings", {})
    arm = summarise(bare).arm

    assert (arm["first_rate"], arm["largest_rate"]) == (0.3, 0.3)
