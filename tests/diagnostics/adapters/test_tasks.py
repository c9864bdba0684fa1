"""Runs of every kind of task are judged against their own loss of guessing, and say what they do not record."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import Task, open_run
from diagnostics.adapters import watch
from diagnostics.detect.findings import Diagnosis
from diagnostics.run.run import Run
from diagnostics.schema.task import classes_of
from lenet.errors import SettingsError
from tests.helpers.command_line import typed
from tests.helpers.task_networks import NETWORKS, SAMPLES, TaskNetwork, targets_of, trained

JUDGED = [name for name in NETWORKS if name != "losses only"]


def diagnosed(network: TaskNetwork, path: Path | None = None, **options: object) -> Diagnosis:
    diagnosis = trained(network, path, **options).recorder.diagnosis  # type: ignore[arg-type]
    assert diagnosis is not None
    return diagnosis


QUICK = ("classes, squared error", "binary, several outputs", "regression")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in JUDGED]
)
def test_a_run_that_learns_is_healthy_and_one_with_dead_units_never_learns(name: str) -> None:
    assert diagnosed(NETWORKS[name]).verdict == "healthy"

    dead = diagnosed(NETWORKS[name], bias=-1000.0)
    assert dead.verdict == "never-learned"
    assert dead.cause is not None
    assert dead.cause.rule == "dead-units"


def test_the_loss_of_guessing_is_that_of_the_best_answer_that_is_the_same_for_all() -> None:
    for name in JUDGED:
        network = NETWORKS[name]
        _, targets, labels = targets_of(network)
        shares = targets.mean(axis=0)
        best = np.median(targets, axis=0) if "absolute" in name else shares
        expected, _ = network.loss(np.tile(best, (SAMPLES, 1)), targets)
        told = network.task.with_targets(labels)

        assert told.guessing(told.prior or (math.nan,))[0] == pytest.approx(expected), name


@pytest.mark.parametrize(
    "name",
    ["binary, several outputs", "binary", "regression", pytest.param("classes, squared error", marks=pytest.mark.slow)],
)
def test_without_labels_guessing_is_counted_from_the_targets_and_the_log_says_the_same(
    name: str, tmp_path: Path
) -> None:
    for bias, verdict in ((0.0, "healthy"), (-1000.0, "never-learned")):
        path = tmp_path / f"{bias}.h5"
        live = diagnosed(NETWORKS[name], path, bias=bias, tells_labels=False)
        run = open_run(path)

        assert live.verdict == verdict
        assert run.diagnosis.to_json() == {**live.to_json(), "run": run.name}
        known = NETWORKS[name].task.with_targets(targets_of(NETWORKS[name])[2])
        assert run.info.guessing[0] == pytest.approx(known.guessing(known.prior)[0], rel=0.02)


def test_a_run_that_ends_before_the_first_window_says_what_it_counted(tmp_path: Path) -> None:
    trained(NETWORKS["regression"], tmp_path / "short.h5", tells_labels=False, epochs=1)

    info = open_run(tmp_path / "short.h5").info
    assert len(open_run(tmp_path / "short.h5")) < info.window
    assert info.guessing[0] > 0


def test_a_regression_that_blows_up_has_diverged() -> None:
    assert diagnosed(NETWORKS["regression"], rate=3.0).verdict == "diverged"


def test_a_regression_that_gets_better_than_guessing_and_no_further_is_not_called_dead() -> None:
    flat = diagnosed(NETWORKS["regression"], rate=1e-5, epochs=20)

    assert flat.verdict in ("undecided", "never-learned")  # it does guess
    slow = diagnosed(NETWORKS["regression"], rate=1.2e-3, epochs=20)
    assert slow.verdict in ("undecided", "healthy")


class TestLossesOnly:
    def test_a_run_is_never_said_to_have_learned_and_mechanisms_are_named(self) -> None:
        learned, dead = (diagnosed(NETWORKS["losses only"], bias=bias) for bias in (0.0, -1000.0))

        assert (learned.verdict, dead.verdict) == ("undecided", "undecided")
        [why] = [f.message for f in learned.findings if f.rule == "undecided"]
        assert why.startswith("it is judged by its losses alone")
        assert dead.cause is not None
        assert dead.cause.rule == "dead-units"

    def test_a_run_that_blows_up_has_diverged(self) -> None:
        assert diagnosed(NETWORKS["losses only"], rate=3.0).verdict == "diverged"

    def test_a_loss_that_stands_still_is_noticed_and_jumps_are_looked_for(self) -> None:
        stalled = diagnosed(NETWORKS["losses only"], bias=-1000.0, epochs=45)
        assert "stall" in {f.rule for f in stalled.findings}

        asked = {check.rule: check.message for check in stalled.checks}
        assert asked["loss-spikes"] == "nothing found"
        assert asked["oscillation"] == "not asked: no loss of guessing is known for this run"


class TestWhatIsNotMeasured:
    def test_gradients_that_cannot_be_had_have_no_columns_and_rules_say_so(self, tmp_path: Path) -> None:
        live = diagnosed(NETWORKS["classes"], tmp_path / "run.h5", gradients=False, bias=-1000.0)
        run = open_run(tmp_path / "run.h5")

        assert run.info.not_recorded == ("gradients",)
        assert not [name for name in run.columns.names if "gradient" in name]
        assert run.diagnosis.to_json() == {**live.to_json(), "run": run.name}
        said = {check.rule: check.message for check in run.diagnosis.checks}
        assert said["exploding-gradient"] == "not asked: no gradients in this run"
        assert run.verdict == "never-learned"

    def test_derived_gradients_of_plain_sgd_are_said_and_those_of_adam_are_not_made_up(self, tmp_path: Path) -> None:
        from diagnostics.adapters.recorded_gradients import is_plain_sgd

        assert is_plain_sgd({})
        assert is_plain_sgd({"optimizer": "OptimizerSGD"})
        assert not is_plain_sgd({"optimizer": "Adam"})
        assert not is_plain_sgd({"optimizer": "SGD", "momentum": 0.9})

    def test_a_run_without_accuracies_is_judged_by_its_losses(self, tmp_path: Path) -> None:
        for bias, verdict in ((0.0, "healthy"), (-1000.0, "never-learned")):
            path = tmp_path / f"{bias}.h5"
            assert diagnosed(NETWORKS["classes"], path, bias=bias, tells_accuracy=False).verdict == verdict
            assert open_run(path).info.not_recorded == ("accuracy",)
            assert "accuracy" not in open_run(path).steps

    def test_no_number_of_a_log_is_nan_but_those_that_are_declared_so(self, tmp_path: Path) -> None:
        trained(NETWORKS["regression"], tmp_path / "run.h5", epochs=15)
        run = open_run(tmp_path / "run.h5")

        nan = {run.columns[place].statistic for place in np.flatnonzero(np.isnan(run.block()).all(axis=0))}
        assert nan == {"saturated_fraction", "dead_fraction", "dead_window_fraction"}  # of the input, and of a ReLU
        assert run.info.not_recorded == ("accuracy",)


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("logs") / "regression.h5"
    trained(NETWORKS["regression"], path, bias=-1000.0)
    return open_run(path)


class TestWhereItIsTold:
    def test_the_text_says_task_level_and_how_many_rules_were_asked(self, regression: Run) -> None:
        text = typed("diagnose", regression.path).output

        assert "task:       regression with squared error; guessing has a loss of 1.44\n" in text
        assert "log:        not recorded: accuracy\n" in text
        assert "above the 1.443 of guessing" in " ".join(text.split())
        assert f"asked {regression.diagnosis.rules_asked} of {regression.diagnosis.rules} rules" in text
        assert "class prior" not in text

    def test_json_says_the_same(self, regression: Run) -> None:
        [told] = json.loads(typed("diagnose", "--json", regression.path).output)

        assert told["task"]["kind"] == "regression"
        assert told["task"]["guessing_loss"] == pytest.approx(1.4428, abs=1e-3)
        assert told["not_recorded"] == ["accuracy"]
        assert 0 < told["rules_asked"] < told["rules"]

    @pytest.mark.usefixtures("blank_pictures")
    def test_a_page_is_made(self, regression: Run, tmp_path: Path) -> None:
        result = typed("report", regression.path, "-o", tmp_path)

        assert result.exit_code == 0, result.output
        page = next(tmp_path.rglob("*.html")).read_text()
        assert "regression with squared error" in page
        assert "A curve of the loss over steps" in page

    def test_the_frames_have_no_accuracy(self, regression: Run) -> None:
        assert "accuracy" not in regression.steps
        assert regression.steps["defect"].all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Task("ranking"),
            "task: received kind 'ranking', expected one of classes, binary, regression,",
        ),
        (lambda: Task.classes("hinge"), "task: loss: received 'hinge' for classes, expected 'cross-entropy' or"),
        (lambda: Task.regression(scale=0), "task: scale: received 0, expected a number above 0"),
        (lambda: Task.binary().with_targets(np.array([0, 1, 2])), "received class 2, expected 0 or 1"),
        (lambda: Task.classes().with_targets(np.array([0.5, 1.0])), "received numbers that are no classes"),
        (lambda: Task.regression().with_targets(np.array([np.nan])), "received numbers that are not finite"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(make: object, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make()  # type: ignore[operator]
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["classes", "binary", "classes, squared error", "classes, binary cross-entropy"])
def test_the_noise_of_guessing_is_that_of_the_losses_of_the_samples(name: str) -> None:
    task, shares = NETWORKS[name].task, (0.7, 0.3) if name == "binary" else (0.6, 0.3, 0.1)
    one_hot = np.eye(len(shares))
    answers, targets = np.tile(shares, (len(shares), 1)), one_hot
    if name == "binary":
        answers, targets = answers[:, 1:], targets[:, 1:]
    losses = [NETWORKS[name].loss(answers[[i]], targets[[i]])[0] for i in range(len(shares))]
    mean = float(np.dot(shares, losses))

    assert task.guessing(shares)[0] == pytest.approx(mean)
    assert task.guessing_noise(shares) == pytest.approx(np.sqrt(np.dot(shares, (np.array(losses) - mean) ** 2)))
    assert task.guessing_noise((math.nan,)) == Task.regression().guessing_noise((0.5, 0.5)) == 0


def test_rows_of_several_yes_or_no_are_no_classes() -> None:
    labels = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0]])

    with pytest.raises(SettingsError, match=r"several yes or no, say task=Task.binary\(\)"):
        watch({"W1": np.ones((2, 3))}, labels=labels)
    with pytest.raises(SettingsError, match="received numbers other than 0 and 1"):
        Task.binary().with_targets(labels * 0.5)


def test_one_hot_rows_of_two_classes_are_one_yes_or_no_as_before() -> None:
    assert Task.binary().with_targets(np.eye(2)[[0, 0, 0, 1]]).prior == (0.75, 0.25)


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], [1, 0]),
        ([[0.2, 0.8]], [1]),
        ([[0, 0, 1]], [2]),
        ([[[0, 1], [1, 0]]], [1, 0]),  # a step a row
        ([[2, 0, 1], [0, 0, 5]], [2, 0, 1, 0, 0, 5]),
        ([[0, 1, 1]], [0, 1, 1]),
        ([[3], [1]], [3, 1]),
    ],
)
def test_classes_are_read_from_shares_and_from_several_steps(targets: Any, classes: list[int]) -> None:
    assert classes_of(np.array(targets)).tolist() == classes
