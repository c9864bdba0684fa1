"""Where a run broke, and the steps around it."""

from __future__ import annotations

from diagnostics.run.turning_point import failed_layer, focus
from tests.helpers import synthetic_runs as synthetic


def test_the_focus_of_a_run_holds_the_beginnings_of_all_its_events() -> None:
    window = focus(synthetic.dead())

    assert window is not None
    assert window.broke_at == synthetic.DEATH - 1  # the update after which the layer is silent
    assert window.layer == "conv2"
    assert window.first < 31
    assert window.last > 36
    assert window.last - window.first < 60


def test_a_healthy_run_has_no_focus() -> None:
    run = synthetic.healthy()

    assert focus(run) is None
    assert run.diagnosis.broke_at is None
    assert failed_layer(run) is None
