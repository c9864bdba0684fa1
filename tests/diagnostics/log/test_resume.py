"""A resumed run is the run that was never interrupted: its rows, its checkpoints, its events."""

from __future__ import annotations

import hashlib
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from diagnostics.errors import CheckpointError, DiagnosticsError, LogError
from diagnostics.log import checkpoints
from diagnostics.log.checkpoints import CheckpointRing
from diagnostics.log.names import checkpoint_folder
from diagnostics.log.reader import open_run
from diagnostics.log.resume import prepare_resume
from diagnostics.record.recorder import Recorder
from diagnostics.schema.tables import DIGESTS
from lenet import load_state
from lenet.hooks import Hook
from tests.helpers.same_run import assert_same_run
from tests.helpers.small_trainings import small_model, train


class FailsAt(Hook):
    """Ends the run as an error in the middle of a step would."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_gradients_ready(self, event: Any) -> None:
        if event.step == self.step:
            raise RuntimeError("the machine fell over")


def broken_run(path: Path, at: int = 30, **changes: Any) -> None:
    model = small_model()
    with pytest.raises(RuntimeError, match="fell over"):
        train([Recorder(path, model=model, checkpoint_every=7), FailsAt(at)], model, epochs=4, **changes)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The log of a run that was never interrupted, and the digest of its parameters."""
    path = tmp_path_factory.mktemp("whole") / "whole.h5"
    return path, train([Recorder(path)], epochs=4).digest()


@pytest.mark.parametrize("at", [3, 13, 14, 25, 26, 40])
def test_a_resumed_run_ends_as_the_one_that_was_never_interrupted(
    whole: tuple[Path, str], tmp_path: Path, at: int
) -> None:
    log, digest = whole
    broken_run(tmp_path / "run.h5", at)

    model = small_model()
    recorder = Recorder(tmp_path / "run.h5", model=model, checkpoint_every=7)
    step = recorder.resume(model)
    train([recorder], model, epochs=4)

    assert step == at - at % 7
    assert model.digest() == digest
    assert_same_run(log, tmp_path / "run.h5")
    assert (open_run(tmp_path / "run.h5").events["event"] == "resume").sum() == 1
    assert len(open_run(tmp_path / "run.before-resume-1.h5")) == at


def test_a_resumed_run_is_recorded_as_often_as_before(tmp_path: Path) -> None:
    often = {"log_every": 3, "histograms_every": 4}
    train([Recorder(tmp_path / "whole.h5", **often)], epochs=4)
    model = small_model()
    with pytest.raises(RuntimeError, match="fell over"):
        train([Recorder(tmp_path / "run.h5", model=model, checkpoint_every=7, **often), FailsAt(30)], model, epochs=4)

    model = small_model()
    recorder = Recorder(tmp_path / "run.h5", model=model, checkpoint_every=7)
    recorder.resume(model)
    train([recorder], model, epochs=4)

    header = open_run(tmp_path / "run.h5").header
    assert (header.log_every, header.histograms_every) == (3, 4)
    assert_same_run(tmp_path / "whole.h5", tmp_path / "run.h5")


def test_checkpoints_of_a_resumed_run_come_as_often_as_before(tmp_path: Path) -> None:
    broken_run(tmp_path / "run.h5", 16)

    for at, step in ((24, 14), (None, 21)):
        model = small_model()
        recorder = Recorder(tmp_path / "run.h5", model=model)
        assert recorder.resume(model) == step
        if at is None:
            train([recorder], model, epochs=4)
        else:
            with pytest.raises(RuntimeError, match="fell over"):
                train([recorder, FailsAt(at)], model, epochs=4)

    run = open_run(tmp_path / "run.h5")
    assert run.header.checkpoint_every == 7
    assert run.checkpoints["step"].tolist() == [0, 7, 14, 21, 28, 35, 42, 49]


def test_a_recorder_s_own_checkpoint_interval_wins_when_a_run_is_resumed(tmp_path: Path) -> None:
    broken_run(tmp_path / "run.h5", 16)
    model = small_model()
    recorder = Recorder(tmp_path / "run.h5", model=model, checkpoint_every=20)
    recorder.resume(model)
    train([recorder], model, epochs=4)

    assert open_run(tmp_path / "run.h5").checkpoints["step"].tolist() == [0, 7, 14, 20, 40]


def test_every_resume_and_checkpoint_stays_among_the_events(tmp_path: Path) -> None:
    whole = tmp_path / "whole.h5"
    model = small_model()
    train([Recorder(whole, model=model, checkpoint_every=7)], model, epochs=4)
    broken_run(tmp_path / "run.h5", 30)
    newest = tmp_path / "run.checkpoints" / "step-00000028.npz"
    for at in (29, 23, None):  # twice from the same checkpoint, then from one before it
        model = small_model()
        recorder = Recorder(tmp_path / "run.h5", model=model)
        recorder.resume(model)
        if at is None:
            train([recorder], model, epochs=4)
        else:
            with pytest.raises(RuntimeError, match="fell over"):
                train([recorder, FailsAt(at)], model, epochs=4)
            newest.unlink(missing_ok=True)

    run = open_run(tmp_path / "run.h5")
    events = run.events
    resumed = events[events["event"] == "resume"]
    assert resumed["step"].tolist() == [28, 21, 21]
    assert resumed["message"].iloc[0] == (
        "failed after 30 steps, resumed before step 28; the log until then is run.before-resume-1.h5"
    )
    others = events[events["event"] != "resume"]
    expected = open_run(whole).events
    for column in ("step", "event", "rule", "layer", "message"):
        assert others[column].tolist() == expected[column].tolist()
    assert_same_run(whole, tmp_path / "run.h5")


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    broken_run(tmp_path / "run.h5")
    newest = tmp_path / "run.checkpoints" / "step-00000028.npz"
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)

    assert prepare_resume(tmp_path / "run.h5").step == 21


