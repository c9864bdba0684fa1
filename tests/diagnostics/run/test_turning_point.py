"""Where a run broke, and the steps around it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnostics.detect.link import Link
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


@pytest.mark.parametrize(
    ("first", "state", "layer"),
    [
        (Link("zero-weights", "dense1", 31, ""), "zero-gradient", "dense1"),
        (Link("foreign-change", "conv1", 31, ""), "dead-units", "conv1"),
        (Link("learning-rate-jump", None, 31, ""), "dead-units", "conv2"),
        (Link("changed-labels", None, 31, ""), "exploding-gradient", None),
        (Link("wrong-sign", None, 31, ""), "oversized-update", None),
    ],
)
def test_the_layer_of_a_fault_failed_and_not_one_that_it_left_without_a_gradient(first, state, layer) -> None:
    run = synthetic.dead()
    chain = tuple(finding for finding in run.diagnosis.chain if finding.rule == state)
    run._kept["diagnosis"] = replace(run.diagnosis, first_link=first, blow=first, chain=chain)

    assert failed_layer(run) == layer
