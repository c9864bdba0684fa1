"""The report's table again: five networks, with k of n defect runs, beside the author's own figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import adjust
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import AUTHOR_RUNS, EXACT, REPORT, preset
from diagnostics.study.results import comparisons_of, groups_of
from reports.results import pictures
from reports.results.markdown import (
    arrows,
    how_made,
    join,
    rate_cell,
    runs_file,
    settings_words,
    share,
    status,
    table,
)
from reports.text.numbers import seconds


@dataclass(frozen=True)
class Author:
    """One line of the report's table, as printed there."""

    title: str
    step: str
    epoch: str
    training: str
    validation: str
    total: str
    accuracy: tuple[int, int, int]
    overall: int


AUTHOR = {
    "feedforward": Author("FeedForward", "0.00 s", "0.75 s", "2.25 s", "0.03 s", "2.28 s", (88, 95, 97), 95),
    "conv": Author("Convolution (single)", "0.15 s", "1.16 min", "3.5 min", "4.98 s", "3.55 min", (86, 95, 97), 96),
    "conv2": Author("Convolution (double)", "1.2–2 s", "9–17 min", "35 min", "28 s", "35.4 min", (70, 85, 94), 91),
    "conv-pool": Author("Convolution + pooling (single)", "1–3.5 s", "8–15 min", "30 min", "42.23 s", "31 min",
                        (85, 94, 96), 92),
    "lenet": Author("Convolution + pooling (double)", "2.39 s", "21.86 min", "1.09 h", "2.4 min", "1.1 h",
                    (49, 72, 84), 81),
}  # fmt: skip


def page(plan: StudyPlan, loaded: Loaded, folder: Path, target: Path) -> str:
    """The page, from the runs in the study's folder."""
    groups = {group.label: group for group in groups_of(plan, loaded.runs)}
    return join(
        "# The report's table, run again",
        f"{preset('report-table').question} Five networks, {settings_words(plan)}; with a "
        "correct convolution (exact) and with the report's own arithmetic.",
        status(plan, loaded),
        "## Accuracy from epoch to epoch",
        table(["network", "whose", "times ran", "defect runs (95 %)", "epochs, all runs", "epochs, survivors",
               "validation, all", "validation, survivors"], _accuracy_rows(groups)),
        pictures.rates(list(groups.values()), target),
        "The author gives one \"total\" accuracy a network, which stands under \"validation, all\"; whether he left "
        "out runs is not known.",
        _words(groups),
        _convolutions(plan, list(groups.values())),
        "## Time",
        table(["network", "whose", "step", "epoch", "training", "validation", "total"], _time_rows(groups)),
        "Means over all runs that did not crash; validation is one pass over 10,000 images. "
        "The author's machine is not known; one step of his lenet takes "
        "3.4 to 4.2 s on a 2-core x86-64 machine.",
        how_made(plan, loaded, runs_file(target).name),
    )  # fmt: skip


def arms_of(network: str, groups: dict[str, Group]) -> list[tuple[str, Group]]:
    """The arms of one network that have runs, each with what to call it."""
    labels = [("ours", network), ("ours, exact", f"{network}, {EXACT}"), ("ours, report's", f"{network}, {REPORT}")]
    return [(whose, groups[label]) for whose, label in labels if label in groups]


def _accuracy_rows(groups: dict[str, Group]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for network, author in AUTHOR.items():
        rows.append((network, "the author", str(AUTHOR_RUNS[network]), "not counted",
                     " → ".join(map(str, author.accuracy)) + " %", "–", f"{author.overall} %", "–"))  # fmt: skip
        for whose, g in arms_of(network, groups):
            rows.append((network, whose, str(len(g.runs)), rate_cell(g), arrows(g.all.epoch_accuracy),
                         arrows(g.survivors.epoch_accuracy), share(g.all.validation_accuracy),
                         share(g.survivors.validation_accuracy)))  # fmt: skip
    return rows


def _time_rows(groups: dict[str, Group]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for network, a in AUTHOR.items():
        rows.append((network, "the author", a.step, a.epoch, a.training, a.validation, a.total))
        for whose, g in arms_of(network, groups):
            times = (g.all.step_seconds, g.all.epoch_seconds, g.all.training_seconds,
                     g.all.validation_seconds, g.all.total_seconds)  # fmt: skip
            rows.append((network, whose, *(seconds(time.mean) for time in times)))
    return rows


def _words(groups: dict[str, Group]) -> str:
    """Each network in a sentence: how far our epochs are from his, and what leaving out would change."""
    lines = ["Points above (+) or below (-) his figures, epoch by epoch:", ""]
    for network, author in AUTHOR.items():
        for whose, group in arms_of(network, groups):
            near = _distance(author, group)
            moved = sensitivity(group)
            if near:
                lines.append(f"- {network}, {whose}: {near}" + (f"; validation accuracy: {moved}." if moved else "."))
    return "\n".join(lines)


def _convolutions(plan: StudyPlan, groups: Sequence[Group]) -> str | None:
    """The report's convolution against the exact one in each network that has both."""
    made = [c for c in comparisons_of(plan, groups) if c.p is not None]
    adjusted = adjust([c.p for c in made if c.p is not None])
    lines = [
        f"- {c.control.label.removesuffix(f', {EXACT}')}: {replace(c, adjusted_p=p).words}"
        for c, p in zip(made, adjusted, strict=True)
    ]
    if not lines:
        return None
    return "Does the report's convolution kill fewer runs than the exact one, or more?\n\n" + "\n".join(lines)


def _distance(author: Author, group: Group) -> str | None:
    """The differences to the author's epochs, over all runs and over survivors."""
    parts = []
    for name, metrics in ((f"means over all {len(group.kept)} runs", group.all), ("over survivors", group.survivors)):
        ours = [m.mean for m in metrics.epoch_accuracy]
        if len(ours) == len(author.accuracy) and all(mean is not None for mean in ours):
            gaps = [100 * (mean or 0) - his for mean, his in zip(ours, author.accuracy, strict=True)]
            parts.append(f"{name} {', '.join(f'{gap:+.0f}' for gap in gaps)}")
    return "; ".join(parts) or None
