"""Groups runs into arms: the runs of one arm differ in nothing but the seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from diagnostics.arguments import expect_several
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from lenet.settings import shown_setting

NOT_AN_ARM = ("seed", "threads", "derived_gradients", "divided_gradients")
"""In what the runs of one arm may differ. The number of threads changes times and nothing else. Which gradients were
derived from the updates says how a run was recorded, not how it was trained."""


def arm_key(settings: Mapping[str, Any]) -> str:
    """The settings that all runs of an arm share, as one text that does not depend on their order."""
    kept = {name: value for name, value in settings.items() if name not in NOT_AN_ARM}
    return json.dumps(kept, sort_keys=True, default=str)


def group_runs(
    runs: Sequence[RunSummary], labels: Mapping[str, str] | None = None, exclude_defect_steps: bool = False
) -> list[Group]:
    """Groups of runs with equal settings, in order of appearance, each with its runs in order of their seeds.

    Args:
        runs: the summaries.
        labels: the label of each arm by its :func:`arm_key`, in the order wanted. An arm that is not
            among them is labelled by the settings in which it differs from the others. None (default) labels all so.
        exclude_defect_steps: whether step and epoch figures leave out defect iterations; default False.

    Raises:
        TypeError: ``runs`` is no list of summaries.
    """
    runs = expect_several("runs", runs, "summaries, as load_summaries(paths).runs holds them", RunSummary)
    by_key: dict[str, list[RunSummary]] = {key: [] for key in labels or {}}
    for run in runs:
        by_key.setdefault(arm_key(run.arm), []).append(run)
    by_key = {key: members for key, members in by_key.items() if members}
    named = {**_labels([members[0].arm for members in by_key.values()]), **(labels or {})}
    return [
        Group(named[key], tuple(sorted(members, key=_seed_and_name)), exclude_defect_steps)
        for key, members in by_key.items()
    ]


def _seed_and_name(run: RunSummary) -> tuple[bool, int, str]:
    return run.seed is None, run.seed or 0, run.name


def _labels(arms: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A label for each arm: the network, then the settings in which the arms differ."""
    names = list(dict.fromkeys(name for arm in arms for name in arm if name not in NOT_AN_ARM))
    differing = [n for n in names if len({json.dumps(a.get(n), default=str) for a in arms}) > 1]
    labels = {}
    for arm in arms:
        parts = [str(arm["network"])] if arm.get("network") is not None else []
        parts += [f"{n}={_value(n, arm.get(n))}" for n in differing if n != "network"]
        labels[arm_key(arm)] = " ".join(parts) or "all runs"
    return labels


def _value(name: str, value: Any) -> str:
    """A setting in a label, as people see it; a mapping or a list, such as the layers of a model, as a short hash.

    A list of what a log does not have is short enough to read.
    """
    if name == "not_recorded" and isinstance(value, list | tuple):
        return "+".join(map(str, value))
    if isinstance(value, Mapping | list | tuple):
        return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:6]
    if isinstance(value, float):
        value = float(f"{value:.12g}")  # 0.02 for a 0.020000000000000004 that was computed
    return "default" if value is None else str(shown_setting(name, value))
