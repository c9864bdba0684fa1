"""Every fault of the zoo acts from its step on, and not before."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.zoo.faults import DECLARED, Injected, injected
from benchmarks.zoo.tampering import prepare
from diagnostics.study.worker import dataset
from lenet.hooks import Hook, StepEnd
from lenet.settings import Settings

AT, STEPS, BATCH = 2, 4, 8
IN_THE_SETTINGS = {"large-rate", "tiny-rate"}


class _Losses(Hook):
    def __init__(self):
        self.losses = []

    def on_step_end(self, event: StepEnd) -> None:
        self.losses.append(event.loss)


def _trained(fault, layer="dense1"):
    """The losses and the parameters after a few steps of a small network, with a fault or without one."""
    data = dataset(None, STEPS * BATCH)
    settings = Settings(network="feedforward", lr=0.1, batch_size=BATCH, epochs=1, seed=3)
    model, losses = settings.build_model(samples=len(data.X_train)), _Losses()
    X, y, hooks = data.X_train, data.y_train, []
    if fault is not None:
        X, y, hooks = prepare(Injected(fault, settings, AT, layer), model, data)
    model.train(X, y, epochs=1, batch_size=BATCH, print_every=0, hooks=[*hooks, losses])
    return np.array(losses.losses), model.parameters.values.copy()


@pytest.mark.parametrize("fault", sorted(set(DECLARED) - IN_THE_SETTINGS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_fault_changes_the_training_from_its_step_on(fault):
    healthy, tampered = _trained(None), _trained(fault)
    early = DECLARED[fault].is_early

    assert not np.array_equal(healthy[1], tampered[1], equal_nan=True)
    assert early or np.array_equal(healthy[0][:AT], tampered[0][:AT])


@pytest.mark.parametrize("fault", DECLARED)
def test_the_seed_decides_the_fault(fault):
    one = injected(fault, 24_000)

    assert one == injected(fault, 24_000)
    assert (one.layer is not None) == DECLARED[fault].is_in_a_layer
    assert one.truth.step == one.at + DECLARED[fault].delay
    assert one.at == 0 if DECLARED[fault].is_early else one.at >= 120
