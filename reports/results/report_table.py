"""The page of the paper's table: five networks, with k of n defect runs, beside the author's own figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import adjust
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import AUTHOR_RUNS, EXACT, REPORT
from diagnostics.study.results import comparisons_of
from reports.figures.rates import rates_figure
from reports.results.cells import arrows, rate_and_rest, rates_words, share
from reports.results.study_numbers import Numbers, arm_numbers
from reports.text.numbers import NONE, seconds

TIMES = ("step_seconds", "epoch_seconds", "training_seconds", "validation_seconds", "total_seconds")


@dataclass(frozen=True)
class Author:
    """One line of the paper's table, as printed there."""

    step: str
    epoch: str
    training: str
    validation: str
    total: str
    accuracy: tuple[int, int, int]
    overall: int


AUTHOR = {
    "feedforward": Author("0.00 s", "0.75 s", "2.25 s", "0.03 s", "2.28 s", (88, 95, 97), 95),
    "conv": Author("0.15 s", "1.16 min", "3.5 min", "4.98 s", "3.55 min", (86, 95, 97), 96),
    "conv2": Author("1.2–2 s", "9–17 min", "35 min", "28 s", "35.4 min", (70, 85, 94), 91),
    "conv-pool": Author("1–3.5 s", "8–15 min", "30 min", "42.23 s", "31 min", (85, 94, 96), 92),
    "lenet": Author("2.39 s", "21.86 min", "1.09 h", "2.4 min", "1.1 h", (49, 72, 84), 81),
}


def numbers(plan: StudyPlan, groups: Sequence[Group], folder: Path | None = None) -> Numbers:
    """The numbers of the page, from the arms of the study."""
    return {
        "arms": [{**arm_numbers(group), "sensitivity": sensitivity(group)} for group in groups],
        "convolutions": _convolutions(plan, groups),
    }


def figures(groups: Sequence[Group], folder: Path) -> dict[str, Figure | None]:
    """Defect rates of the arms with their intervals."""
    return {"defect-rates": rates_figure(groups)}


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints."""
    arms = {arm["label"]: arm for arm in numbers["arms"]}
    beside = [(network, whose, arm) for network in AUTHOR for whose, arm in arms_of(network, arms)]
    distances = [_distance(network, whose, arm) for network, whose, arm in beside]
    return {
        "study": numbers["study"],
        "accuracies": [row for network in AUTHOR for row in (_author_row(network), *_accuracy_rows(network, arms))],
        **rates_words(numbers["arms"]),
        "distances": [one for one in distances if one["gaps"]],
        "convolutions": numbers["convolutions"],
        "times": [row for network in AUTHOR for row in _time_rows(network, arms)],
    }


def arms_of(network: str, arms: dict[str, Numbers]) -> list[tuple[str, Numbers]]:
    """The arms of one network that have runs, each with its name."""
    labels = [("ours", network), ("ours, exact", f"{network}, {EXACT}"), ("ours, paper's", f"{network}, {REPORT}")]
    return [(whose, arms[label]) for whose, label in labels if label in arms]


def _author_row(network: str) -> tuple[str, ...]:
    author = AUTHOR[network]
    epochs = " → ".join(map(str, author.accuracy)) + " %"
    runs = str(AUTHOR_RUNS[network])
    return (network, "the author", runs, "not counted", epochs, NONE, f"{author.overall} %", NONE)


def _accuracy_rows(network: str, arms: dict[str, Numbers]) -> list[tuple[str, ...]]:
    return [
        (
            network,
            whose,
            str(arm["runs"]),
            rate_and_rest(arm),
            arrows(arm["all"]["epoch_accuracy"]),
            arrows(arm["survivors"]["epoch_accuracy"]),
            share(arm["all"]["validation_accuracy"]),
            share(arm["survivors"]["validation_accuracy"]),
        )
        for whose, arm in arms_of(network, arms)
    ]


def _time_rows(network: str, arms: dict[str, Numbers]) -> list[tuple[str, ...]]:
    a = AUTHOR[network]
    author = (network, "the author", a.step, a.epoch, a.training, a.validation, a.total)
    ours = arms_of(network, arms)
    return [author, *((network, whose, *(seconds(arm["all"][t]["mean"]) for t in TIMES)) for whose, arm in ours)]


def _distance(network: str, whose: str, arm: Numbers) -> dict[str, Any]:
    """The differences to the author's epochs in points, over all runs and over survivors."""
    gaps = []
    for of, kept in ((f"means over all {arm['kept']} runs", "all"), ("over survivors", "survivors")):
        ours = [mean["mean"] for mean in arm[kept]["epoch_accuracy"]]
        his = AUTHOR[network].accuracy
        if len(ours) == len(his) and None not in ours:
            gaps.append((of, ", ".join(f"{100 * our - one:+.0f}" for our, one in zip(ours, his, strict=True))))
    return {"network": network, "whose": whose, "gaps": gaps, "sensitivity": arm["sensitivity"]}


def _convolutions(plan: StudyPlan, groups: Sequence[Group]) -> list[tuple[str, str]]:
    """The paper's convolution against the exact one in each network that has both, adjusted for their number."""
    made = [c for c in comparisons_of(plan, groups) if c.p is not None]
    adjusted = adjust([c.p for c in made if c.p is not None])
    return [
        (c.control.label.removesuffix(f", {EXACT}"), replace(c, adjusted_p=p).words)
        for c, p in zip(made, adjusted, strict=True)
    ]
