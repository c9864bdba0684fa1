"""Networks that nobody wrote for this project are recorded by one call a step, and judged right."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.adapters import Watch, watch
from tests.helpers.kept_folders import kept_folder
from tests.helpers.wild_networks import NETWORKS
from tests.helpers.wild_networks.blobs_to_learn import EPOCHS, data


def trained(kind: Any, path: Path | None = None, *, bias: float = 0.0, by_hand: bool = False) -> Watch:
    network = kind(bias)
    options = {"taps": network.taps()} if by_hand else {}
    with (
        np.errstate(all="ignore"),
        watch(network.network, path, labels=data()[1], epochs=EPOCHS, **network.options, **options) as watched,
    ):
        network.train(watched, network.rate)
    return watched


@cache
def healthy(kind: Any) -> tuple[Watch, Path]:
    """A training that learns, and its log; made once for two tests, which change nothing of it."""
    log = kept_folder("wild") / "found.h5"
    return trained(kind, log), log


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_healthy_setting_is_healthy(kind: Any) -> None:
    diagnosis = healthy(kind)[0].recorder.diagnosis
    assert diagnosis is not None
    assert diagnosis.verdict == "healthy"


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_fatal_setting_is_a_defect(kind: Any) -> None:
    diagnosis = trained(kind, bias=-1000.0).recorder.diagnosis
    assert diagnosis is not None
    assert diagnosis.verdict == "never-learned"
    assert diagnosis.cause is not None
    assert diagnosis.cause.rule in ("dead-units", "zero-gradient")


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_was_found_gives_the_log_that_explicit_names_give(kind: Any, tmp_path: Path) -> None:
    trained(kind, tmp_path / "told.h5", by_hand=True)
    found, told = open_run(healthy(kind)[1]), open_run(tmp_path / "told.h5")
    assert len(found) > 180
    assert found.info.layers == told.info.layers
    assert found.info.tensors == told.info.tensors
    assert found.steps.drop(columns=["seconds", "wall"]).equals(told.steps.drop(columns=["seconds", "wall"]))
    assert found.tensors.equals(told.tensors)
    assert found.activations.equals(told.activations)
