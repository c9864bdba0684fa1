"""The results of a rescue in words: the counts first, then whether an arm is proven."""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.detect.remedies import Suggestion
from diagnostics.rescue.cost import RemedyCost
from diagnostics.rescue.evidence import LEVEL, PROVEN, most_by_luck
from diagnostics.rescue.plan import CLIP, CONTROL, RATE, RescueArm, RescuePlan
from diagnostics.rescue.results import ArmResult, RescueResult, SingleResult
from diagnostics.rescue.suggested import by_evidence
from diagnostics.statistics.intervals import points_words
from reports.text.numbers import counted, number, percent

WIDTH = 52
NOT_YET = "not run"


def intentions(plan: RescuePlan, seconds: float, jobs: int, done: int = 0) -> str:
    """What a rescue will do and how long that takes, before it begins.

    plan: the plan of the rescue.
    seconds: how long the branches take that are not done.
    jobs: how many are trained at a time.
    done: how many branches are done already; default 0.
    """
    names = list(dict.fromkeys(arm.name for arm in plan.arms if arm.branches))
    known = f", {done} of them done already" if done else ""
    return (
        f"{plan.run}: {len(plan.branches)} branches in {len(names)} arms{known}, remedies from step "
        f"{plan.branch_step} on; about {minutes(seconds)} with {jobs} {'process' if jobs == 1 else 'processes'}\n"
        f"arms: {', '.join(names)}\n"
        f"{fixed_words(plan)}"
    )


def fixed_words(plan: RescuePlan) -> str:
    """What was fixed before the first branch: orders, horizon and test."""
    horizon = "patience plus grace, and at least grace after the death was confirmed"
    if plan.horizon is not None:
        horizon = counted(plan.horizon, "step")
    seeds = f"seeds {plan.seed} to {plan.seed + plan.runs - 1}" if plan.runs > 1 else f"seed {plan.seed}"
    test = ""
    if plan.compared:
        adjustment = f"Holm's adjustment for {counted(len(plan.compared), 'arm')}"
        test = f"; test: McNemar's exact test, {adjustment}, level {LEVEL:g}; {_provable(plan)}"
    return f"fixed beforehand: {counted(plan.runs, 'order')} of the samples an arm ({seeds}); horizon: {horizon}{test}"


def _provable(plan: RescuePlan) -> str:
    """How many branches of the control may live if an arm is to be proven."""
    most = most_by_luck(plan.runs, len(plan.compared))
    if most < 0:
        return f"{counted(plan.runs, 'order')} cannot prove any arm"
    return f"an arm can be proven if at most {most} of {plan.runs} of the control live"


def cost_outlook(runs: int, seconds: float) -> str:
    """How the cost of a proven remedy will be measured, before it is known which remedies are proven.

    runs: orders of the samples.
    seconds: how long one remedy takes.
    """
    return (
        f"then the control and what is proven, with {counted(runs, 'order')} each, to the end of the run, to see what "
        f"it costs in accuracy: about {minutes(seconds)} an arm; --cost-runs 0 leaves that out"
    )


def cost_intentions(trainings: int, steps: int, seconds: float) -> str:
    """What will be trained to the end of the run, and how long that takes, before it begins.

    trainings: how many branches.
    steps: how many steps each makes.
    seconds: how long that takes.
    """
    return (
        f"what it costs in accuracy: {trainings} branches of the control and of what is proven are trained to the end "
        f"of the run, {steps:,} steps each; about {minutes(seconds)}"
    )


