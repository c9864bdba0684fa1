"""Why: from the rows around a defect to a chain of events, its earliest link, and what to try.

First the rules that see a lasting state (dead, saturated, no gradient) say what keeps
the run down and since when. Then the rules that see sudden events look at the steps
just before that. What is found is put in order; the earliest link that is connected
with the rest is the cause. What no rule explains is said to be unexplained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from diagnostics.detect.findings import Cause, Finding, RuleOutcome, Severity, Stretch, Verdict
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.rules.base import MissingColumnsError, Rule, TooFewRowsError, Window, means
from diagnostics.schema.run_info import RunInfo

LOOK_BACK = 20  # steps before the run went down in which sudden events count as part of the same story
AFTERMATH = 3  # and steps after
# A run that never learned and yet had begun to: mean loss of ten rows below this share of H.
HOPE, HOPE_ROWS = 0.95, 10
STATES = ("zero-gradient", "dead-units", "saturated-units", "vanishing-gradient")
ORIGINS = ("input-scale", "zero-weights", "non-finite", "wrong-direction")
WEAK_STATE = "vanishing-gradient"
UNASKED = "not run: it looks at the steps before a run goes down, and this one did not"
FAULTS = (*ORIGINS, "learning-rate-jump", "changed-labels")
WEAK = ("tiny-steps", "uninformative-labels")
WARM_UP, WARM_UP_REACHES = "warm-up", 200  # what began later would begin after any usual warm-up
DISPROVEN = "uninformative-labels"  # by a recovery


@dataclass(frozen=True)
class Explanation:
    """The chain of a defect, its cause (None: unexplained), and what every rule answered."""

    chain: tuple[Finding, ...]
    cause: Cause | None
    checks: tuple[Finding, ...]

    @property
    def is_strong(self) -> bool:
        """Whether there is a cause, and more than the explanations that stand where no other does."""
        return self.cause is not None and self.cause.rule not in WEAK


def ask(rule: Rule, window: Window) -> list[Finding]:
    """A rule's findings; one entry saying so where it passed, could not be run, or crashed."""
    try:
        with np.errstate(all="ignore"):  # a run that blew up has infinities to compare
            found = rule.check(window)
    except MissingColumnsError as missing:
        return [_check(rule, window, RuleOutcome.NOT_RUN, f"not run: missing {missing}")]
    except TooFewRowsError as few:
        return [_check(rule, window, RuleOutcome.NOT_RUN, f"not run: too few rows; it needs {few}")]
    except Exception as error:
        return [_check(rule, window, RuleOutcome.ERROR, f"the rule failed: {type(error).__name__}: {error}")]
    return found or [_check(rule, window, RuleOutcome.PASSED, "nothing found")]


def explain(window: Window, stretch: Stretch) -> Explanation:
    """Chain and cause of a stretch, from the rows up to its confirmation."""
    answers = {rule.name: ask(rule, window) for rule in MECHANISMS if rule.is_lasting or rule.name in ORIGINS}
    down, guilty = _went_down(answers, stretch)
    if down is None and stretch.kind is Verdict.NEVER_LEARNED:
        down = _gave_up(window)
    around = falling = window.narrowed(down if down is not None else stretch.confirmed, stretch.confirmed)
    if down is not None:
        around = window.narrowed(down - LOOK_BACK, down + AFTERMATH)
        falling = window.narrowed(down - LOOK_BACK, stretch.confirmed)
    for rule in MECHANISMS:
        if rule.name not in answers:
            # Where nothing went down, a burst or a large update on the way is no explanation.
            skips = down is None and rule.needs_trouble
            asked = falling if rule.sees_the_fall else around
            answers[rule.name] = [_check(rule, window, RuleOutcome.NOT_RUN, UNASKED)] if skips else ask(rule, asked)
    fired = {name: [f for f in found if f.outcome is RuleOutcome.FIRED] for name, found in answers.items()}
    chain = _chain(fired, stretch.confirmed if down is None else down, guilty)
    checks = tuple(finding for found in answers.values() for finding in found)
    return Explanation(chain, _cause(chain), checks)


