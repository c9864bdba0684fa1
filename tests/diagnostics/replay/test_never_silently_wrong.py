"""Twenty ways in which a log, a checkpoint, the data, the settings or the machine may not be what they were.

Each is told with the first step that differs, or passed over by name where an earlier start makes up for it; and
whatever is returned is the true state of the run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from diagnostics.errors import ReplayError, RescueError
from diagnostics.log.datasets import with_crc
from diagnostics.log.names import checkpoint_folder
from diagnostics.replay import Branch, ReplayedRun, replay
from diagnostics.rescue.experiment import _expect_the_log
from diagnostics.rescue.fate import Fate
from diagnostics.schema.tables import DIGESTS, INDEX, VALUES
from lenet import load_state, save_state
from tests.helpers.logged_runs import STEPS, data, logged, same_state

WANTED = 10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Any]]:
    """A folder with a log and its checkpoints, which stays as it is, and the states that the run went through."""
    folder = tmp_path_factory.mktemp("made")
    return folder, logged(folder / "run.h5", {"optimizer": "momentum"}).states


@pytest.fixture
def run(made: tuple[Path, dict[int, Any]], tmp_path: Path) -> tuple[Path, dict[int, Any]]:
    """A copy of the log, which may be changed."""
    folder, states = made
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run.h5", states


def change_row(log: Path, step: int, change: Callable[[Any, list[str]], None]) -> None:
    """Change a row of the log, and repair its checksum, so that nothing but a replay can tell."""
    with h5py.File(log, "r+") as file:
        names = [name.decode() for name in file["layout/columns"]["name"]]
        index, values = file[INDEX.path][:], file[VALUES.path][:]
        change(values[step], names)
        rows = with_crc(index[step : step + 1].astype(INDEX.dtype), [values[step : step + 1]])
        file[VALUES.path][step] = values[step]
        file[INDEX.path][step] = rows[0]


def flip_last_bit(name: str) -> Callable[[Any, list[str]], None]:
    def change(row: Any, names: list[str]) -> None:
        row.view(np.uint32)[names.index(name)] ^= 1

    return change


def tell(replayed: ReplayedRun, step: int = WANTED) -> str:
    """The one line that a moment is refused with."""
    with pytest.raises(ReplayError) as error:
        replayed.at(step)
    assert "\n" not in str(error.value)
    return str(error.value)


# Rows of the log ---------------------------------------------------------------------------------

SCALARS = ("loss", "accuracy", "learning_rate")
TENSORS = ("conv1/weights/value/mean", "dense2/biases/gradient/norm", "conv2/weights/update/ratio")
OUTPUTS = ("dense1/zero_fraction", "input/mean")


@pytest.mark.parametrize("column", [*SCALARS, *TENSORS, *OUTPUTS])
def test_one_bit_of_a_row_is_told_with_its_step_and_its_column(run: Any, column: str) -> None:
    log, states = run
    change_row(log, 9, flip_last_bit(column))
    said = tell(replay(log, data()))
    assert f"differs at step 9: {column} (" in said
    assert "data, settings, a checkpoint or the log was changed" in said
    assert same_state(replay(log, data()).at(6).state, states[6])
    proof = replay(log, data()).check()
    assert not proof.is_proven
    assert proof.difference is not None
    assert (proof.difference.step, proof.difference.columns) == (9, (column,))


def measured_by_other_code(log: Path) -> None:
    with h5py.File(log, "r+") as file:
        file.attrs["measuring"] = np.bytes_("loops 0, Numba 0.1")


def test_sums_of_other_measuring_code_prove_nothing(run: Any) -> None:
    log, states = run
    measured_by_other_code(log)
    change_row(log, 9, flip_last_bit("dense2/biases/gradient/norm"))

    moment = replay(log, data()).at(WANTED)

    assert same_state(moment.state, states[WANTED])
    told = "equal to the log in all but the columns of sums, since the log was measured by other code"
    assert told in str(moment.proof)


@pytest.mark.parametrize("column", ["norm", "max"])
def test_a_rescue_of_a_log_of_other_measuring_code_is_compared_in_the_same_way(run: Any, column: str) -> None:
    log, _ = run
    measured_by_other_code(log)
    change_row(log, 11, flip_last_bit(f"dense2/biases/gradient/{column}"))
    branch = Branch(replay(log, data()).at(WANTED))
    branch.train(stop=13)

    with pytest.raises(RescueError) if column == "max" else nullcontext() as error:
        _expect_the_log(branch, Fate.DEAD)

    assert error is None or "differs from the log at step 11" in str(error.value)


def test_what_no_code_rounds_proves_a_log_of_other_measuring_code(run: Any) -> None:
    log, _ = run
    measured_by_other_code(log)
    change_row(log, 9, flip_last_bit("dense2/biases/gradient/max"))

    assert "it differs at step 9: dense2/biases/gradient/max" in tell(replay(log, data()))


def test_a_row_before_the_checkpoint_is_told_by_a_check(run: Any) -> None:
    log, states = run
    change_row(log, 2, flip_last_bit("loss"))
    proof = replay(log, data()).check()
    assert proof.difference is not None
    assert proof.difference.step == 2
    moment = replay(log, data()).at(WANTED)  # from a checkpoint after it, whose digest the log holds
    assert moment.proof.first_step == 8
    assert same_state(moment.state, states[WANTED])


def test_a_row_of_another_step_is_told(run: Any) -> None:
    log, _ = run
    with h5py.File(log, "r") as file:
        other = file[VALUES.path][8]
    change_row(log, 9, lambda row, names: np.copyto(row, other))
    said = tell(replay(log, data()))
    assert "differs at step 9: " in said
    assert "more columns" in said


# Checkpoints -------------------------------------------------------------------------------------


def checkpoint(log: Path, step: int) -> Path:
    return checkpoint_folder(log) / f"step-{step:08d}.npz"


def change_state(path: Path, key: str) -> None:
    """Change the last bit of one number of a checkpoint, whose own checksums are made anew."""
    state = load_state(path)
    state[key].reshape(-1).view(np.uint32)[3] ^= 1
    save_state(path, state)


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_a_flipped_bit_in_a_checkpoint_is_passed_over(run: Any, at: float) -> None:
    log, states = run
    path = checkpoint(log, 8)
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 4
    path.write_bytes(content)
    moment = replay(log, data()).at(WANTED)
    assert moment.proof.start == "the checkpoint before step 4"
    assert any("was changed since it was written" in note for note in moment.proof.notes)
    assert same_state(moment.state, states[WANTED])


@pytest.mark.parametrize("key", ["parameters", "optimizer/velocity"])
def test_a_checkpoint_that_was_changed_with_care_is_passed_over(run: Any, key: str) -> None:
    log, states = run
    change_state(checkpoint(log, 8), key)
    moment = replay(log, data()).at(WANTED)
    assert moment.proof.start == "the checkpoint before step 4"
    assert same_state(moment.state, states[WANTED])


@pytest.mark.parametrize("key", ["parameters", "optimizer/velocity"])
@pytest.mark.parametrize("step", [8, WANTED])
def test_a_changed_checkpoint_is_found_out_by_the_rows_where_the_log_has_no_digests(
    run: Any, key: str, step: int
) -> None:
    """As in a log of an older program; the log says of itself what it is."""
    log, states = run
    with h5py.File(log, "r+") as file:
        file.attrs.modify("schema_version", np.array([1, 1], np.int32))
        del file[DIGESTS.path]
    path = checkpoint(log, 8)
    state = load_state(path)
    state[key][:40] += np.float32(1e-3)
    save_state(path, state)
    moment = replay(log, data()).at(step)
    assert moment.proof.start == "the checkpoint before step 4"
    assert any("differs at step 8" in note for note in moment.proof.notes)
    assert same_state(moment.state, states[step])


def test_the_checkpoint_of_another_run_is_passed_over(run: Any, tmp_path: Path) -> None:
    log, states = run
    logged(tmp_path / "other.h5", {"optimizer": "momentum", "seed": 8})
    checkpoint(log, 8).write_bytes(checkpoint(tmp_path / "other.h5", 8).read_bytes())
    assert same_state(replay(log, data()).at(WANTED).state, states[WANTED])


def test_a_checkpoint_under_the_name_of_another_step_is_passed_over(run: Any) -> None:
    log, states = run
    checkpoint(log, 8).write_bytes(checkpoint(log, 4).read_bytes())
    moment = replay(log, data()).at(WANTED)
    assert same_state(moment.state, states[WANTED])
    checkpoint(log, 9).write_bytes(checkpoint(log, 4).read_bytes())
    moment = replay(log, data()).at(WANTED)
    assert any("the log does not list it" in note for note in moment.proof.notes)
    assert same_state(moment.state, states[WANTED])


def test_a_digest_that_was_changed_is_told(run: Any) -> None:
    log, _ = run
    with h5py.File(log, "r+") as file:
        rows = file[DIGESTS.path][:]
        rows["parameters"][2] = b"0" * 64
        file[DIGESTS.path][:] = with_crc(rows.astype(DIGESTS.dtype))
    assert "differs at step 8: all parameters (0000000000 in the log" in tell(replay(log, data()))


@pytest.mark.parametrize(("name", "step"), [("digest_start", 0), ("digest_end", STEPS - 1)])
def test_a_changed_digest_of_the_start_or_the_end_is_told(run: Any, name: str, step: int) -> None:
    log, _ = run
    with h5py.File(log, "r+") as file:
        file.attrs.modify(name, np.array(b"1" * 64, dtype="S80"))
    proof = replay(log, data()).check()
    assert proof.difference is not None
    assert (proof.difference.step, proof.difference.columns) == (step, ("all parameters",))


# Data --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["pixel", "label", "order", "other", "fewer"])
def test_other_data_are_refused_by_name(run: Any, change: str) -> None:
    log, _ = run
    X, y = (part.copy() for part in data())
    if change == "pixel":
        X[3, 2, 2] += 0.01
    elif change == "label":
        y[5] = (y[5] + 1) % 3
    elif change == "order":
        X, y = X[::-1], y[::-1]
    elif change == "fewer":
        X, y = X[:-1], y[:-1]
    else:
        X, y = data({"data_seed": 1})
    with pytest.raises(ReplayError, match="other data") as error:
        replay(log, (X, y))
    assert "\n" not in str(error.value)


def test_a_change_that_the_digest_does_not_see_is_told_by_the_rows(tmp_path: Path) -> None:
    """Of large sets the digest takes some of the images; the rows are made of all of them."""
    from diagnostics.record.recorder import Recorder
    from tests.helpers.small_models import blobs, small_model

    X, y = blobs(9000)
    model = small_model(seed=7)
    model.train(X, y, 1, 1000, print_every=0, hooks=[Recorder(tmp_path / "run.h5", model=model)])
    changed = X.copy()
    changed[4001, 2, 2] += 1
    said = tell(replay(tmp_path / "run.h5", (changed, y)), 6)
    assert "differs at step 4: " in said
