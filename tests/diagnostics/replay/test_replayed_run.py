"""Any step of a run, from the seed or a checkpoint, with the rows of the log as proof."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.errors import ReplayError
from diagnostics.log.names import checkpoint_folder
from diagnostics.record.recorder import Recorder
from diagnostics.replay import Branch, replay
from lenet import DenseLayer, StopTraining
from lenet.training.order import shuffled
from tests.helpers.logged_runs import BATCH, EPOCHS, SAMPLES, STEPS, STEPS_PER_EPOCH, data, logged, make, same_state
from tests.helpers.small_models import OPTIMIZERS, Call, ready, small_model

CASES: dict[str, dict[str, Any]] = {
    **{name: {"optimizer": name} for name in OPTIMIZERS},
    "as they lie": {"shuffle": False},
    "the paper's convolution": {"report": True, "optimizer": "momentum"},
    "float64": {"dtype": "float64", "optimizer": "adam"},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_step_has_the_state_and_the_batch_it_had(tmp_path: Path, case: dict[str, Any]) -> None:
    log = tmp_path / "run.h5"
    states = logged(log, case).states
    replayed = replay(log, data())
    X, y = data()
    rng = np.random.default_rng(0)
    for step in rng.permutation(STEPS)[:6].tolist():
        moment = replayed.at(step)
        assert same_state(moment.state, states[step])
        assert moment.proof.is_proven
        assert moment.proof.last_step == step
        epoch, place = divmod(step, STEPS_PER_EPOCH)
        order = shuffled(7, SAMPLES)(epoch + 1) if case.get("shuffle", True) else np.arange(SAMPLES)
        assert order is not None
        indices = order[place * BATCH : (place + 1) * BATCH]
        assert np.array_equal(moment.sample_indices, indices)
        assert np.array_equal(moment.images, X[indices])
        assert np.array_equal(moment.labels, y[indices])
        if step + 1 in states:
            assert np.array_equal(moment.values_after, states[step + 1]["parameters"])


def test_the_model_of_a_moment_goes_on_as_the_run_did(tmp_path: Path) -> None:
    states = logged(tmp_path / "run.h5", {"optimizer": "adam"}).states
    moment = replay(tmp_path / "run.h5", data()).at(6)
    moment.model.train(*data(), EPOCHS, BATCH, print_every=0, shuffle=True, steps=11)
    assert same_state(moment.model.state(), states[11])


def test_without_checkpoints_the_seed_is_always_there(tmp_path: Path) -> None:
    log = tmp_path / "run.h5"
    states = logged(log).states
    with_them = replay(log, data()).at(13)
    assert with_them.proof.start == "the checkpoint before step 12"
    assert with_them.proof.rows == 2
    shutil.rmtree(checkpoint_folder(log))
    without = replay(log, data()).at(13)
    assert without.proof.start == "the seed"
    assert without.proof.rows == 14
    for moment in (with_them, without):
        assert same_state(moment.state, states[13])


def test_a_recorder_without_the_model_makes_a_log_that_replays(tmp_path: Path) -> None:
    model = make({})
    X, y = data()
    model.train(X, y, EPOCHS, BATCH, print_every=0, shuffle=True, hooks=[Recorder(tmp_path / "run.h5")])
    proof = replay(tmp_path / "run.h5", (X, y)).check()
    assert proof.is_proven
    assert (proof.rows, proof.digests) == (STEPS, 2)
    assert str(proof) == (
        "replayed steps 0 to 14 from the seed: 15 rows equal to the log bit for bit, and 2 digests of the parameters"
    )


def test_a_state_that_was_proven_is_a_start_for_later_steps(tmp_path: Path) -> None:
    logged(tmp_path / "run.h5")
    replayed = replay(tmp_path / "run.h5", data())
    replayed.at(5)
    assert replayed.at(7).proof.start == "step 5, which was proven before"
    assert replayed.at(3).proof.start == "the seed"


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_log_of_every_kth_step_proves_by_the_next_row(tmp_path: Path, every: int) -> None:
    states = logged(tmp_path / "run.h5", log_every=every, checkpoint_every=100).states
    replayed = replay(tmp_path / "run.h5", data())
    for step in (0, 1, 5, 11):
        moment = replayed.at(step)
        assert same_state(moment.state, states[step])
        assert moment.proof.last_step == -(-step // every) * every
    with pytest.raises(ReplayError, match="has no step"):
        replayed.at(STEPS)


@pytest.mark.parametrize("ending", ["stopped", "failed"])
def test_runs_that_ended_early_replay_up_to_their_last_row(tmp_path: Path, ending: str) -> None:
    def end(event: Any) -> None:
        raise StopTraining("enough") if ending == "stopped" else RuntimeError("the machine fell over")

    log = tmp_path / "run.h5"
    fall = Call("on_update_done", end, 9)
    if ending == "stopped":
        states = logged(log, hooks=(fall,)).states
    else:
        with pytest.raises(RuntimeError, match="fell over"):
            logged(log, hooks=(fall,))
        states = logged(tmp_path / "whole.h5").states
    replayed = replay(log, data())
    assert replayed.steps == (10 if ending == "stopped" else 9)
    assert same_state(replayed.at(8).state, states[8])
    assert replayed.check().is_proven


def test_a_resumed_run_replays_over_the_place_where_it_was_resumed(tmp_path: Path) -> None:
    def fall(event: Any) -> None:
        raise RuntimeError("the machine fell over")

    log, case = tmp_path / "run.h5", {"optimizer": "adam"}
    with pytest.raises(RuntimeError, match="fell over"):
        logged(log, case, hooks=(Call("on_gradients_ready", fall, 10),))
    logged(log, {**case, "resume": True})
    states = logged(tmp_path / "whole.h5", case).states
    replayed = replay(log, data())
    for step in (6, 9, 10, 14):
        assert same_state(replayed.at(step).state, states[step])
    assert replayed.check().is_proven
    shutil.rmtree(checkpoint_folder(log))
    assert same_state(replay(log, data()).at(11).state, states[11])
    before = replay(tmp_path / "run.before-resume-1.h5", data())
    assert same_state(before.at(9).state, states[9])


def test_weights_that_were_set_by_hand_replay_from_a_checkpoint_or_with_build(tmp_path: Path) -> None:
    def build() -> Any:
        layer = DenseLayer(64, 3)
        layer.weights = np.full((64, 3), 0.01)
        from lenet import ActivationSoftmax, Flatten, Model

        return ready(Model(threads=1, seed=7), Flatten((8, 8, 1)), layer, ActivationSoftmax())

    X, y = data()
    for name, with_model in (("with", True), ("without", False)):
        model = build()
        recorder = Recorder(tmp_path / f"{name}.h5", model=model if with_model else None)
        model.train(X, y, 1, BATCH, print_every=0, hooks=[recorder])
    assert replay(tmp_path / "with.h5", (X, y)).at(3).proof.start == "the checkpoint before step 0"
    with pytest.raises(ReplayError, match="differs at step 0: all parameters"):
        replay(tmp_path / "without.h5", (X, y)).at(3)
    assert replay(tmp_path / "without.h5", (X, y), build=build).at(3).proof.is_proven


def test_an_order_of_ones_own_has_to_be_handed_over(tmp_path: Path) -> None:
    def order(epoch: int) -> Any:
        return np.roll(np.arange(SAMPLES), 10 * epoch)

    model = small_model(seed=7)
    X, y = data()
    model.train(X, y, EPOCHS, BATCH, print_every=0, order=order, hooks=[Recorder(tmp_path / "run.h5")])
    with pytest.raises(ReplayError, match="order="):
        replay(tmp_path / "run.h5", (X, y)).at(3)
    moment = replay(tmp_path / "run.h5", (X, y), order=order).at(STEPS_PER_EPOCH + 1)
    assert np.array_equal(moment.sample_indices, order(2)[BATCH : 2 * BATCH])


def test_a_second_training_of_the_same_model_begins_where_its_log_begins(tmp_path: Path) -> None:
    model = make({"optimizer": "momentum"})
    X, y = data()
    model.train(X, y, 1, BATCH, print_every=0)
    recorder = Recorder(tmp_path / "second.h5", model=model)
    model.train(X, y, 1, BATCH, print_every=0, hooks=[recorder])
    assert replay(tmp_path / "second.h5", (X, y)).at(4).proof.start == "the checkpoint before step 0"


def test_a_run_that_goes_on_from_a_state_replays_from_the_seed(tmp_path: Path) -> None:
    states = logged(tmp_path / "whole.h5").states
    model = make({})
    model.restore(states[7])
    X, y = data()
    model.train(X, y, EPOCHS, BATCH, print_every=0, shuffle=True, hooks=[Recorder(tmp_path / "late.h5")])
    assert int(open_run(tmp_path / "late.h5").index["step"][0]) == 7
    moment = replay(tmp_path / "late.h5", (X, y)).at(9)
    assert same_state(moment.state, states[9])
    assert moment.proof.rows == 3


@pytest.mark.parametrize("wrong", [-1, 15, 99, 1.5, "x", None])
def test_a_step_that_the_log_has_not_is_refused_by_name(tmp_path: Path, wrong: Any) -> None:
    logged(tmp_path / "run.h5")
    with pytest.raises(ReplayError, match=f"has no step {wrong}, expected 0 to 14") as error:
        replay(tmp_path / "run.h5", data()).at(wrong)
    assert "\n" not in str(error.value)


def test_a_check_of_part_of_a_run_begins_at_the_nearest_start(tmp_path: Path) -> None:
    logged(tmp_path / "run.h5")
    proof = replay(tmp_path / "run.h5", data()).check(9, 13)
    assert (proof.first_step, proof.last_step, proof.rows) == (8, 13, 6)
    with pytest.raises(ReplayError, match="9:3"):
        replay(tmp_path / "run.h5", data()).check(9, 3)


@pytest.mark.parametrize("form", ["images", "rows", "one-hot", "float64", "the paper's"])
def test_a_training_from_python_on_the_embedded_mnist_finds_its_data(tmp_path: Path, form: str) -> None:
    """The log has no settings and no folder, only a digest, whatever the form in which the data were handed over."""
    from lenet import ActivationSoftmax, Model, load_dataset

    n = 300
    mnist = load_dataset(limit=n)
    X, y = mnist.X_train, mnist.y_train
    if form == "rows":
        X = X.reshape(n, -1)
    elif form == "one-hot":
        y = np.eye(10)[y]
    elif form == "float64":
        X = X.astype(np.float64)
    elif form == "the paper's":
        from lenet import formatData, load_mnist_images, load_mnist_labels
        from lenet.data.dataset import EMBEDDED

        images, labels = EMBEDDED / "train-images-idx3-ubyte.gz", EMBEDDED / "train-labels-idx1-ubyte.gz"
        test_images, test_labels = EMBEDDED / "t10k-images-idx3-ubyte.gz", EMBEDDED / "t10k-labels-idx1-ubyte.gz"
        X, _, y, _ = formatData(
            load_mnist_images(images),
            load_mnist_images(test_images),
            load_mnist_labels(labels),
            load_mnist_labels(test_labels),
        )
        X, y = X[:n], y[:n]
    model = ready(Model(threads=1, seed=7, initializer="lecun"), DenseLayer(784, 10), ActivationSoftmax())
    model.train(X, y, 2, 100, print_every=0, shuffle=True, hooks=[Recorder(tmp_path / "run.h5")])
    replayed = replay(tmp_path / "run.h5")
    assert replayed.check().is_proven


@pytest.mark.slow
def test_data_of_a_folder_are_found_by_the_name_in_the_log_or_by_hand(tmp_path: Path) -> None:
    from diagnostics.record.training import run_training
    from lenet import Settings, load_dataset
    from lenet.data.dataset import EMBEDDED

    folder = tmp_path / "mnist"
    shutil.copytree(EMBEDDED, folder)
    settings = Settings(network="feedforward", limit=256, epochs=2, data=str(folder))
    run_training(settings, tmp_path / "run.h5", dataset=load_dataset(folder, 256))
    assert replay(tmp_path / "run.h5").check().is_proven
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(ReplayError, match=r"the data of the run are not here .*--data FOLDER"):
        replay(tmp_path / "run.h5")
    for given in (
        tmp_path / "elsewhere",
        str(tmp_path / "elsewhere"),
        load_dataset(limit=256),
        load_dataset(),
        (load_dataset().X_train[:256], load_dataset().y_train[:256]),
    ):
        assert replay(tmp_path / "run.h5", given).check().is_proven
    with pytest.raises(ReplayError, match="received int"):
        replay(tmp_path / "run.h5", 3)  # type: ignore[arg-type]


def test_a_window_of_ones_own_is_the_window_of_the_replay(tmp_path: Path) -> None:
    from diagnostics.detect.detector import DEFAULT_THRESHOLDS

    thresholds = DEFAULT_THRESHOLDS.changed({"verdict.window_steps": 3, "verdict.window_samples": 1})
    logged(tmp_path / "run.h5", detector=thresholds)
    run = open_run(tmp_path / "run.h5")
    assert run.info.window == 3
    assert np.isfinite(run.activations["dead_window_fraction"].loc[(14, "dense1")])
    assert replay(run, data()).check().is_proven
    branch = Branch(replay(run, data()).at(6))
    branch.train()
    same = [i for i, column in enumerate(run.columns) if column.statistic != "seconds"]
    np.testing.assert_array_equal(np.array(branch.rows)[:, same], run.block(first=6)[:, same])


def test_steps_without_a_row_are_not_proven(tmp_path: Path) -> None:
    logged(tmp_path / "run.h5", log_every=10)
    replayed = replay(tmp_path / "run.h5", data())
    assert replayed.at(7).proof.rows == 2  # those of steps 0 and 10
    check = replayed.check(8, 9)  # from the state before step 7, which is known by now
    assert (check.first_step, check.rows, check.difference) == (7, 0, None)
    assert not check.is_proven
    assert "the log holds no row of them, so nothing is proven" in str(check)
