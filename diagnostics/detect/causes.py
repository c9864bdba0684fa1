"""Explains how a run died: the chain of events, its first link, its blow, and what to try.

First the rules that see a lasting state (dead units, saturated units, no gradient) name the state
that keeps the run from learning, and the step at which it began. Then the rules that see sudden
events look at the steps just before that. :mod:`diagnostics.detect.chain` connects their findings.
A defect that no rule explains is reported as unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from diagnostics.detect.asking import Answers, ask, fired, rule_of, unasked
from diagnostics.detect.chain import (
    AFTERMATH,
    LOOK_BACK,
    BrokeAt,
    blow_of,
    chain_of,
    connected,
    hit_with,
    representative,
)
from diagnostics.detect.faults import FAULTS, faults_seen, leading_faults
from diagnostics.detect.findings import Finding, RuleOutcome, Severity, Stretch, Verdict
from diagnostics.detect.link import Link, Origin
from diagnostics.detect.remedies import Suggestion, suggestions
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.rules.input_scale import InputScale
from diagnostics.detect.series import means
from diagnostics.detect.track_record import setting_of
from diagnostics.detect.window import MissingColumnsError, Window

# A run had begun to learn where the mean loss of ten rows was below this share of H.
BEGAN_TO_LEARN, BEGAN_ROWS = 0.95, 10
BLOWN_UP = 100  # H: a loss above it is on its way to infinity
SURE_STATE = 2  # a state of this rank or more stops a layer; one below it slows the layer and may pass


@dataclass(frozen=True)
class Explanation:
    """The account of how a run died.

    chain: the events that lead to the defect.
    first_link: the earliest of them; None where nothing explains the defect.
    blow: the event by which the run died; None where none is seen.
    checks: the answers of all rules.
    """

    chain: tuple[Finding, ...] = ()
    first_link: Link | None = None
    blow: Link | None = None
    checks: tuple[Finding, ...] = ()

    @property
    def is_strong(self) -> bool:
        """Whether a rule explains the defect that is no last resort."""
        return bool(self.chain) and not rule_of(self.chain[0]).is_last_resort


def explain(window: Window, stretch: Stretch) -> Explanation:
    """Chain, first link and blow of a stretch, from the rows up to its confirmation."""
    answers: dict[str, list[Finding]] = {
        rule.name: ask(rule, window) for rule in MECHANISMS if rule.is_lasting or rule.is_about_the_start
    }
    broke = _broke_at(answers, window, stretch)
    step = stretch.confirmed if broke.step is None else broke.step
    around = before = until_confirmed = window.narrowed(step, stretch.confirmed)
    if broke.step is not None:
        around = window.narrowed(step - LOOK_BACK, step + AFTERMATH)
        # An event after the beginning of a state did not cause the state.
        before = around if broke.state is None else window.narrowed(step - LOOK_BACK, step - 1)
        until_confirmed = window.narrowed(step - LOOK_BACK, stretch.confirmed)
    for rule in MECHANISMS:
        if rule.name not in answers:
            # In a run that died at no step, a burst or a large update explains nothing.
            skips = broke.step is None and rule.happens_in_healthy_runs
            asked = until_confirmed if rule.is_slow else before if rule.is_sudden else around
            answers[rule.name] = unasked(rule, window) if skips else ask(rule, asked)
    checks = tuple(finding for found in answers.values() for finding in found)
    links = connected(answers, window, step)
    if not links:
        return _last_resort(answers, window, checks)
    blow = blow_of(links, broke, step) if broke.step is not None else None
    hit = _layers(hit_with(blow, links)) if blow is not None else ()
    if blow is not None and broke.layer is not None and broke.layer not in hit:
        blow = rule_of(blow).told_of(blow, broke.layer, window)
    chain = chain_of(links, blow, broke, step)
    at = None if blow is None else blow.step
    return Explanation(chain, _first_link(chain, window, blow, hit), _linked(blow, window, at, hit), checks)


def suggested(explanation: Explanation, window: Window) -> tuple[Suggestion, ...]:
    """What to try: first the remedies of the faults, then those of the other links in their order.

    Where the chain begins with a fault of the code or the data, the other links are its consequences. No setting mends
    that fault, so their remedies are left out. So are other inputs where the rule about their scale found nothing.
    """
    doses: dict[str, float] = {}
    for finding in explanation.chain:
        doses |= rule_of(finding).doses(finding, window)
    first, faults = explanation.first_link, leading_faults(explanation.chain, explanation.blow)
    told = [*faults, *explanation.chain]
    if first is not None and first.rule in FAULTS and first.origin in (Origin.CODE, Origin.DATA):
        told = [explanation.chain[0], *faults]
    keys = [key for finding in told for key in rule_of(finding).remedies_for(finding)]
    if any(f.rule == InputScale.name and f.outcome is RuleOutcome.PASSED for f in explanation.checks):
        keys = [key for key in keys if key not in InputScale.remedies]
    return suggestions(keys, window.info, min((f.first_step for f in explanation.chain), default=0), doses)


def survey(window: Window) -> list[Finding]:
    """The answers of all rules for a run without a defect, as information and not as errors."""
    if not len(window):
        return []
    answers: list[Finding] = []
    for rule in MECHANISMS:
        # A last resort that is no fault explains a defect, and this run has none.
        skips = rule.happens_in_healthy_runs or (rule.is_last_resort and not rule.is_fault)
        answers += unasked(rule, window) if skips else ask(rule, window.asked_from_its_beginning())
    return [replace(f, severity=Severity.INFO) if f.outcome is RuleOutcome.FIRED else f for f in answers]


def suspicion(answers: Sequence[Finding], window: Window) -> Explanation:
    """The explanation of an undecided run, from the answers of a :func:`survey`.

    It has the faults, and the states that stop a layer, such as a layer whose units are nearly all dead. A last
    resort counts where there is nothing else.
    """
    seen = [f for f in fired(answers) if rule_of(f).is_fault or rule_of(f).blocks_learning >= SURE_STATE]
    seen = [f for f in seen if not rule_of(f).is_last_resort] or seen
    chain = tuple(sorted(seen, key=lambda f: (f.first_step, rule_of(f).rank)))
    return Explanation(chain, _first_link(chain, window), None, tuple(answers))


def of_faults(answers: Sequence[Finding], window: Window) -> Explanation:
    """The faults that a run showed which learned in spite of them, as the explanation that :func:`suggested` takes."""
    chain = tuple(faults_seen(answers))
    return Explanation(chain, _first_link(chain, window), None, tuple(answers))


def without_disproved(explanation: Explanation) -> Explanation:
    """The explanation of a stretch that ended, without one that the recovery disproves.

    Labels that a run learned after all do carry information.
    """
    if not explanation.chain or not rule_of(explanation.chain[0]).is_disproved_by_recovery:
        return explanation
    disproved = explanation.chain[0].rule
    return Explanation(checks=tuple(f for f in explanation.checks if f.rule != disproved))


def extended_to(chain: Sequence[Finding], last_step: int) -> list[Finding]:
    """The chain with its lasting states extended to ``last_step``, the end of the stretch."""
    return [replace(f, last_step=max(f.last_step, last_step)) if rule_of(f).lasts(f) else f for f in chain]


def without_fired(checks: Sequence[Finding]) -> list[Finding]:
    """The answers of the rules that found nothing or could not be asked."""
    return [finding for finding in checks if finding.outcome is not RuleOutcome.FIRED]


def unlinked_findings(explanation: Explanation) -> list[Finding]:
    """The findings that are no links of the chain, as information: they explain nothing."""
    links = {(f.rule, f.layer, f.first_step) for f in explanation.chain}
    seen = fired(explanation.checks)
    return [replace(f, severity=Severity.INFO) for f in seen if (f.rule, f.layer, f.first_step) not in links]


def deduplicated(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in order of their first steps, each once."""
    once: dict[tuple[object, ...], Finding] = {}
    for f in findings:
        once.setdefault((f.rule, f.layer, f.first_step, f.message), f)
    return tuple(sorted(once.values(), key=lambda f: f.first_step))


