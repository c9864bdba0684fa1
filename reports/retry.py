"""The command line that tries a remedy: the run's own settings with the remedy's options put in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*(?:[ =](?!--)(?:[0-9.][0-9.e+-]*[0-9]|[0-9]|[a-z][a-z0-9-]*))?")
FLAGS = {"shuffle", "nesterov"}
FROM_RUN = ("threads",)


def options_in(remedy: str) -> dict[str, str | bool]:
    """The options a remedy names, such as ``{"lr": "0.1"}`` in "a smaller step: --lr 0.1"."""
    found: dict[str, str | bool] = {}
    for match in OPTION.findall(remedy):
        name, _, value = match.replace("=", " ").removeprefix("--").partition(" ")
        if name in FLAGS or name.removeprefix("no-") in FLAGS:
            found[name.removeprefix("no-").replace("-", "_")] = not name.startswith("no-")
        elif value:
            found[name.replace("-", "_")] = value
    return found


def command_for(settings: Mapping[str, Any], remedy: str) -> str | None:
    """``lenet-diag train`` with the run's settings and the remedy's; None where it names no option.

    Only settings that differ from the defaults of ``train`` are written, and
    the seed always, since the remedy is to be tried on the same run.
    """
    from lenet.settings import Settings

    changes = options_in(remedy)
    if not changes or not settings:
        return None
    defaults = Settings().to_dict()
    merged = {**settings, **changes}
    parts = ["lenet-diag", "train"]
    for name, default in defaults.items():
        value = merged.get(name, default)
        if name in FROM_RUN or value is None or (value == default and name != "seed" and name not in changes):
            continue
        option = "--" + name.replace("_", "-")
        if name in FLAGS:
            parts.append(option if value else option.replace("--", "--no-", 1))
        else:
            parts += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(parts)
