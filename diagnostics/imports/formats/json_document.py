"""A JSON document: a list of objects, or lists by the names of metrics, such as Keras' ``History.history``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from diagnostics.imports.columns import is_epoch, is_loss, is_step
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.json_series import counted_records, series_in
from diagnostics.imports.formats.listed import as_list
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import metrics_of_table, of_records

OF_PYTHON = re.compile(r"\s*\{\s*'[^'\n]*':\s*\[")
IN_JSON = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"\b(?:np|numpy)\.float\d*\(([^()]*)\)", r"\1"), (r"\bnan\b", "NaN"), (r"\binf\b", "Infinity"),
        (r"\bNone\b", "null"), (r"\bTrue\b", "true"), (r"\bFalse\b", "false"), ("'", '"'),
    )
)  # fmt: skip
"""How Python writes values that JSON writes otherwise."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins like a JSON object or a list of them; a log of text may begin with a time in brackets.

    So does the text of a Python dictionary with a list, as ``print(history.history)`` writes it.
    """
    start = text_of(head)
    return any(re.match(form, start) for form in (r"\s*(?:\{\s*(?:[\"}]|$)|\[\s*(?:[{\]]|$))", OF_PYTHON))


def read(path: Path) -> list[LoggedMetrics]:
    """The run in a document. Lists by name without steps hold one mean an epoch, as Keras' histories do."""
    text = text_of(content(path))
    document = json.loads(_in_json(text) if OF_PYTHON.match(text) else text)
    if isinstance(document, list):
        named = {str(one["name"]): one for one in document if isinstance(one, Mapping) and "name" in one}
        if series := dict(series_in(named)):
            return [LoggedMetrics(series)]
        return of_records([one for one in document if isinstance(one, Mapping)])
    if not isinstance(document, Mapping):
        raise ValueError("is JSON, but neither a list of objects nor an object with lists")
    if records := counted_records(document) or _records(document):
        return of_records(records)
    series, lists = dict(series_in(document)), dict(_lists(document))
    if any(map(is_loss, series)) or (series and not any(map(is_loss, lists))):
        return [LoggedMetrics(series)]
    if not lists:
        raise ValueError("is an object without lists, as the summary of a run; expected one list of numbers a metric")
    if all(is_step(name) or is_epoch(name) for name in lists):
        raise ValueError(f"has no list but {', '.join(lists)}; expected one list of numbers a metric, such as loss")
    columns: dict[str, Any] = {
        name: pd.Series(["nan" if one != one else one for one in values], dtype=object)
        for name, values in lists.items()
    }
    if not any(map(is_step, columns)):
        columns.setdefault("epoch", pd.Series(range(1, 1 + max(map(len, lists.values())))))
        return metrics_of_table(pd.DataFrame(columns), rows="means")
    return metrics_of_table(pd.DataFrame(columns))


def _in_json(text: str) -> str:
    """The text of a Python dictionary as JSON."""
    for pattern, words in IN_JSON:
        text = pattern.sub(words, text)
    return text


def _records(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects in the list whose first one has a loss, as in {"history": [{"epoch": 1, "loss": 2.3}, ...]}.

    If several lists have losses, as in {"train": [...], "val": [...]}, the name of its list stands before each metric.
    If none has, they are those of the only list of objects. None where there are several, or no objects.
    """
    lists = {name: [one for one in items if isinstance(one, Mapping)] for name, items in _lists(document)}
    objects = {name: items for name, items in lists.items() if items}
    with_losses = {name: items for name, items in objects.items() if any(map(is_loss, items[0]))}
    if len(with_losses) < 2:
        found = list((with_losses or objects).values())
        return found[0] if len(found) == 1 else []
    return [
        {key if is_step(key) or is_epoch(key) else f"{name}/{key}": value for key, value in one.items()}
        for name, items in with_losses.items()
        for one in items
    ]


def _lists(document: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, list[Any]]]:
    """The lists by their names, those of objects in it joined by "/"; "history" before a name says nothing."""
    for name, value in document.items():
        if (items := as_list(value)) is not None:
            yield f"{before}{name}", items
        elif isinstance(value, Mapping):
            yield from _lists(value, before if name == "history" else f"{before}{name}/")


FORMAT = ImportFormat("JSON", recognises, read)
