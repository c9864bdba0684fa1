"""Makes the chain of events from the findings of the rules: which of them are connected, and which is the blow.

The *blow* is the event after which the state that keeps the run from learning holds to the end.
An event is connected with the blow where the run did not recover in between: after a recovery
the event has no part in what came later. The *first link* is the earliest connected event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from diagnostics.detect.asking import Answers, fired, rule_of
from diagnostics.detect.findings import Finding
from diagnostics.detect.series import means, median_before
from diagnostics.detect.window import MissingColumnsError, Window

LOOK_BACK = 20  # steps before the run died in which a sudden event counts as connected with it
AFTERMATH = 3  # steps after the run died in which an event still counts as connected with it
AT_ONCE = 3  # rows within which the state that a blow causes has begun
# A recovery: the mean loss of three rows is below this share of H, and above that before the event by at most this
# share of H.
RECOVERY_ROWS, BETTER_THAN_GUESSING, AS_GOOD_AS_BEFORE = 3, 0.95, 0.05


@dataclass(frozen=True)
class BrokeAt:
    """Where a run died.

    step: the step; None where no step can be named.
    layer: the layer that failed; None for no layer.
    state: the lasting state that began then; None where no rule sees one.
    """

    step: int | None
    layer: str | None = None
    state: Finding | None = None


def recovered_between(window: Window, event: Finding, step: int) -> bool:
    """Whether the loss was as low as before the event at some time between the event and ``step``."""
    try:
        loss = window.scalar("data_loss")
    except MissingColumnsError:
        return False
    first, last, end = np.searchsorted(window.steps, [event.first_step, event.last_step + 1, step]).tolist()
    between = loss[last:end]
    if len(between) < RECOVERY_ROWS:
        return False
    level, before = BETTER_THAN_GUESSING * window.guessing_loss, median_before(loss, first, 10)
    if np.isfinite(before):
        level = min(level, before + AS_GOOD_AS_BEFORE * window.guessing_loss)
    return bool(means(between, RECOVERY_ROWS).min() <= level)


def connected(answers: Answers, window: Window, step: int) -> list[Finding]:
    """All findings that are connected with a run that died at ``step``; the last resorts are left out."""
    links = []
    for finding in (one for found in answers.values() for one in fired(found)):
        rule = rule_of(finding)
        if rule.is_last_resort or (rule.blocks_learning and finding.first_step < step - LOOK_BACK):
            continue
        if rule.is_sudden and (finding.first_step > step or recovered_between(window, finding, step)):
            continue
        links.append(finding)
    return _without_seen_twice(links)


def blow_of(links: Sequence[Finding], broke: BrokeAt, step: int) -> Finding | None:
    """The event by which the run died at ``step``; its message has all layers that it hit. None where none is seen."""
    events = [f for f in links if rule_of(f).is_blow and step - LOOK_BACK <= f.step <= step + AFTERMATH]
    if not events:
        return broke.state
    # An update comes before a fault in data or settings: the update changed the network, the fault made it large.
    blow = max(
        events,
        key=lambda f: (rule_of(f).is_sudden, f.step >= step - AT_ONCE, f.layer == broke.layer, np.nan_to_num(f.value)),
    )
    hit = hit_with(blow, links)
    return replace(blow, message=rule_of(blow).together(hit)) if len(hit) > 1 else blow


def hit_with(event: Finding, links: Sequence[Finding]) -> list[Finding]:
    """The event, then the findings of the same rule in other layers that cover the event's step."""
    same = [
        f
        for f in links
        if f.rule == event.rule
        and f.layer != event.layer
        and f.first_step <= event.step <= f.last_step
        and (not rule_of(f).is_lasting or f.first_step <= event.step + AFTERMATH)
    ]
    return [event, *same]


def chain_of(links: Sequence[Finding], blow: Finding | None, broke: BrokeAt, step: int) -> tuple[Finding, ...]:
    """The chain of a run that died at ``step``: the links in the order of their steps, mostly one a rule."""
    by_rule: dict[str, list[Finding]] = {}
    for link in links:
        by_rule.setdefault(link.rule, []).append(link)
    chosen: list[Finding] = []
    for found in by_rule.values():
        first = representative(found, broke.layer)
        chosen.append(first)
        # Where the state began in another layer first, the state of the layer that failed is a link as well.
        chosen += [f for f in found if rule_of(f).blocks_learning and f.layer == broke.layer and f is not first]
    if blow is not None:
        # The blow takes the place of the finding that was chosen for the same event.
        chosen = [f for f in chosen if f.rule != blow.rule or not f.first_step <= blow.step <= f.last_step]
        chosen.append(blow)
    ordered = sorted(chosen, key=lambda f: (f.first_step, rule_of(f).rank))
    return tuple(f for f in ordered if f.first_step <= step + LOOK_BACK)


def representative(found: Sequence[Finding], layer: str | None) -> Finding:
    """The finding that stands for all of one rule: the first; of several that begin together, that of ``layer``.

    Sudden events begin together where they begin in one step: a burst of the gradient in one layer reaches the others
    a step later. Lasting states begin together where they begin within AFTERMATH steps.
    """
    rule = rule_of(found[0])
    if rule.is_slow:
        return max(found, key=lambda f: f.value)  # a slow change has no clear first step
    first = min(f.first_step for f in found)
    together = [f for f in found if f.first_step <= first + (0 if rule.is_sudden else AFTERMATH)]
    own = [f for f in together if f.layer == layer]
    return own[0] if own else max(together, key=lambda f: f.value)


def _without_seen_twice(links: Sequence[Finding]) -> list[Finding]:
    """The links without those that another link includes or explains.

    A link includes the same event in the same layer, one step before.
    """
    included = {(name, f.layer, f.first_step - 1) for f in links for name in rule_of(f).includes}
    explained = {name for f in links for name in rule_of(f).explains}
    return [f for f in links if (f.rule, f.layer, f.step) not in included and f.rule not in explained]
