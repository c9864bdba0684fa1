"""Makes the command line that tries a suggestion.

The options and their values depend on the settings of the run. The values are starting points.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from diagnostics.detect.remedies import Suggestion
from reports.text.command_line import flags

NOT_REPEATED = ("threads",)


def command_for(settings: Mapping[str, Any], suggestion: Suggestion) -> str | None:
    """``lenet-diag train`` with the run's settings and what the suggestion changes.

    None where the run was started from Python, where the remedy is nothing that
    an option changes, or where the run had it already. Only settings that differ
    from the defaults of ``train`` are written, and the seed always, since the
    remedy is to be tried on the same run.
    """
    from lenet.settings import Settings

    changes = suggestion.changed(settings)
    defaults = Settings().to_dict()
    before = {**defaults, **settings}
    if not settings or all(before.get(name) == value for name, value in changes.items()):
        return None
    merged = {**before, **changes}
    parts = ["lenet-diag", "train"]
    for name, default in defaults.items():
        value = merged[name]
        if name not in NOT_REPEATED and (value != default or name == "seed"):
            parts += flags(name, value)
    return shlex.join(parts)
