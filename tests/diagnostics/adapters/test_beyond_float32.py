"""Float64 networks whose numbers are finite and beyond float32: their runs have not diverged."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.adapters import watch
from diagnostics.measure.tensors import MAX, NONFINITE, NORM
from diagnostics.schema.number_range import LARGEST

HUGE = 8e97


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def watched(path: Path, loss: float, weights: float = HUGE) -> Any:
    """A run of 120 steps without gradient, of a network with huge weights and outputs."""
    draw = np.random.default_rng(0)
    layer = SimpleNamespace(W=draw.standard_normal((4, 10)) * weights, b=np.zeros(10))
    layer.dW, layer.db = np.zeros((4, 10)), np.zeros(10)
    x, y = draw.standard_normal((128, 4)), np.arange(128) % 10
    recorded = watch([layer], path, labels=y, epochs=120, lr=0.1)
    for _ in range(120):
        layer.out = x @ layer.W
        recorded.step(loss=loss, accuracy=0.1, inputs=x)
    recorded.close()
    return open_run(path)


@pytest.mark.parametrize("loss", [2.303, 1e90])
def test_a_run_with_huge_finite_numbers_has_never_learned_and_not_diverged(tmp_path: Path, loss: float) -> None:
    run = watched(tmp_path / "run.h5", loss)
    tensors = run.tensors

    assert run.diagnosis.verdict == "never-learned"
    assert "non-finite" not in {one.rule for one in run.diagnosis.findings}
    assert (tensors["nonfinite"] == 0).all()
    assert tensors["max"].max() == np.float32(LARGEST)
    assert run.steps["loss"].iloc[-1] == np.float32(min(loss, LARGEST))


def test_what_is_infinite_in_the_network_has_diverged(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the network itself
        run = watched(tmp_path / "run.h5", 2.303, weights=np.inf)

    assert run.diagnosis.verdict == "diverged"


@pytest.mark.torch
@pytest.mark.parametrize("size", [12, 140_000])
def test_statistics_of_torch_tensors_are_finite_where_the_tensors_are(size: int) -> None:
    torch = pytest.importorskip("torch")
    from diagnostics.adapters.torch_tensors import GRADIENT, UPDATE, VALUE, HostTensors, device_statistics
    from diagnostics.adapters.torch_vector import StepVector

    parameter = torch.full((size,), HUGE, dtype=torch.float64)
    block, vector = np.full((3, 7, 1), np.nan), StepVector()
    tensors = HostTensors([parameter], block)
    tensors.before([torch.zeros(size, dtype=torch.float64)], vector)
    parameter.mul_(0.5)
    tensors.after(vector)
    counts, ranges = tensors.histograms([None])

    assert not block[:, NONFINITE].any()
    assert block[VALUE, NORM, 0] == pytest.approx(HUGE * np.sqrt(size))
    assert block[UPDATE, NORM, 0] == pytest.approx(HUGE * np.sqrt(size) / 2)
    assert block[GRADIENT, MAX, 0] == 0
    assert counts[VALUE, 0].sum() == size
    assert ranges[VALUE, 0].tolist() == [LARGEST, LARGEST]
    elsewhere = device_statistics(parameter * 2).numpy()
    np.testing.assert_allclose(elsewhere, block[VALUE, :, 0], rtol=1e-12, atol=HUGE * 1e-12)


@pytest.mark.torch
def test_outputs_of_torch_layers_are_finite_where_the_tensors_are() -> None:
    torch = pytest.importorskip("torch")
    from diagnostics.adapters.torch_outputs import MeasuredOutputs, OutputAxes
    from diagnostics.adapters.torch_vector import StepVector

    column, silent, vector = np.full(6, np.nan, np.float32), np.zeros(3, np.float32), StepVector()
    outputs = MeasuredOutputs(OutputAxes(1, 0, (3,)), "relu", column, silent)
    outputs.measure(torch.tensor([[HUGE, -HUGE, 1.0]] * 4, dtype=torch.float64), vector)
    outputs.finish(vector)
    vector.deliver()

    assert column[:2].tolist() == [LARGEST, LARGEST]
    assert column[2] == np.float32(1 / 3)
    assert silent.tolist() == [0, 1, 0]


@pytest.mark.frameworks
def test_statistics_of_jax_tensors_are_finite_where_the_tensors_are() -> None:
    jax = pytest.importorskip("jax")
    from diagnostics.adapters.jax_tap import _of_tensor

    jax.config.update("jax_enable_x64", True)
    try:
        found = np.asarray(jax.jit(_of_tensor)(jax.numpy.asarray([HUGE, 0.0, HUGE, 0.0])))
        bad = np.asarray(_of_tensor(jax.numpy.asarray([HUGE, np.inf])))
    finally:
        jax.config.update("jax_enable_x64", False)

    assert found[NORM] == pytest.approx(HUGE * np.sqrt(2))
    assert [found[NONFINITE], bad[NONFINITE]] == [0, 1]
