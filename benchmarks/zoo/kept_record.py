"""Writes the counts of the zoo for the rules, in the form that they keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.zoo.numbers import share
from diagnostics.detect.early_warnings import PLATEAU


def kept_record(numbers: Mapping[str, Any]) -> str:
    """The counts that :mod:`diagnostics.detect.track_record` reads, as JSON."""
    plateau = numbers["signs"].get(PLATEAU, share(0, 0))
    stopped = numbers["stopping"]["all"]
    kept = {
        "source": f"zoo, {numbers['part']}-{numbers['round']}, judged at commit {numbers['commit']}",
        "stopping": {"k": stopped["k"], "n": stopped["n"], "at_most": (stopped["interval"] or (0, 1))[1]},
        "plateau": {"k": plateau["n"] - plateau["k"], "n": plateau["n"]},
        "rules": numbers["rules"],
        "settings": numbers["settings"],
    }
    tables = {key: value for key, value in kept.items() if isinstance(value, dict)}
    lines = [f' "source": {json.dumps(kept["source"])}']
    for key, table in tables.items():
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in table.items())
        lines.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