def minutes(seconds: float) -> str:
    """A duration, rounded."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def lived(arm: ArmResult | SingleResult) -> str:
    """How many branches of an arm lived."""
    return f"{arm.lived} of {arm.runs} lived"


def arm_title(arm: RescueArm) -> str:
    """What an arm does."""
    return arm.title[0].lower() + arm.title[1:]


def proof(arm: ArmResult, control: ArmResult) -> str:
    """What an arm shows against the control, such as "control 8 of 20; adjusted p 0.002): proven"."""
    if not arm.runs:
        return NOT_YET
    counts = f"control {control.lived} of {control.runs}"
    if arm.evidence is None:
        return f"{counts}; not finished"
    p = arm.evidence.adjusted_p
    value = "below 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.9995 else "1"
    return f"{counts}; adjusted p {value}: {arm.word}"


def headline(result: RescueResult) -> str:
    """The result in two sentences, the counts before the word."""
    control = result.control
    if not control.runs:
        return "No branch of the control is done yet, so nothing can be said."
    luck = f"Without any change {control.lived} of {control.runs} reshuffled orders lived"
    if not result.arms:
        return f"{luck}. No remedy was tried."
    if not result.is_complete:
        return f"{luck}. Nothing is called proven before all branches are done."
    if not result.proven and control.lived > most_by_luck(control.runs, len(result.arms)):
        return (
            f"{luck}. Nothing that was tried is proven to save this run, and nothing can be: {_provable(result.plan)}."
        )
    if not result.proven:
        return f"{luck}. Nothing that was tried is proven to save this run."
    best = result.proven[0]
    others = len(result.proven) - 1
    more = f", and so {'is' if others == 1 else 'are'} {counted(others, 'other arm')}" if others else ""
    return f"{luck}. With {arm_title(best.arm)} {best.lived} of {best.runs} branches lived: proven{more}."


def saved_sentence(result: RescueResult | None) -> str:
    """What would have saved the run, in a sentence with the counts; "" where no rescue has tried it yet.

    While branches are missing, no arm is called proven.
    """
    if result is None or not result.is_complete or not result.arms:
        return ""
    control = f"control {result.control.lived} of {result.control.runs}"
    if not result.proven:
        return f"Nothing that was tried is proven to have saved it ({control} lived)."
    best = result.proven[0]
    title = arm_title(best.arm)
    return f"What would have saved it: with {title} {best.lived} of {best.runs} lived, {control} (proven)."


def proven_words(result: RescueResult) -> str:
    """The counts of the best proven arm, and the other proven remedies with theirs; other doses are left out."""
    best, *others = result.proven
    told = f"{lived(best)}, control {result.control.lived} of {result.control.runs}: proven"
    also = [f"{arm_title(one.arm)}, {one.lived} of {one.runs}" for one in others if one.arm.dose is None]
    return "; ".join([told, *(f"{one}: proven as well" for one in also)])


def rescue_text(result: RescueResult) -> str:
    """The whole result for the terminal."""
    rows = [f"what would have saved it, from step {result.plan.branch_step} on:"]
    for arm in _in_order(result):
        rows += _row(arm_title(arm.arm), f"{lived(arm)}  ({proof(arm, result.control)})")
    if not result.arms:
        rows.append("  no remedy was tried")
    return "\n".join([*rows, "", *lines(result), fixed_words(result.plan)])


def lines(result: RescueResult) -> list[str]:
    """The results besides the remedies: luck, the first link, and the point of no return."""
    found = [f"luck: {luck_sentence(result)}"]
    found += [f"first link: {single_sentence(one)}" for one in result.singles]
    if result.points:
        found.append(f"point of no return: {no_return_sentence(result)}")
    found += [f"what it costs: {cost_sentence(cost)}" for cost in result.costs]
    return found


def cost_sentence(cost: RemedyCost) -> str:
    """The validation accuracy with a remedy at the end of the run, beside that without it where there is one."""
    alive = f"with {arm_title(cost.arm)} {cost.alive} of {cost.runs} are alive at the end of the run"
    if cost.accuracy is None:
        return alive
    told = f"{alive}, validation accuracy {percent(cost.accuracy)}"
    if cost.difference is None:
        return f"{told}; none of these orders is alive there without it, so nothing tells what it costs"
    spread = f" ({points_words(cost.interval, 1)})" if cost.interval is not None else ""
    orders = "1 order that is" if cost.pairs == 1 else f"{cost.pairs} orders that are"
    return f"{told}; {100 * cost.difference:+.1f} points{spread} over the {orders} alive there without it too"


def tried_words(result: RescueResult | None, key: str) -> str:
    """What a rescue has shown of one remedy, as a clause; "" where it was not tried."""
    arm = None if result is None else result.arm_of(key)
    if result is None or arm is None or not arm.runs:
        return ""
    return f"tried on this run: {lived(arm)} ({proof(arm, result.control)})"


def to_try_words(suggestions: Iterable[Suggestion], result: RescueResult | None) -> list[str]:
    """What to try in the order of the evidence, each with what a rescue has shown of it."""
    ordered = by_evidence(suggestions, result)
    return ["; ".join(filter(None, (one.title, tried_words(result, one.remedy.key)))) for one in ordered]


def luck_sentence(result: RescueResult) -> str:
    """What the control alone shows."""
    control = result.control
    return (
        f"without any change {control.lived} of {control.runs} reshuffled orders lived from step "
        f"{result.plan.branch_step} on"
    )


def single_sentence(one: SingleResult) -> str:
    """What altering one step shows, against the same at another step."""
    own = "the run lives" if one.lived else "the run still dies"
    if one.runs > 1:
        own = f"{one.lived} of {one.runs} live"
    if not one.runs:
        return f"with {one.arm.title}: {NOT_YET}"
    counts = (
        f"with {one.arm.title} {own}; with the same change at an earlier step "
        f"{one.placebo_lived} of {one.placebo_runs} live"
    )
    if one.p is None:
        return f"{counts}; not finished"
    p = "" if not one.placebo_runs else f" (p {number(one.p, 2)})"
    return f"{counts}{p}: {one.word}"


def no_return_sentence(result: RescueResult) -> str:
    """Where the point of no return lies."""
    if not any(point.runs for point in result.points):
        return NOT_YET
    died = {point.step: f"{point.died} of {point.runs}" for point in result.points}
    last, first = result.last_open_step, result.no_return
    parts = []
    if last is not None:
        parts.append(f"step {last} is the last one tried from which fewer than half died ({died[last]})")
    else:
        parts.append(f"from each of {len(died)} steps tried at least half died")
    if first is not None:
        parts.append(f"from step {first} on all died ({died[first]})")
    else:
        parts.append("from no step tried did all die")
    return "; ".join(parts)


def _in_order(result: RescueResult) -> list[ArmResult]:
    """Remedies before doses, proven ones first."""

    def place(arm: ArmResult) -> tuple[bool, bool, float]:
        is_dose = arm.arm.name in (f"{RATE}-doses", f"{CLIP}-doses")
        return is_dose, arm.word != PROVEN and not is_dose, 0.0 if is_dose else -arm.share

    return sorted(result.arms, key=place)


def _row(title: str, words: str) -> list[str]:
    return [f"  {title:<{WIDTH}} {words}"] if len(title) <= WIDTH else [f"  {title}", f"  {'':<{WIDTH}} {words}"]


def progress_text(result: RescueResult, seconds_left: float | None) -> str:
    """One line while a rescue runs: how far it is, the time left, and counts that grow."""
    done, total = len(result.results), len(result.plan.branches)
    left = "" if seconds_left is None else f", {minutes(seconds_left)} left"
    counts = [f"{CONTROL} {result.control.lived} of {result.control.runs}"]
    counts += [f"{arm.arm.name} {arm.lived} of {arm.runs}" for arm in result.arms if arm.runs and arm.arm.dose is None]
    return f"{done} of {total} branches ({percent(done / total, 0)}){left}; lived: {', '.join(counts)}"