def _broke_at(answers: Answers, window: Window, stretch: Stretch) -> BrokeAt:
    """The step at which the run died, and the layer that failed."""
    states = [f for found in answers.values() for f in fired(found) if rule_of(f).blocks_learning]
    # A state that began long before a collapse did not cause it: the run learned in spite of it. A state that began
    # after the confirmation did not cause it either: in runs that do not learn, units often go on dying.
    recent = [f for f in states if stretch.onset - LOOK_BACK <= f.first_step <= stretch.confirmed]
    if recent:
        # Where several layers died one after another, the run died with the first one, whatever their shares are.
        surest = max(recent, key=lambda f: (rule_of(f).blocks_learning, -f.first_step, f.value))
        # The gradient may become exactly zero long after the layer became silent for all but a few inputs.
        least = min(SURE_STATE, rule_of(surest).blocks_learning)
        same = [f for f in recent if f.layer == surest.layer and rule_of(f).blocks_learning >= least]
        state = min(same, key=lambda f: (f.first_step, rule_of(f).rank))
        if state.first_step == 0:
            state = _lowest_before_updates(recent, window) or state
        return BrokeAt(state.first_step, state.layer, state)
    faults = [f for found in answers.values() for f in fired(found) if rule_of(f).is_about_the_start]
    if faults and stretch.onset == 0:
        return BrokeAt(min(f.first_step for f in faults))
    if stretch.onset:
        return BrokeAt(_left_for_good(window, stretch.onset))
    return BrokeAt(_fell_back_to_guessing(window) if stretch.kind is Verdict.NEVER_LEARNED else None)


def _lowest_before_updates(states: Sequence[Finding], window: Window) -> Finding | None:
    """Of the layers that were wholly silent before the first update the lowest: those above it have no input."""
    silent = {f.layer: f for f in states if f.rule == "dead-units" and f.first_step == 0 and f.value >= 1}
    return next((silent[layer] for layer in window.layers if layer in silent), None)


def _left_for_good(window: Window, onset: int) -> int:
    """The step at which a run broke that is a defect run from ``onset`` on: an earlier one where its loss says so.

    In float64 a loss may grow for hundreds of steps before it is infinite. The run broke where it left for good what
    losses are, if that is long before.
    """
    try:
        before = window.scalar("data_loss")[: int(np.searchsorted(window.steps, onset))]
    except MissingColumnsError:
        return onset
    near = np.flatnonzero(~(before >= BLOWN_UP * window.guessing_loss))
    first = int(near[-1]) + 1 if len(near) else 0
    return int(window.steps[first]) if len(before) - first > LOOK_BACK else onset


def _fell_back_to_guessing(window: Window) -> int | None:
    """The step after the last one at which the run was better than guessing; None where it never was."""
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
    """The explanation where no other rule has one: by the first last resort that fired, in the order of the list."""
    found = [fired(answers[rule.name]) for rule in MECHANISMS if rule.is_last_resort]
    chain = tuple(representative(one, None) for one in found if one)[:1]
    return Explanation(chain, _first_link(chain, window), None, checks)


def _layers(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.layer for f in findings if f.layer is not None))


def _first_link(
    chain: Sequence[Finding], window: Window, blow: Finding | None = None, hit: tuple[str, ...] = ()
) -> Link | None:
    """The first event of the chain as a link. Where it is the blow, it has the step and the layers of the blow."""
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
