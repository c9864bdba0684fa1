"""Makes the command line that tries a suggestion.

The options and their values depend on the settings of the run. The values are starting points.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from diagnostics.detect.remedies import Suggestion
from lenet.settings import shown_setting
from reports.text.command_line import flags
from reports.text.numbers import plain

NOT_REPEATED = ("threads",)


def in_place_of(settings: Mapping[str, Any], suggestion: Suggestion) -> str:
    """What a suggestion sets, and what the run had: "learning rate 0.1 in place of 0.5"; "" where it had nothing."""
    changed = suggestion.changed(settings) if settings else {}
    told = []
    for name, value in changed.items():
        before = settings.get(name)
        if before not in (None, 0, "none", value) and value is not None:
            words = "learning rate" if name == "lr" else name.replace("_", " ")
            told.append(f"{words} {plain(shown_setting(name, value))} in place of {plain(shown_setting(name, before))}")
    return ", ".join(told)


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
