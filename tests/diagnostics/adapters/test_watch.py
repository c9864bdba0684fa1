"""What watch records of a network, and how its recording ends."""

from __future__ import annotations

import gc
import types
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.adapters import watch
from diagnostics.adapters.tap import Tap
from diagnostics.detect.asking import NOT_MEASURED
from lenet.errors import SettingsError
from reports.figures.layers import layer_curves
from reports.pages.run_page import write_report
from tests.helpers.forked import run as run_program
from tests.helpers.wild_networks.batch_of_one import BatchOfOne
from tests.helpers.wild_networks.blobs_to_learn import EPOCHS, STEPS, data
from tests.helpers.wild_networks.dict_of_parameters import DictOfParameters
from tests.helpers.wild_networks.layers_with_dw import LayersWithDW
from tests.helpers.wild_networks.lazy import Lazy
from tests.helpers.wild_networks.unusual_tensors import UnusualTensors

LABELS = data()[1]


def test_derived_gradients_are_those_of_the_layer_and_the_log_says_so(tmp_path: Path) -> None:
    network = BatchOfOne()
    with watch(network.network, tmp_path / "run.h5", labels=LABELS, **network.options) as watched:
        network.train(watched, 0.05)
    run = open_run(tmp_path / "run.h5")
    assert run.info.description["derived_gradients"] == [
        "denseofcolumns1/biases",
        "denseofcolumns1/weights",
        "denseofcolumns2/biases",
        "denseofcolumns2/weights",
    ]
    norms = run.tensor_frame(["norm"], layer="denseofcolumns1", tensor="weights")["norm"].unstack("kind")
    assert np.allclose(0.05 * norms["gradient"], norms["update"], rtol=1e-5)
    assert "derived from the update" in watched.found.loc["denseofcolumns1", "gradients"]


def test_a_step_that_made_the_tensors_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = Lazy()
    with watch(network.network, tmp_path / "run.h5", labels=LABELS) as watched:
        network.train(watched, 0.1)
    assert len(open_run(tmp_path / "run.h5")) == STEPS - 1
    assert "begins with the second step" in caplog.text


def test_layers_may_have_any_tensors(tmp_path: Path) -> None:
    network = UnusualTensors()
    with watch(network.network, tmp_path / "run.h5", labels=LABELS, epochs=EPOCHS) as watched:
        network.train(watched, 0.1)
    run = open_run(tmp_path / "run.h5")
    assert run.verdict == "healthy"
    tensors = [(one.layer, one.tensor) for one in run.info.tensors]
    assert tensors == [
        ("withoutbiases1", "weights"),
        ("batchnormalisation1", "gamma"),
        ("batchnormalisation1", "beta"),
        ("twomatrices1", "W_x"),
        ("twomatrices1", "W_h"),
        ("twomatrices1", "biases"),
    ]
    norms = run.tensor_frame(["norm"], layer="twomatrices1", kind="gradient")["norm"].unstack("tensor")
    assert np.array_equal(norms["W_x"], norms["W_h"])
    curves = layer_curves(run)
    assert curves.gradient[2] == pytest.approx(np.sqrt((norms**2).sum(axis=1)), rel=1e-5)
    unasked = [check for check in run.diagnosis.checks if check.outcome == "missing-columns"]
    assert unasked == []


@pytest.mark.usefixtures("blank_pictures")
def test_layers_whose_outputs_nobody_keeps_are_judged_by_their_tensors(tmp_path: Path) -> None:
    network = DictOfParameters(bias=-1000.0)
    forget = types.SimpleNamespace(step=lambda **given: watched.step(**{**given, "outputs": None}))
    with watch(network.network, tmp_path / "run.h5", labels=LABELS, epochs=EPOCHS) as watched:
        network.train(forget, 0.1)
    run = open_run(tmp_path / "run.h5")
    assert run.verdict == "never-learned"
    assert watched.found["outputs"].tolist() == ["not found", "not found"]
    assert run.info.layers == ()
    assert run.columns.layers == ("input",)
    cause = run.diagnosis.cause
    assert cause is not None
    assert (cause.rule, cause.layer) == ("zero-gradient", "layer1")
    unasked = {check.rule: check.message for check in run.diagnosis.checks if check.detail == NOT_MEASURED}
    assert unasked["dead-units"] == "not asked: no activations in this run"
    assert write_report(run, tmp_path / "report").stat().st_size > 10_000


def test_a_watched_network_is_freed_without_the_garbage_collector(tmp_path: Path) -> None:
    gc.disable()
    try:
        network = LayersWithDW()
        with watch(network.layers, tmp_path / "run.h5", labels=LABELS) as watched:
            network.train(watched, network.rate)
        left = [weakref.ref(network.layers[0]), weakref.ref(watched)]
        network.network = None  # it holds itself
        del network, watched

        assert [one() for one in left] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("as_targets", [np.asarray, np.eye(3).__getitem__, lambda y: np.eye(3)[y].T])
def test_accuracy_is_counted_with_the_targets(as_targets: Any) -> None:
    network = LayersWithDW()
    X, y = data()
    watched = watch(network.network, labels=LABELS, lr=0.1)
    out = X[:20]
    for layer in network.layers:
        out = layer.forward(out)
    network.layers[2].backward(np.zeros((20, 3)))
    network.layers[0].backward(np.zeros((20, 8)))
    watched.step(loss=1.0, inputs=X[:20], targets=as_targets(y[:20]))
    watched.close()
    row = dict(zip(watched.recorder.info.columns.names, watched.recorder.latest, strict=True))
    assert row["accuracy"] == pytest.approx((out.argmax(axis=1) == y[:20]).mean())


def test_a_loop_is_ended_where_the_recorder_stops(tmp_path: Path) -> None:
    network = LayersWithDW(bias=-1000.0)
    with watch(network.network, labels=LABELS, epochs=EPOCHS, recorder={"on_defect": "stop"}) as watched:
        network.train(watched, 0.1)
    assert watched.status == "stopped"


def test_a_program_that_never_closes_has_a_whole_log(tmp_path: Path) -> None:
    program = """
from diagnostics.adapters import watch
from tests.helpers.wild_networks.layers_with_dw import LayersWithDW
from tests.helpers.wild_networks.blobs_to_learn import data
network = LayersWithDW()
watched = watch(network, "run.h5", labels=data()[1], epochs=20)
network.train(watched, 0.1)
{}
"""
    for last, status in (("", "completed"), ("raise ValueError('spilled')", "failed")):
        run_program("-c", program.format(last), cwd=tmp_path)
        run = open_run(tmp_path / "run.h5")
        assert (run.status, len(run)) == (status, STEPS)
        (tmp_path / "run.h5").unlink()


def test_taps_are_checked() -> None:
    with pytest.raises(SettingsError, match="dense1: tensors: received none"):
        Tap("dense1", {})
    with pytest.raises(SettingsError, match="dense1: gradients: received biases, expected some of weights"):
        Tap("dense1", {"weights": lambda: 0}, {"biases": lambda: 0})