def remedies(explanation: Explanation, info: RunInfo) -> tuple[str, ...]:
    """What to try: what fits the cause first, then the other links; none twice, in use, or too late to help."""
    names = [explanation.cause.rule] if explanation.cause else []
    names += [finding.rule for finding in explanation.chain]
    found = dict.fromkeys(remedy for name in names for remedy in _rule(name).remedies)
    begin = min((finding.first_step for finding in explanation.chain), default=0)
    return tuple(
        remedy for remedy in found if not (_is_in_use(remedy, info) or (remedy == WARM_UP and begin > WARM_UP_REACHES))
    )


def _is_in_use(remedy: str, info: RunInfo) -> bool:
    """Whether the run has what a remedy asks for, as far as its layers and its optimiser tell."""
    if "exact convolution" in remedy:
        return all(layer.kind != "ReportConvolutionLayer" for layer in info.layers)
    if "clipping" in remedy:
        return info.description.get("clip_norm") is not None
    if remedy == WARM_UP:
        return "Warmup" in str(info.description.get("schedule", ""))
    if "Adam" in remedy:
        return any(name in str(info.description.get("optimizer", "")) for name in ("Adam", "RMSprop"))
    if "ReLU" in remedy:
        return all(layer.activation not in ("sigmoid", "tanh") for layer in info.layers)
    return False


def survey(window: Window) -> list[Finding]:
    """Every rule's answer for a run in which nothing went wrong: worth knowing, not worth an alarm."""
    if not len(window):
        return []
    around = window.asked_from_its_beginning()
    answers: list[Finding] = []
    for rule in MECHANISMS:
        # The weak explanations are for runs that had their time and did not learn.
        skips = rule.needs_trouble or rule.name in WEAK
        answers += [_check(rule, window, RuleOutcome.NOT_RUN, UNASKED)] if skips else ask(rule, around)
    return [replace(f, severity=Severity.INFO) if f.outcome is RuleOutcome.FIRED else f for f in answers]


def suspicion(answers: Sequence[Finding]) -> Explanation:
    """What a :func:`survey` says of a run that is not well and yet in no defect stretch: faults, no side effects."""
    fired = [f for f in answers if f.outcome is RuleOutcome.FIRED and f.rule in FAULTS]
    chain = tuple(sorted(fired, key=lambda f: (f.first_step, _rule(f.rule).rank)))
    return Explanation(chain, _cause(chain), tuple(answers))


def without_disproven(explanation: Explanation) -> Explanation:
    """The explanation of a stretch that ended: labels that were learned after all carry information."""
    if explanation.cause is None or explanation.cause.rule != DISPROVEN:
        return explanation
    checks = tuple(f for f in explanation.checks if f.rule != DISPROVEN)
    return Explanation((), None, checks)


def prolonged(chain: Sequence[Finding], last_step: int) -> list[Finding]:
    """The chain with its lasting states drawn out to the end of the stretch."""
    return [replace(f, last_step=max(f.last_step, last_step)) if _rule(f.rule).is_lasting else f for f in chain]


def without_fired(checks: Sequence[Finding]) -> list[Finding]:
    """The answers of the rules that found nothing or could not be asked."""
    return [finding for finding in checks if finding.outcome is not RuleOutcome.FIRED]


def beside(explanation: Explanation) -> list[Finding]:
    """What was seen as well and is no link of the chain: worth knowing, not part of the story."""
    links = {(f.rule, f.layer, f.first_step) for f in explanation.chain}
    fired = [f for f in explanation.checks if f.outcome is RuleOutcome.FIRED]
    return [replace(f, severity=Severity.INFO) for f in fired if (f.rule, f.layer, f.first_step) not in links]


def distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in order of their first steps, each once."""
    once: dict[tuple[object, ...], Finding] = {}
    for f in findings:
        once.setdefault((f.rule, f.layer, f.first_step, f.message), f)
    return tuple(sorted(once.values(), key=lambda f: f.first_step))


def _went_down(answers: dict[str, list[Finding]], stretch: Stretch) -> tuple[int | None, str | None]:
    """The step at which the run went down (None: at no step that could be named), and the layer that did."""
    states = [f for name in STATES for f in answers[name] if f.outcome is RuleOutcome.FIRED]
    # A state from long before a collapse did not cause it: the run learned in spite of it. Nor did one that
    # came when the verdict was already sure: what is down for long often dies further.
    recent = [f for f in states if stretch.onset - LOOK_BACK <= f.first_step <= stretch.confirmed]
    if recent:
        # Of layers that died one after another the first is to blame, not the one with the largest share.
        worst = max(recent, key=lambda f: (f.rule == "zero-gradient", f.rule == "dead-units", -f.first_step, f.value))
        # An exactly zero gradient may come long after the layer fell silent for all but a few inputs.
        same = [f for f in recent if f.layer == worst.layer and (f.rule != WEAK_STATE or worst.rule == WEAK_STATE)]
        return min(f.first_step for f in same), worst.layer
    origins = [f for name in ORIGINS for f in answers[name] if f.outcome is RuleOutcome.FIRED]
    if origins and stretch.onset == 0:
        return min(f.first_step for f in origins), None
    return (stretch.onset, None) if stretch.onset else (None, None)


def _gave_up(window: Window) -> int | None:
    """The step after the last at which a run that never learned was better than guessing; None: it never was."""
    if len(window) < HOPE_ROWS:
        return None
    try:
        running = means(window.scalar("data_loss"), HOPE_ROWS)
    except MissingColumnsError:
        return None
    better = np.flatnonzero(running < HOPE * window.guessing_loss)
    row = int(better[-1]) + HOPE_ROWS if len(better) else len(window)
    return int(window.steps[row]) if row < len(window) else None


def _chain(fired: dict[str, list[Finding]], down: int, guilty: str | None) -> tuple[Finding, ...]:
    """The connected findings in the order of their steps, mostly one a rule: the guilty layer's, else the largest."""
    links = []
    for name, found in fired.items():
        near = [f for f in found if name not in STATES or f.first_step >= down - LOOK_BACK]
        if near and name not in WEAK:
            spokesman = _spokesman(near, guilty)
            # Where another layer's state came first, that of the guilty layer is a link of its own.
            own = [f for f in near if f.layer == guilty and name in STATES and f is not spokesman]
            links += [spokesman, *own]
    zeroed = {(f.layer, f.first_step - 1) for f in links if f.rule == "zero-weights"}
    # The update that sets weights to zero is as large as they were: the same event, seen twice.
    links = [f for f in links if f.rule != "oversized-update" or (f.layer, f.first_step) not in zeroed]
    strong = sorted(links, key=lambda f: (f.first_step, _rule(f.rule).rank))
    if strong:
        return tuple(f for f in strong if f.first_step <= down + LOOK_BACK)
    return tuple(_spokesman(fired[name], guilty) for name in WEAK if fired.get(name))[:1]


def _spokesman(found: Sequence[Finding], guilty: str | None) -> Finding:
    if _rule(found[0].rule).sees_the_fall:
        return max(found, key=lambda f: f.value)  # what is slow has no step at which it came first
    first = min(f.first_step for f in found)
    own = [f for f in found if f.layer == guilty]
    if own and own[0].first_step <= first + AFTERMATH:
        return own[0]
    return max((f for f in found if f.first_step <= first + AFTERMATH), key=lambda f: f.value)


def _cause(chain: tuple[Finding, ...]) -> Cause | None:
    if not chain:
        return None
    first = chain[0]
    return Cause(first.rule, first.layer, first.first_step, first.message, first.confidence)


def _check(rule: Rule, window: Window, outcome: RuleOutcome, message: str) -> Finding:
    first, last = (int(window.steps[0]), int(window.steps[-1])) if len(window) else (0, 0)
    nan = float("nan")
    return Finding(rule.name, None, first, last, nan, nan, Severity.INFO, 1.0, message, outcome)


def _rule(name: str) -> Rule:
    return next(rule for rule in MECHANISMS if rule.name == name)
