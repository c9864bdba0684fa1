"""Changes that give a checkpoint members which no checkpoint has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

Change = Callable[[dict[str, np.ndarray[Any, Any]]], None]


def about(**values: Any) -> Change:
    def change(members: dict[str, np.ndarray[Any, Any]]) -> None:
        known = json.loads(str(members["about"]))
        members["about"] = np.array(json.dumps({**known, **values}))

    return change


def progress(**values: Any) -> Change:
    def change(members: dict[str, np.ndarray[Any, Any]]) -> None:
        known = json.loads(str(members["about"]))
        members["about"] = np.array(json.dumps({**known, "progress": {**known["progress"], **values}}))

    return change


def member(name: str, value: Any) -> Change:
    return lambda members: members.update({name: np.asarray(value)})


def without(name: str) -> Change:
    def change(members: dict[str, np.ndarray[Any, Any]]) -> None:
        del members[name]

    return change


MALFORMED: dict[str, Change] = {
    **{
        f"without {name}": without(name)
        for name in (
            "parameters",
            "about",
            "recorder/streak",
            "recorder/steps",
            "recorder/snapshots",
            "optimizer/velocity",
        )
    },
    "parameters of one number": member("parameters", 1.0),
    "parameters of text": member("parameters", "none"),
    "parameters of whole numbers": member("parameters", np.arange(10)),
    "parameters of dates": member("parameters", np.array(["2020-01-01"], "datetime64[D]")),
    "streak of another length": member("recorder/streak", np.arange(3)),
    "streak of text": member("recorder/streak", ["a"]),
    "steps of one number": member("recorder/steps", [1]),
    "steps of text": member("recorder/steps", ["a", "b"]),
    "steps infinite": member("recorder/steps", [np.inf, np.nan]),
    "snapshots of three": member("recorder/snapshots", [1, 2, 3]),
    "another run": member("recorder/run_id", "x"),
    "about no JSON": member("about", "{"),
    "about a list": member("about", "[]"),
    "about nested": member("about", "[" * 100_000),
    "about a number": member("about", 3),
    "another version": about(version=99),
    "version a list": about(version=[2]),
    "network of another form": about(network=[1, 2]),
    "network nothing": about(network=[]),
    "layers of another form": about(layers=[1, [2]]),
    "optimizer unknown": about(optimizer="OptimizerMagic"),
    "iterations text": about(iterations="3"),
    "progress a list": about(progress=[1]),
    "progress nothing": about(progress={}),
    "step text": progress(step="14"),
    "step negative": progress(step=-14),
    "step broken": progress(step=1.5),
    "step elsewhere": progress(step=9),
    "shuffle a number": progress(shuffle=1),
    "samples nothing": progress(samples=None),
    "more progress": progress(mood="good"),
}
