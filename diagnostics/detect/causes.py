"""Why: from the rows around a defect to a chain of events, its first link, its blow, and what to try.

First the rules that see a lasting state (dead, saturated, no gradient) say what keeps the
run down and since when. Then the rules that see sudden events look at the steps just before
that. :mod:`diagnostics.detect.chain` connects what they found. What no rule explains is said
to be unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from diagnostics.detect.asking import Answers, ask, fired, rule_of, unasked
from diagnostics.detect.chain import (
    AFTERMATH,
    LOOK_BACK,
    Fall,
    blow_of,
    chain_of,
    connected,
    hit_with,
    representative,
)
from diagnostics.detect.findings import Finding, Link, RuleOutcome, Severity, Stretch, Verdict
from diagnostics.detect.remedies import Suggestion, suggestions
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.series import means
from diagnostics.detect.track_record import setting_of
from diagnostics.detect.window import MissingColumnsError, Window

# A run that never learned and yet had begun to: mean loss of ten rows below this share of H.
BEGAN_TO_LEARN, BEGAN_ROWS = 0.95, 10
SURE_STATE = 2  # from here on a state stops a layer; below it only slows it, and may come and go


@dataclass(frozen=True)
class Explanation:
    """What is known of the cause of a defect.

    chain: the events that lead to it.
    first_link: the earliest of them; None where nothing explains the defect.
    blow: the one that brought the run down.
    checks: what every rule answered.
    """

    chain: tuple[Finding, ...] = ()
    first_link: Link | None = None
    blow: Link | None = None
    checks: tuple[Finding, ...] = ()

    @property
    def is_strong(self) -> bool:
        """Whether there is an explanation, and more than one of those that stand where no other does."""
        return bool(self.chain) and not rule_of(self.chain[0]).is_last_resort

    @property
    def is_disproved_by_recovery(self) -> bool:
        """Whether it cannot be true of a run that learned after all."""
        return bool(self.chain) and rule_of(self.chain[0]).is_disproved_by_recovery


def explain(window: Window, stretch: Stretch) -> Explanation:
    """Chain, first link and blow of a stretch, from the rows up to its confirmation."""
    answers: dict[str, list[Finding]] = {
        rule.name: ask(rule, window) for rule in MECHANISMS if rule.is_lasting or rule.is_about_the_start
    }
    fall = _fall(answers, window, stretch)
    down = stretch.confirmed if fall.step is None else fall.step
    around = before = falling = window.narrowed(down, stretch.confirmed)
    if fall.step is not None:
        around = window.narrowed(down - LOOK_BACK, down + AFTERMATH)
        # What comes after a state has begun did not bring it about.
        before = around if fall.state is None else window.narrowed(down - LOOK_BACK, down - 1)
        falling = window.narrowed(down - LOOK_BACK, stretch.confirmed)
    for rule in MECHANISMS:
        if rule.name not in answers:
            # Where nothing died, a burst or a large update on the way is no explanation.
            skips = fall.step is None and rule.happens_in_healthy_runs
            asked = falling if rule.is_slow else before if rule.is_sudden else around
            answers[rule.name] = unasked(rule, window) if skips else ask(rule, asked)
    checks = tuple(finding for found in answers.values() for finding in found)
    links = connected(answers, window, fall, down)
    if not links:
        return _last_resort(answers, window, checks)
    blow = blow_of(links, fall, down) if fall.step is not None else None
    chain = chain_of(links, blow, fall, down)
    hit = _layers(hit_with(blow, links)) if blow is not None else ()
    at = None if blow is None else blow.step
    return Explanation(chain, _first_link(chain, window, blow, hit), _linked(blow, window, at, hit), checks)


def suggested(explanation: Explanation, window: Window) -> tuple[Suggestion, ...]:
    """What to try: what fits the first link first, then the other links."""
    doses: dict[str, float] = {}
    for finding in explanation.chain:
        doses |= rule_of(finding).doses(finding, window)
    keys = [key for finding in explanation.chain for key in rule_of(finding).remedies_for(finding)]
    return suggestions(keys, window.info, min((f.first_step for f in explanation.chain), default=0), doses)


def survey(window: Window) -> list[Finding]:
    """Every rule's answer for a run in which nothing went wrong: worth knowing, not worth an alarm."""
    if not len(window):
        return []
    answers: list[Finding] = []
    for rule in MECHANISMS:
        # The last resorts are for runs that had their time and did not learn.
        skips = rule.happens_in_healthy_runs or rule.is_last_resort
        answers += unasked(rule, window) if skips else ask(rule, window.asked_from_its_beginning())
    return [replace(f, severity=Severity.INFO) if f.outcome is RuleOutcome.FIRED else f for f in answers]


def suspicion(answers: Sequence[Finding], window: Window) -> Explanation:
    """What a :func:`survey` says of a run that is not well and yet in no defect stretch: faults, and shut layers.

    A run that lives with nearly all units of a layer dead is crippled, and is told so.
    """
    seen = [f for f in fired(answers) if rule_of(f).is_fault or rule_of(f).keeps_down >= SURE_STATE]
    chain = tuple(sorted(seen, key=lambda f: (f.first_step, rule_of(f).rank)))
    return Explanation(chain, _first_link(chain, window), None, tuple(answers))


