"""What saves runs, for the page that asks why they die: from the study of remedies that stands beside it."""

from __future__ import annotations

from pathlib import Path

from diagnostics.errors import DiagnosticsError
from diagnostics.statistics.group import Group
from diagnostics.study.presets import CONTROL, REMEDIES, REPORT_CONTROL
from diagnostics.study.results import comparisons_of, groups_of, load_study
from reports.results.markdown import join, status
from reports.results.remedies import answer

LINK = "[remedies](remedies.md)"


def what_saves(folder: Path) -> str:
    """The answer of the remedies in ``folder``, with k of n; where they have not been run, how to run them."""
    try:
        plan, loaded = load_study(folder)
    except DiagnosticsError:
        plan = None
    if plan is None or plan.preset != REMEDIES.name or not loaded.runs:
        return ("That is a study of its own, `lenet-diag study --preset remedies`; where it lies beside this one, its "
                "answer stands here.")  # fmt: skip
    groups: dict[str, Group] = {group.label: group for group in groups_of(plan, loaded.runs)}
    made = comparisons_of(plan, list(groups.values()))
    families = ((CONTROL, "With a correct convolution"), (REPORT_CONTROL, "With the report's own convolution"))
    return join(
        f"That is a study of its own, {LINK}: the same network and seeds, one thing changed in each arm.",
        status(plan, loaded),
        *(
            answer([c for c in made if c.control.label == label], groups.get(label), where, brief=True)
            for label, where in families
        ),
        f"The intervals, and what each costs in accuracy, stand in {LINK}.",
    ).rstrip()
