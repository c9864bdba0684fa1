"""Which remedies save runs, at which cost, and which do not: the answer in words, then the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from diagnostics.statistics.comparison import LEVEL, Comparison
from diagnostics.statistics.group import Group
from diagnostics.statistics.intervals import mcnemar
from diagnostics.statistics.summary_cache import Loaded
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import CONTROL, REPORT, REPORT_CONTROL, preset
from diagnostics.study.results import comparisons_of, groups_of
from lenet.settings import Settings
from reports.figures.survival import death_step
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
from reports.text.numbers import counted
from reports.text.statistics import defect_rate

DECAY, PENALTY = "decay", ("L1", "L2")
EFFECTS = {"helps": "Saves runs", "hurts": "Makes it worse", "not shown": "Not shown to do either"}
SAMPLES = 60_000
"""Training images of MNIST."""


def page(plan: StudyPlan, loaded: Loaded, folder: Path, target: Path) -> str:
    """The page, from the runs in the study's folder."""
    groups = groups_of(plan, loaded.runs)
    made = comparisons_of(plan, groups)
    exact = [c for c in made if c.control.label == CONTROL]
    report = [c for c in made if c.control.label == REPORT_CONTROL]
    by_label = {group.label: group for group in groups}
    return join(
        "# Remedies: what saves a run, and what it costs",
        f"{preset('remedies').question} Every arm adds one remedy to the report's lenet ("
        f"{settings_words(plan)}; momentum and Adam come with a learning rate of their own) and runs the same seeds "
        "as the control.",
        status(plan, loaded),
        "## The answer",
        answer(exact, by_label.get(CONTROL), "With a correct convolution"),
        answer(report, by_label.get(REPORT_CONTROL), "With the report's own convolution"),
        _ideas(made),
        _too_late(plan, exact, by_label.get(CONTROL)),
        _power(exact),
        pictures.rates(groups, target) if groups else None,
        "## With a correct convolution",
        _table(by_label.get(CONTROL), exact),
        "## With the report's convolution",
        _table(by_label.get(REPORT_CONTROL), report),
        "\"Saved\" and \"lost\" count seeds: dead in the control and alive in the arm, and the other way round. p is "
        "McNemar's exact test on those pairs, adjusted for the number of arms with the same convolution (Benjamini, "
        f"Hochberg); an arm \"helps\" or \"hurts\" where the adjusted p is below {LEVEL}, so of the arms said to help "
        f"about {LEVEL:.0%} may not. The interval of the difference is Newcombe's for independent shares; since seeds "
        "are paired the true one may be narrower. The change in accuracy is that of the validation accuracy, in "
        "percentage points, over the seeds that survive in both the arm and the control.",
        how_made(plan, loaded, runs_file(target).name),
    )


def answer(made: Sequence[Comparison], control: Group | None, where: str, brief: bool = False) -> str | None:
    """The answer of one family of arms: which save runs, which kill them, and which are not shown to do either.

    ``brief`` leaves out what they cost.
    """
    if control is None or not made:
        return None
    lines = [f"**{where}** the control loses {defect_rate(control, is_brief=True)}.", ""]
    for effect, words in EFFECTS.items():
        arms = sorted((c for c in made if c.effect == effect), key=lambda c: c.adjusted_p or 0.0)
        if effect == "not shown" and arms:
            fewest, most = (f([c.arm.judged for c in arms]) for f in (min, max))
            words += f" with n = {most}" if fewest == most else f" with n = {fewest} to {most}"
        if brief or not arms:
            listed = "; ".join(f"{_name(c)} ({c.arm.defect_runs} of {c.arm.judged} die)" for c in arms) or "none"
            lines.append(f"- {words}: {listed}.")
        else:
            lines.append(f"- {words}:")
            lines += [f"  - {_name(c)}: {defect_rate(c.arm, is_brief=True)} die{_cost(c)}" for c in arms]
    return "\n".join(lines)


def _name(c: Comparison) -> str:
    return c.arm.label.removesuffix(f", {REPORT}")


def _cost(c: Comparison) -> str:
    """What it costs or brings in accuracy."""
    if c.cost.mean is None:
        return ""
    over = counted(c.cost.n, "seed")
    return f"; accuracy {_points(c.cost.mean, c.cost_interval, 1)} points over the {over} alive in both"


