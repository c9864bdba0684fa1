"""A run that was turned back is resumed, repaired and followed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from diagnostics import Recorder, open_run
from diagnostics.log.checkpoints import CheckpointRing
from diagnostics.log.names import checkpoint_folder
from diagnostics.log.repair import repair_log
from diagnostics.log.resume import prepare_resume
from diagnostics.run.timeline import Timeline
from lenet import Hook
from lenet.hooks import StepEnd
from tests.helpers.forked import run as run_program
from tests.helpers.rollback_trainings import EPOCHS, QUICK, recorder_of, resumed, same_rows, turned_back
from tests.helpers.small_trainings import small_model, train


def test_a_resumed_run_keeps_the_order_that_a_rollback_gave_it(tmp_path: Path) -> None:
    whole = turned_back(tmp_path / "whole.h5", rollback_reshuffle=True)
    path = tmp_path / "run.h5"
    model = small_model(lr=4.0)
    train([recorder_of(path, model, rollback_reshuffle=True)], model, epochs=EPOCHS, steps=40)
    _interrupted(path)

    run = resumed(path)

    same_rows(run, whole)
    assert run.header.on_defect == "rollback half-rate reshuffled"


def _interrupted(path: Path) -> None:
    """Have the log say that the run did not come to its end."""
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs.modify("status", np.int64(4))


def test_a_checkpoint_of_undone_steps_is_never_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    stage = "before undone checkpoints are removed"
    program = ["-m", "tests.helpers.rollback_trainings", str(path), stage]
    run_program(*program)

    point = prepare_resume(path)
    assert max(CheckpointRing(checkpoint_folder(path), point.run.header.run_id).steps) > point.run.rollbacks[-1].step
    assert point.step == point.run.rollbacks[-1].step == 0


def test_a_repaired_log_keeps_its_undone_rows(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    program = ["-m", "tests.helpers.rollback_trainings", str(path), "long after it"]
    run_program(*program)
    before = open_run(path)

    repair_log(path)

    after = open_run(path)
    assert after.notes == ()
    assert after.rollbacks == before.rollbacks
    assert len(after.rollbacks) == 2
    same_rows(after, before)
    assert isinstance(after.source, Timeline)
    assert isinstance(before.source, Timeline)
    assert after.source.recorded.count() == before.source.recorded.count() > len(after)


def test_a_log_that_is_followed_takes_the_undone_rows_back(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    seen: list[tuple[int, list[int]]] = []

    class Reads(Hook):
        def on_step_end(self, event: StepEnd) -> None:
            if event.step % 3 == 0:
                recorder._recording.log._writer.flush()  # type: ignore[union-attr]
                run.append(open_run(path, live=True)) if not run else run[0].refresh()
                seen.append((len(run[0].rollbacks), run[0].index["step"].tolist()))

    run: list[Any] = []
    model = small_model(lr=4.0)
    recorder = Recorder(
        path, model=model, checkpoint_every=5, on_defect="rollback", rollback_with="half-rate", detector=QUICK
    )
    train([recorder, Reads()], model, epochs=EPOCHS)

    assert {count for count, _ in seen} == {0, 1, 2}
    assert all(steps == list(range(len(steps))) for _, steps in seen)
    assert any(len(after) < len(before) for (_, before), (_, after) in itertools.pairwise(seen))
