"""Runs of the zoo as the detector judged them, made up."""

from __future__ import annotations

from benchmarks.zoo.judged import JudgedRun


def judged(name="natural-lenet-20000", group="natural", accuracies=(0.95,), verdict="healthy", **changes):
    told = {
        "network": "lenet",
        "convolution": "exact",
        "steps": 469,
        "truth": None,
        "onset": None,
        "confirmed": None,
        "stretches": (),
        "cause": None,
        "warned": (),
    }
    return JudgedRun(name=name, group=group, accuracies=tuple(accuracies), verdict=verdict, **{**told, **changes})