def test_a_checkpoint_that_was_given_the_name_of_another_step_is_passed_over(tmp_path: Path) -> None:
    broken_run(tmp_path / "run.h5")
    folder = tmp_path / "run.checkpoints"
    shutil.copy(folder / "step-00000014.npz", folder / "step-00000028.npz")

    assert prepare_resume(tmp_path / "run.h5").step == 21


def test_checkpoints_of_another_run_are_not_used(tmp_path: Path) -> None:
    broken_run(tmp_path / "run.h5")
    broken_run(tmp_path / "other.h5")
    shutil.rmtree(tmp_path / "run.checkpoints")
    shutil.copytree(tmp_path / "other.checkpoints", tmp_path / "run.checkpoints")

    with pytest.raises(CheckpointError, match="none of them sound and of this run"):
        prepare_resume(tmp_path / "run.h5")


def test_a_run_is_not_resumed_on_other_data(tmp_path: Path) -> None:
    def recorder(checksum: str) -> Recorder:
        return Recorder(
            tmp_path / "run.h5", model=model, checkpoint_every=7, environment={"data_checksum": checksum * 8}
        )

    model = small_model()
    with pytest.raises(RuntimeError, match="fell over"):
        train([recorder("one"), FailsAt(30)], model, epochs=4)

    with pytest.raises(DiagnosticsError, match=r"was trained on other data than those here now \(checksum oneoneon"):
        recorder("two").resume(model)
    assert recorder("one").resume(model) == 28


def test_a_complete_run_is_not_resumed(tmp_path: Path) -> None:
    model = small_model()
    train([Recorder(tmp_path / "run.h5", model=model)], model)

    with pytest.raises(LogError, match="complete"):
        prepare_resume(tmp_path / "run.h5")


def test_a_resumed_run_begins_before_the_first_damaged_row(tmp_path: Path) -> None:
    broken_run(tmp_path / "run.h5")
    log = tmp_path / "run.h5"
    row = open_run(log).block(first=16, last=16).tobytes()
    data = bytearray(log.read_bytes())
    data[data.index(row) + 5] ^= 255
    log.write_bytes(data)

    assert prepare_resume(log).step == 14


def kept(folder: Path) -> list[int]:
    return sorted(int(path.stem[5:]) for path in folder.iterdir())


def test_all_checkpoints_stay_that_ten_megabytes_an_epoch_hold(tmp_path: Path) -> None:
    ring = CheckpointRing(tmp_path / "c", "id", steps_per_epoch=100)
    model = small_model()

    for step in range(0, 401, 20):
        model.progress.step = step
        ring.save(step, model.state(), {})

    assert kept(tmp_path / "c") == list(range(0, 401, 20))
    assert ring.newest(390).step == 380


@pytest.mark.parametrize(("steps_per_epoch", "every"), [(469, 200), (469, 20), (50, 7), (10, 1), (1, 1)])
def test_large_checkpoints_are_spread_over_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps_per_epoch: int, every: int
) -> None:
    ring = CheckpointRing(tmp_path / "c", "id", steps_per_epoch)
    state, last = small_model().state(), 3 * steps_per_epoch
    size = len(ring.save(0, state, {})[1])
    budget = 2.5 * size
    monkeypatch.setattr(checkpoints, "BYTES_AN_EPOCH", budget)

    for step in range(0, last, every):
        ring.save(step, state, {})
        steps = kept(tmp_path / "c")
        # What a run that goes on needs: the newest three, and those of the last hundred steps.
        assert set(steps) >= {s for s in range(0, step + 1, every) if s > step - max(100, 3 * every)}
    ring.finish()

    steps = kept(tmp_path / "c")
    assert steps[0] == 0
    assert (len(steps) - 1) * size <= 3 * budget
    distance = max(every, steps_per_epoch / 2.5)
    assert all(b - a < distance + every for a, b in pairwise(steps))


def test_without_an_epoch_to_reckon_with_the_newest_three_stay_and_what_reaches_a_hundred_steps_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BYTES_AN_EPOCH", 1)
    ring = CheckpointRing(tmp_path / "c", "id", steps_per_epoch=469)
    state = small_model().state()

    for step in range(0, 401, 20):
        ring.save(step, state, {})

    assert kept(tmp_path / "c") == [0, 300, 320, 340, 360, 380, 400]


def test_the_checkpoint_before_an_onset_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "BYTES_AN_EPOCH", 1)
    ring = CheckpointRing(tmp_path / "c", "id", steps_per_epoch=469)
    state = small_model().state()

    for step in range(0, 420, 20):
        ring.save(step, state, {})
        if step == 200:
            ring.pin_before(130)

    assert 120 in {int(p.stem[5:]) for p in (tmp_path / "c").iterdir()}


def test_the_log_keeps_the_digest_of_every_checkpoint_and_of_its_parameters(tmp_path: Path) -> None:
    log = tmp_path / "run.h5"
    model = small_model()
    train([Recorder(log, model=model, checkpoint_every=5)], model)

    rows = open_run(log).source.table(DIGESTS)
    ring = CheckpointRing(checkpoint_folder(log), "")
    assert rows["step"].tolist() == ring.steps == [0, 5, 10, 15, 20, 25]
    for row in rows:
        path = ring.path(int(row["step"]))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["file"].decode()
        parameters = load_state(path)["parameters"]
        assert hashlib.sha256(parameters.tobytes()).hexdigest() == row["parameters"].decode()
