"""Metrics in JSON that have a step beside each value, and objects that are called by their step or their epoch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from diagnostics.imports.metrics import MetricSeries, SeriesBuilder

LISTS = (("steps", "values"), ("step", "value"), ("x", "y"))
"""The names of the steps and the values of a metric: of Sacred, of people, and of charts as ClearML exports them."""
COUNTED = re.compile(r"(?P<counter>epoch|step|iter|iteration)?[ _-]?(?P<number>\d{1,15})", re.IGNORECASE)
LEAST_STEPS = 2


def series_in(document: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, MetricSeries]]:
    """The metrics that have steps: two lists, an object of values by their steps, or a list of pairs.

    document: the object. before: the names of those around it, with "/" behind each.
    """
    for key, value in document.items():
        name = f"{before}{key}"
        if pairs := _pairs(value):
            series = SeriesBuilder()
            for step, number in pairs:
                series.add(name, number, step)
            yield from series.build().items()
        elif isinstance(value, Mapping):
            yield from series_in(value, f"{name}/")


def counted_records(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects of a document whose keys are steps or epochs, such as {"epoch_1": {"loss": 2.3}}, with these.

    Keys that are numbers alone are steps. [] for a document with other keys.
    """
    if not are_counted(document) or not all(isinstance(value, Mapping) for value in document.values()):
        return []
    keys = [key for key in map(COUNTED.fullmatch, document) if key is not None]
    return [
        {"epoch" if (key["counter"] or "").lower() == "epoch" else "step": int(key["number"]), **value}
        for key, value in zip(keys, document.values(), strict=True)
    ]


def are_counted(keys: Iterable[str]) -> bool:
    """Whether two keys or more are all steps or epochs, such as "100" or "epoch_1"."""
    keys = list(keys)
    return len(keys) >= LEAST_STEPS and all(map(COUNTED.fullmatch, keys))


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    """Step and value of each entry of a metric; [] for what is none."""
    if isinstance(value, list):
        is_paired = len(value) >= LEAST_STEPS and all(isinstance(one, list) and len(one) == 2 for one in value)
        return [(step, number) for step, number in value] if is_paired else []
    if not isinstance(value, Mapping):
        return []
    for steps, values in LISTS:
        if isinstance(value.get(steps), list) and isinstance(value.get(values), list):
            return list(zip(value[steps], value[values], strict=False))
    are_steps = len(value) >= LEAST_STEPS and all(key.isdecimal() for key in value)
    have_numbers = not any(isinstance(one, list | Mapping) for one in value.values())
    return list(value.items()) if are_steps and have_numbers else []
