"""A JSON document: a list of objects, or lists by the names of metrics, such as Keras' ``History.history``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from diagnostics.imports.columns import is_step
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import metrics_of_table, of_records


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file begins like a JSON object or a list of them; a log of text may begin with a time in brackets."""
    return re.match(r"\s*(?:\{|\[\s*(?:[{\]]|$))", text_of(head)) is not None


def read(path: Path) -> list[LoggedMetrics]:
    """The run in a document. Lists by name without steps hold one mean an epoch, as Keras' histories do."""
    document = json.loads(text_of(content(path)))
    if isinstance(document, list):
        return of_records([one for one in document if isinstance(one, Mapping)])
    if not isinstance(document, Mapping):
        raise ValueError("is JSON, but neither a list of objects nor an object with lists")
    lists = {str(name): value for name, value in document.items() if isinstance(value, list)}
    if not lists:
        raise ValueError("is a JSON object without lists; expected one list of numbers a metric")
    columns: dict[str, Any] = {
        name: pd.Series(["nan" if one != one else one for one in values], dtype=object)
        for name, values in lists.items()
    }
    if not any(map(is_step, columns)):
        columns.setdefault("epoch", pd.Series(range(1, 1 + max(map(len, lists.values())))))
        return metrics_of_table(pd.DataFrame(columns), rows="means")
    return metrics_of_table(pd.DataFrame(columns))


FORMAT = ImportFormat("JSON", recognises, read)
