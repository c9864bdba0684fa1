"""trackio's databases: SQLite with a table ``metrics`` of JSON objects, a row a call of ``trackio.log``."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import of_records
from lenet.regular_files import open_regular

MAGIC = b"SQLite format 3\0"


def recognises(path: Path, head: bytes) -> bool:
    """Whether the file is an SQLite database."""
    return head.startswith(MAGIC)


def read(path: Path) -> list[LoggedMetrics]:
    """Each run of a database. The database is opened so that nothing is written, not even beside it."""
    os.close(open_regular(path))
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as database:
        database.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "metrics" not in tables:
            raise ValueError("is an SQLite database without the table metrics that trackio writes")
        rows = database.execute("SELECT run_name, step, metrics FROM metrics ORDER BY run_name, id").fetchall()
        configs: dict[str, Any] = {}
        if "configs" in tables:
            with contextlib.suppress(sqlite3.Error):
                configs = dict(database.execute("SELECT run_name, config FROM configs"))
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for run, step, metrics in rows:
        runs.setdefault(str(run), []).append({**_object(metrics), "step": step})
    return [
        LoggedMetrics(one.series, name, _settings(configs.get(name)))
        for name, records in runs.items()
        for one in of_records(records)
    ]


def _settings(text: Any) -> dict[str, Any]:
    return {key: value for key, value in _object(text).items() if not str(key).startswith("_")}


def _object(text: Any) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, Mapping) else {}


FORMAT = ImportFormat("trackio database", recognises, read)
