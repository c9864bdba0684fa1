"""Keeps the judged runs of a round in a file, so that a build may be spread over days, and its logs removed.

Every run is judged once. The rules must not change within a round.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.zoo.judged import JudgedRun
from diagnostics.files import write_text


def read_kept(path: Path | None) -> list[JudgedRun]:
    """The runs of the file; none where there is no file yet."""
    if path is None or not path.exists():
        return []
    return [JudgedRun.from_json(kept) for kept in json.loads(path.read_text(encoding="utf-8"))]


def write_kept(path: Path, runs: Sequence[JudgedRun]) -> None:
    """Write the runs in the order of their names, a line each. A program that is killed leaves the old file."""
    lines = ",\n".join(json.dumps(one.as_json()) for one in sorted(runs, key=lambda one: one.name))
    write_text(path, f"[\n{lines}\n]\n")
