"""Growing steps begin where the momentum was raised, not where they have grown by the limit."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.rules.growing_steps import GrowingSteps

ROWS, LAYERS = 400, ("conv1", "dense1", "dense2")


def findings(longer: np.ndarray, seed: int = 0, noise: float = 0.0) -> list[Finding]:
    """What is found where the steps of all layers are ``longer`` times the rate times the gradient, with noise."""
    draw = np.random.default_rng(seed)
    changes = {}
    for layer in LAYERS:
        times = longer * np.exp(noise * draw.standard_normal(ROWS))
        for tensor in ("weights", "biases"):
            changes |= {f"{layer}/{tensor}/gradient/norm": 1.0, f"{layer}/{tensor}/update/norm": 0.1 * times}
    return GrowingSteps().check(example(DEFAULT_THRESHOLDS, changes, steps=ROWS))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("raised_at", [120, 250])
def test_the_finding_begins_within_ten_steps_of_a_raised_momentum(raised_at, seed):
    since = np.maximum(0, np.arange(ROWS) - raised_at)
    [found] = findings(1 + 9 * (1 - np.exp(-since / 30)), seed, noise=0.1)

    assert raised_at <= found.first_step <= raised_at + 10
    assert f"From step {found.first_step} on" in found.plain


def test_a_sudden_change_begins_at_its_own_step():
    [found] = findings(np.where(np.arange(ROWS) < 200, 1.0, 8.0))

    assert found.first_step == 200


def test_a_few_long_steps_before_are_not_its_beginning():
    longer = np.where(np.arange(ROWS) < 200, 1.0, 8.0)
    longer[100:104] = 8.0
    [found] = findings(longer)

    assert found.first_step == 200
