"""A run is freed as soon as it is left: a study of many runs does not wait for the search of the garbage collector."""

from __future__ import annotations

import gc
import weakref

import pytest

from diagnostics.record.recorder import Recorder
from tests.helpers.small_trainings import small_model, train


@pytest.mark.parametrize(
    ("has_log", "options"),
    [(False, {}), (True, {}), (True, {"checkpoint_every": 5}), (True, {"on_defect": "rollback"})],
)
def test_a_recorder_and_its_model_are_freed_without_the_garbage_collector(tmp_path, has_log, options):
    gc.disable()
    try:
        model = small_model()
        recorder = Recorder(tmp_path / "run.h5" if has_log else None, model=model if options else None, **options)
        train([recorder], model, epochs=1)
        left = [weakref.ref(recorder), weakref.ref(model)]
        del recorder, model

        assert [one() for one in left] == [None, None]
    finally:
        gc.enable()
