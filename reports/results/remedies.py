"""The page of the remedies: every arm against the control of its convolution, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from diagnostics.statistics.comparison import LEVEL, Comparison
from diagnostics.statistics.group import Group
from diagnostics.statistics.intervals import mcnemar
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import CONTROL, REMEDIES, REPORT, REPORT_CONTROL
from diagnostics.study.results import comparisons_of
from lenet.settings import Settings
from reports.figures.rates import rates_figure
from reports.figures.survival import death_step
from reports.results.cells import arrows, defect_rate, p_value, points, rate_and_rest, rates_words, share
from reports.results.study_numbers import Numbers, arm_numbers
from reports.text.numbers import NONE

IDEAS = {"Reducing the learning rate as training progresses": {"lr_decay"}, "Regularisation (L1, L2)": {"l1", "l2"}}
"""The author's two ideas, with the settings that try them."""
SAMPLES = 60_000
"""The number of training images of MNIST."""


def numbers(plan: StudyPlan, groups: Sequence[Group], folder: Path | None = None) -> Numbers:
    """The numbers of the page, from the arms of the study."""
    families = families_of(plan, groups)
    exact = next((one for one in families if not one["is_report"]), None)
    made = exact["arms"] if exact else []
    dead = [run for group in groups if group.label == CONTROL for run in group.runs if run.is_defect]
    return {
        "families": families,
        "lowered": _lowered(plan, [arm["label"] for arm in made], [death_step(run) for run in dead]),
        "needed": _needed(made),
    }


def figures(groups: Sequence[Group], folder: Path) -> dict[str, Figure | None]:
    """Defect rates of the arms with their intervals."""
    return {"defect-rates": rates_figure(groups)}


def families_of(plan: StudyPlan, groups: Sequence[Group]) -> list[Numbers]:
    """For each convolution the control, and its arms with their comparisons."""
    by_label = {group.label: group for group in groups}
    made = comparisons_of(plan, groups)
    return [
        {
            "is_report": label == REPORT_CONTROL,
            "control": arm_numbers(by_label[label]),
            "arms": [_arm(c) for c in made if c.control.label == label],
        }
        for label in (CONTROL, REPORT_CONTROL)
        if label in by_label
    ]


def prepare(numbers: Numbers) -> dict[str, Any]:
    """What the template prints."""
    families = numbers["families"]
    every = [arm for family in families for arm in family["arms"]]
    return {
        "study": numbers["study"],
        "level": LEVEL,
        "families": [answered(family) for family in families if family["arms"]],
        "tables": {one["is_report"]: [_row(one["control"]), *map(_row, one["arms"])] for one in families},
        "ideas": [
            _idea(idea, [arm for arm in every if arm["label"] in _arms_that_set(settings)])
            for idea, settings in IDEAS.items()
        ],
        "lowered": numbers["lowered"],
        "needed": numbers["needed"],
        **rates_words([arm for family in families for arm in (family["control"], *family["arms"])]),
    }


def answered(family: Numbers) -> dict[str, Any]:
    """The arms of one convolution by their answer: those that help, hurt, or neither; the clearest first."""
    by_effect: dict[str, list[dict[str, Any]]] = {"helps": [], "hurts": [], "not shown": []}
    for arm in sorted(family["arms"], key=lambda arm: arm["comparison"]["adjusted_p"] or 0.0):
        comparison = arm["comparison"]
        if comparison["effect"] in by_effect:
            cost = comparison["accuracy_cost"]["mean"]
            by_effect[comparison["effect"]].append(
                {
                    "name": arm["label"].removesuffix(f", {REPORT}"),
                    "rate": defect_rate(arm),
                    "defect_runs": arm["defect_runs"],
                    "judged": arm["judged"],
                    "cost": None if cost is None else points(cost, comparison["accuracy_cost_interval"], 1),
                    "alive_in_both": comparison["accuracy_cost"]["n"],
                }
            )
    judged = sorted({arm["judged"] for arm in by_effect["not shown"]})
    return {
        "is_report": family["is_report"],
        "control_rate": defect_rate(family["control"]),
        "helps": by_effect["helps"],
        "hurts": by_effect["hurts"],
        "not_shown": by_effect["not shown"],
        "not_shown_n": " to ".join(map(str, dict.fromkeys((judged[0], judged[-1])))) if judged else "",
    }


def _arm(c: Comparison) -> Numbers:
    """The numbers of an arm and of its comparison with the control; the template words them."""
    comparison = {name: value for name, value in c.to_json().items() if name != "words"}
    return {**arm_numbers(c.arm), "comparison": comparison}


def _arms_that_set(names: Set[str]) -> list[str]:
    """The arms of the preset that change one of these settings."""
    return [label for label, changes, _, _ in REMEDIES.arms if names & changes.keys()]


def _idea(idea: str, arms: Sequence[Numbers]) -> dict[str, Any]:
    """One of the author's two ideas, with the answers of the arms that try it."""
    by_effect = {
        effect: [a["label"] for a in arms if a["comparison"]["effect"] == effect] for effect in ("helps", "hurts")
    }
    lows = [arm["comparison"]["interval"][0] for arm in arms]
    return {
        "idea": idea,
        "arms": len(arms),
        **by_effect,
        "most_fewer": f"{max((-100 * low for low in lows if low is not None), default=0.0):.0f}",
    }


def _lowered(plan: StudyPlan, labels: Sequence[str], deaths: Sequence[int]) -> Numbers | None:
    """How far each decay had lowered the learning rate when the last of the control's defect runs died."""
    settings = {arm.label: Settings(**arm.settings) for arm in plan.arms}
    decays = [label for label in labels if label in settings and settings[label].lr_decay != "none"]
    if not deaths or not decays:
        return None
    last = max(deaths)
    schedules = {label: settings[label].build_optimizer(settings[label].limit or SAMPLES).schedule for label in decays}
    return {"step": last, "dead": len(deaths), "by": {label: 1 - schedules[label](last) for label in decays}}


def _needed(arms: Sequence[Numbers]) -> Numbers | None:
    """The number of seeds that an arm has to save to be shown to help, where it loses none."""
    pairs = arms[0]["comparison"]["pairs"] if arms else 0
    if not pairs:
        return None
    if_all_help = next(k for k in range(1, 1000) if mcnemar(k, 0) < LEVEL)
    if_alone = next(k for k in range(1, 1000) if mcnemar(k, 0) * len(arms) < LEVEL)
    return {"pairs": pairs, "arms": len(arms), "if_all_help": if_all_help, "if_alone": if_alone}


def _row(arm: Numbers) -> Sequence[str]:
    """One line of the table; the control has no comparison."""
    c = arm.get("comparison")
    own = (
        arrows(arm["survivors"]["epoch_accuracy"]),
        share(arm["all"]["validation_accuracy"]),
        share(arm["survivors"]["validation_accuracy"]),
    )
    first = (arm["label"], rate_and_rest(arm))
    if c is None:
        return (*first, *[NONE] * 4, str(arm["recovered"]), *own, NONE, "control")
    saved, lost = (str(c[what]) if c["pairs"] else NONE for what in ("saved", "lost"))
    difference, cost = (
        points(c["difference"], c["interval"], 0),
        points(c["accuracy_cost"]["mean"], c["accuracy_cost_interval"], 2),
    )
    return (*first, difference, saved, lost, p_value(c["adjusted_p"]), str(arm["recovered"]), *own, cost, c["effect"])