def without_disproved(explanation: Explanation) -> Explanation:
    """The explanation of a stretch that ended: labels that were learned after all carry information."""
    if not explanation.is_disproved_by_recovery:
        return explanation
    disproved = explanation.chain[0].rule
    return Explanation(checks=tuple(f for f in explanation.checks if f.rule != disproved))


def extended_to(chain: Sequence[Finding], last_step: int) -> list[Finding]:
    """The chain with its lasting states drawn out to the end of the stretch."""
    return [replace(f, last_step=max(f.last_step, last_step)) if rule_of(f).is_lasting else f for f in chain]


def without_fired(checks: Sequence[Finding]) -> list[Finding]:
    """The answers of the rules that found nothing or could not be asked."""
    return [finding for finding in checks if finding.outcome is not RuleOutcome.FIRED]


def unlinked_findings(explanation: Explanation) -> list[Finding]:
    """What was seen as well and is no link of the chain. It is told, and explains nothing."""
    links = {(f.rule, f.layer, f.first_step) for f in explanation.chain}
    seen = fired(explanation.checks)
    return [replace(f, severity=Severity.INFO) for f in seen if (f.rule, f.layer, f.first_step) not in links]


def deduplicated(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in order of their first steps, each once."""
    once: dict[tuple[object, ...], Finding] = {}
    for f in findings:
        once.setdefault((f.rule, f.layer, f.first_step, f.message), f)
    return tuple(sorted(once.values(), key=lambda f: f.first_step))


def _fall(answers: Answers, window: Window, stretch: Stretch) -> Fall:
    """The step at which the run died, and the layer that did."""
    states = [f for found in answers.values() for f in fired(found) if rule_of(f).keeps_down]
    # A state from long before a collapse did not cause it: the run learned in spite of it. Nor did one that
    # came when the verdict was already sure: what is down for long often dies further.
    recent = [f for f in states if stretch.onset - LOOK_BACK <= f.first_step <= stretch.confirmed]
    if recent:
        # Of layers that died one after another the run died with the first, not with the one of the largest share.
        surest = max(recent, key=lambda f: (rule_of(f).keeps_down, -f.first_step, f.value))
        # An exactly zero gradient may come long after the layer fell silent for all but a few inputs.
        least = min(SURE_STATE, rule_of(surest).keeps_down)
        same = [f for f in recent if f.layer == surest.layer and rule_of(f).keeps_down >= least]
        state = min(same, key=lambda f: (f.first_step, rule_of(f).rank))
        return Fall(state.first_step, state.layer, state)
    faults = [f for found in answers.values() for f in fired(found) if rule_of(f).is_about_the_start]
    if faults and stretch.onset == 0:
        return Fall(min(f.first_step for f in faults))
    if stretch.onset:
        return Fall(stretch.onset)
    return Fall(_gave_up(window) if stretch.kind is Verdict.NEVER_LEARNED else None)


def _gave_up(window: Window) -> int | None:
    """The step after the last at which a run that never learned was better than guessing; None: it never was."""
    if len(window) < BEGAN_ROWS:
        return None
    try:
        running = means(window.scalar("data_loss"), BEGAN_ROWS)
    except MissingColumnsError:
        return None
    better = np.flatnonzero(running < BEGAN_TO_LEARN * window.guessing_loss)
    row = int(better[-1]) + BEGAN_ROWS if len(better) else len(window)
    return int(window.steps[row]) if row < len(window) else None


def _last_resort(answers: Mapping[str, Sequence[Finding]], window: Window, checks: tuple[Finding, ...]) -> Explanation:
    """What is said where no other rule explains the defect: the first of the last resorts, in the order of the list."""
    found = [fired(answers[rule.name]) for rule in MECHANISMS if rule.is_last_resort]
    chain = tuple(representative(one, None) for one in found if one)[:1]
    return Explanation(chain, _first_link(chain, window), None, checks)


def _layers(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.layer for f in findings if f.layer is not None))


def _first_link(
    chain: Sequence[Finding], window: Window, blow: Finding | None = None, hit: tuple[str, ...] = ()
) -> Link | None:
    """The first event of the chain; where that is the blow itself, as the blow."""
    if not chain:
        return None
    first = chain[0]
    return _linked(first, window, first.step, hit) if first is blow else _linked(first, window, first.first_step)


def _linked(
    finding: Finding | None, window: Window, step: int | None, layers: tuple[str, ...] | None = None
) -> Link | None:
    """A finding as a link with its origin."""
    if finding is None or step is None:
        return None
    origin = rule_of(finding).origin_of(finding, window)
    hit = _layers([finding]) if layers is None else layers
    setting = setting_of(window.info.settings)
    return Link(
        finding.rule, finding.layer, step, finding.message, origin, hit, finding.confidence, finding.plain, setting
    )