def _ideas(made: Sequence[Comparison]) -> str | None:
    """The author's two ideas, answered by name: a falling learning rate, and regularisation."""
    decay = [c for c in made if DECAY in c.arm.label]
    penalty = [c for c in made if c.arm.label.startswith(PENALTY)]
    parts = [_verdict_on("Reducing the learning rate as training progresses", decay),
             _verdict_on("Regularisation (L1, L2)", penalty)]  # fmt: skip
    answered = [part for part in parts if part]
    return "The author's own two ideas. " + " ".join(answered) if answered else None


def _verdict_on(idea: str, arms: Sequence[Comparison]) -> str | None:
    if not arms:
        return None
    helping, hurting = ([c for c in arms if c.effect == effect] for effect in ("helps", "hurts"))
    words = f"{idea} is shown to help in {len(helping)} of the {len(arms)} arms that try it"
    if helping:
        words += f" ({_names(helping)})"
    words += f", and to hurt in {len(hurting)}" + (f" ({_names(hurting)})" if hurting else "") + "."
    if not helping and not hurting:
        reach = max((-100 * c.interval[0] for c in arms if c.interval), default=0.0)
        words += f" That it does nothing is not shown either: the intervals reach to {reach:.0f} points fewer deaths."
    return words


def _too_late(plan: StudyPlan, made: Sequence[Comparison], control: Group | None) -> str | None:
    """How far each decay had lowered the learning rate when the last of the control's dead runs broke."""
    dead = [death_step(run) for run in control.runs if run.is_defect] if control else []
    settings = {arm.label: Settings(**arm.settings) for arm in plan.arms}
    decays = [c.arm.label for c in made if DECAY in c.arm.label and c.arm.label in settings]
    if not dead or not decays:
        return None
    lowered = (
        f"{1 - settings[label].build_optimizer(settings[label].limit or SAMPLES).schedule(max(dead)):.0%} ({label})"
        for label in decays
    )
    return (
        f"Decay could hardly act: by step {max(dead)}, when the last of the control's {len(dead)} dead runs broke, it "
        f"had lowered the learning rate by {', '.join(lowered)}."
    )


def _names(made: Iterable[Comparison]) -> str:
    return "; ".join(c.arm.label for c in made)


def _power(made: Sequence[Comparison]) -> str | None:
    """What a remedy would have had to do to be called one."""
    if not made or not made[0].pairs:
        return None
    alone = next(k for k in range(1, 1000) if mcnemar(k, 0) < LEVEL)
    strict = next(k for k in range(1, 1000) if mcnemar(k, 0) * len(made) < LEVEL)
    return (f"How sharp this is: with {made[0].pairs} pairs an arm that loses no seed must save {alone} to be shown if "
            f"all arms help, and {strict} if it is the only one of {len(made)}. \"Not shown\" is therefore not "
            "\"does nothing\": the intervals in the table say what is still possible.")  # fmt: skip


def _table(control: Group | None, made: Sequence[Comparison]) -> str | None:
    if control is None:
        return None
    heads = ["arm", "defect runs (95 %)", "difference, points (95 %)", "saved", "lost", "p, adjusted", "recovered",
             "epochs, survivors", "validation, all", "validation, survivors",
             "change in accuracy, points (95 %)", "answer"]  # fmt: skip
    return table(heads, [_row(control, None), *(_row(c.arm, c) for c in made)])


def _row(g: Group, c: Comparison | None) -> Sequence[str]:
    own = (arrows(g.survivors.epoch_accuracy), share(g.all.validation_accuracy), share(g.survivors.validation_accuracy))
    if c is None:
        return (g.label, rate_cell(g), "–", "–", "–", "–", str(g.recovered), *own, "–", "control")
    p = "–" if c.adjusted_p is None else "< 0.001" if c.adjusted_p < 0.001 else f"{c.adjusted_p:.3f}"
    return (g.label, rate_cell(g), _points(c.difference, c.interval, 0), str(c.saved) if c.pairs else "–",
            str(c.lost) if c.pairs else "–", p, str(g.recovered), *own,
            _points(c.cost.mean, c.cost_interval, 2), c.effect)  # fmt: skip


def _points(value: float | None, interval: tuple[float, float] | None, digits: int) -> str:
    if value is None:
        return "–"
    words = f"{100 * value:+.{digits}f}"
    if interval is None:
        return words
    return f"{words} ({100 * interval[0]:+.{digits}f} to {100 * interval[1]:+.{digits}f})"
