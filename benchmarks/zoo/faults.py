"""Faults put into a healthy run on purpose, each with its first bad step, layer and mechanism.

The right causes were written down here before any result was known. :mod:`benchmarks.zoo.tampering` acts them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.settings import Settings

HIDDEN = {"lenet": ("conv1", "conv2", "dense1", "dense2"), "conv-pool": ("conv1", "dense1", "dense2")}
DENSE = ("dense1", "dense2")
RATE = 0.1


@dataclass(frozen=True)
class Fault:
    """What is known of a fault before any run has it.

    Attributes:
        mechanisms: the rules that count as right.
        seeds: the seeds of a round that have the fault, counted from the first of the round.
        delay: how many steps after the fault the first bad row is.
        is_in_a_layer: whether the fault is in a hidden layer, which is drawn.
        is_dense: whether that layer is a dense one.
        is_one_step: whether the fault acts at once, so that the onset can be measured.
        is_quiet: whether the fault may leave a run alive, and has to be reported whatever the verdict.
        is_early: whether the fault is there from step 0 on.
        settings: how the settings of the run differ from a healthy one.
    """

    mechanisms: tuple[str, ...]
    seeds: range
    delay: int = 0
    is_in_a_layer: bool = False
    is_dense: bool = False
    is_one_step: bool = False
    is_quiet: bool = False
    is_early: bool = False
    settings: Mapping[str, Any] | None = None


DECLARED: Mapping[str, Fault] = {
    "rate-spike": Fault(("learning-rate-jump",), range(1000, 1020), delay=1, is_one_step=True),
    "dead-biases": Fault(
        ("foreign-change", "dead-units", "oversized-update"),
        range(1050, 1070),
        delay=1,
        is_in_a_layer=True,
        is_one_step=True,
    ),
    "zero-weights": Fault(("zero-weights",), range(1100, 1120), delay=1, is_in_a_layer=True, is_one_step=True),
    "nan-batch": Fault(("non-finite",), range(1150, 1170), is_one_step=True),
    "shuffled-labels": Fault(("changed-labels", "uninformative-labels"), range(1200, 1220), is_one_step=True),
    "flipped-sign": Fault(("wrong-direction",), range(1250, 1270), delay=1, is_in_a_layer=True),
    "unscaled-input": Fault(("input-scale",), range(1300, 1320), is_one_step=True),
    "saturated-start": Fault(
        ("saturated-units",),
        range(1350, 1370),
        is_in_a_layer=True,
        is_dense=True,
        is_early=True,
        settings={"network": "feedforward", "activation": "sigmoid", "lr": 0.5},
    ),
    "frozen-layer": Fault(("frozen-layer",), range(1400, 1410), is_in_a_layer=True, is_quiet=True),
    "one-class-labels": Fault(("one-class-labels",), range(1412, 1422), is_quiet=True),
    "scaled-weights": Fault(
        ("foreign-change",), range(1424, 1434), is_in_a_layer=True, is_one_step=True, is_quiet=True
    ),
    "shrunk-weights": Fault(
        ("foreign-change",), range(1436, 1446), is_in_a_layer=True, is_one_step=True, is_quiet=True
    ),
    "redrawn-weights": Fault(
        ("foreign-change",), range(1448, 1458), is_in_a_layer=True, is_one_step=True, is_quiet=True
    ),
    "raised-momentum": Fault(("growing-steps",), range(1460, 1470), is_quiet=True),
    "noise-gradient": Fault(("noise-gradient",), range(1472, 1482), is_in_a_layer=True, is_quiet=True),
    "gradient-burst": Fault(("exploding-gradient",), range(1870, 1880), is_in_a_layer=True, is_one_step=True),
    "large-rate": Fault(("oversized-update",), range(1880, 1890), is_early=True, settings={"lr": 50 * RATE}),
    "tiny-rate": Fault(("tiny-steps",), range(1890, 1900), is_early=True, settings={"lr": 1e-5 * RATE}),
    "random-labels": Fault(("uninformative-labels",), range(1900, 1910), is_early=True),
    "summed-gradient": Fault(("summed-gradient",), range(1910, 1920), is_early=True),
    "divided-gradient": Fault(("faint-gradient",), range(1970, 1980), is_early=True, is_quiet=True),
    "softmax-twice": Fault(("faint-gradient",), range(1982, 1992), is_early=True, is_quiet=True),
    "wrong-sign": Fault(("wrong-sign",), range(1960, 1970), is_early=True),
    "growing-weights": Fault(("parameter-drift",), range(1920, 1930), is_in_a_layer=True),
    "equal-weights": Fault(
        ("equal-units",), range(1940, 1950), is_in_a_layer=True, is_dense=True, is_early=True, is_quiet=True
    ),
    "accumulated-gradient": Fault(
        ("accumulated-gradient",), range(1950, 1960), is_early=True, is_quiet=True, settings={"lr": RATE / 20}
    ),
}
FAULTS = tuple(name for name, fault in DECLARED.items() if not fault.is_quiet)
# Faults that may leave a run alive. The detector has to report them whatever the verdict.
QUIET_FAULTS = tuple(name for name, fault in DECLARED.items() if fault.is_quiet)


@dataclass(frozen=True)
class Truth:
    """The injected fault: the first step whose row is bad, the layer, and the mechanisms that count as right."""

    fault: str
    step: int
    layer: str | None
    mechanisms: tuple[str, ...]
    is_one_step: bool


# The layer to which a fault of the data belongs.
_DATA_LAYER = {"nan-batch": "input", "unscaled-input": "input"}


@dataclass(frozen=True)
class Injected:
    """A healthy setting and the fault to inject; the seed decides everything else."""

    fault: str
    settings: Settings
    at: int
    layer: str | None

    @property
    def truth(self) -> Truth:
        """The label of the run."""
        declared = DECLARED[self.fault]
        layer = _DATA_LAYER.get(self.fault, self.layer)
        return Truth(self.fault, self.at + declared.delay, layer, declared.mechanisms, declared.is_one_step)


def injected(fault: str, seed: int) -> Injected:
    """The fault of a seed: network, layer and step are drawn from it."""
    declared = DECLARED[fault]
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7,)))
    network = str(generator.choice(list(HIDDEN)))
    layer = str(generator.choice(HIDDEN[network]))
    at = int(generator.integers(120, 300))
    if declared.is_dense:
        layer = str(generator.choice(DENSE))
    settings = Settings(**{"network": network, "lr": RATE, "epochs": 1, "seed": seed, **(declared.settings or {})})
    return Injected(fault, settings, 0 if declared.is_early else at, layer if declared.is_in_a_layer else None)
