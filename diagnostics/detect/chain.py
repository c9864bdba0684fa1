"""From what rules found to a chain of events: which of them are connected, and which was the blow.

The *blow* is the event after which the state that keeps the run down holds to the end. An
event is connected with it where the run did not recover in between: where it did as well
again as before the event, the event has no part in what came later. The *first link* is the
earliest connected event.
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
AFTERMATH = 3  # steps after it
AT_ONCE = 3  # a blow shows in the row after it; a state that counts from its fifth unit may come a little later
# A recovery: the mean of three rows is better than guessing, and by this share of H as good as before the event.
RECOVERY_ROWS, BETTER_THAN_GUESSING, AS_GOOD_AS_BEFORE = 3, 0.95, 0.05


@dataclass(frozen=True)
class Fall:
    """Where a run died.

    step: the step, None where none can be named.
    layer: the layer that died, None for no layer.
    state: the lasting state that began then, None where no rule sees one.
    """

    step: int | None
    layer: str | None = None
    state: Finding | None = None


def recovered_between(window: Window, event: Finding, step: int) -> bool:
    """Whether the run did as well as before an event at some time between the event and ``step``."""
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


def connected(answers: Answers, window: Window, fall: Fall, down: int) -> list[Finding]:
    """All findings that belong to a fall at step ``down``; the last resorts are left out."""
    links = []
    for finding in (one for found in answers.values() for one in fired(found)):
        rule = rule_of(finding)
        if rule.is_last_resort or (rule.keeps_down and finding.first_step < down - LOOK_BACK):
            continue
        if rule.is_sudden and (finding.first_step > down or recovered_between(window, finding, down)):
            continue
        links.append(finding)
    return _without_seen_twice(links)


def blow_of(links: Sequence[Finding], fall: Fall, down: int) -> Finding | None:
    """The event that brought the run down, with every layer that it hit in its message; None where nothing is seen."""
    events = [f for f in links if rule_of(f).is_blow and down - LOOK_BACK <= f.step <= down + AFTERMATH]
    if not events:
        return fall.state
    # An update is what changed the network; a fault in data or settings is why it was so large.
    blow = max(
        events,
        key=lambda f: (rule_of(f).is_sudden, f.step >= down - AT_ONCE, f.layer == fall.layer, np.nan_to_num(f.value)),
    )
    hit = hit_with(blow, links)
    return replace(blow, message=rule_of(blow).together(hit)) if len(hit) > 1 else blow


def hit_with(event: Finding, links: Sequence[Finding]) -> list[Finding]:
    """The findings of the same rule that cover the event's step, the event first: what it did to each layer."""
    same = [
        f
        for f in links
        if f.rule == event.rule
        and f.layer != event.layer
        and f.first_step <= event.step <= f.last_step
        and (not rule_of(f).is_lasting or f.first_step <= event.step + AFTERMATH)
    ]
    return [event, *same]


def chain_of(links: Sequence[Finding], blow: Finding | None, fall: Fall, down: int) -> tuple[Finding, ...]:
    """The links in the order of their steps, mostly one a rule, and the blow among them."""
    by_rule: dict[str, list[Finding]] = {}
    for link in links:
        by_rule.setdefault(link.rule, []).append(link)
    chosen: list[Finding] = []
    for found in by_rule.values():
        first = representative(found, fall.layer)
        chosen.append(first)
        # Where another layer's state came first, that of the layer that died is a link of its own.
        chosen += [f for f in found if rule_of(f).keeps_down and f.layer == fall.layer and f is not first]
    if blow is not None:
        # The blow stands for what was chosen of the same event.
        chosen = [f for f in chosen if f.rule != blow.rule or not f.first_step <= blow.step <= f.last_step]
        chosen.append(blow)
    ordered = sorted(chosen, key=lambda f: (f.first_step, rule_of(f).rank))
    return tuple(f for f in ordered if f.first_step <= down + LOOK_BACK)


def representative(found: Sequence[Finding], layer: str | None) -> Finding:
    """Of one rule's findings the one that is told: the first, that of ``layer`` where they begin together."""
    if rule_of(found[0]).is_slow:
        return max(found, key=lambda f: f.value)  # what is slow has no step at which it came first
    first = min(f.first_step for f in found)
    together = [f for f in found if f.first_step <= first + AFTERMATH]
    own = [f for f in together if f.layer == layer]
    return own[0] if own else max(together, key=lambda f: f.value)


def _without_seen_twice(links: Sequence[Finding]) -> list[Finding]:
    """The links without those that another rule includes: the same event in the same layer, one step before."""
    included = {(name, f.layer, f.first_step - 1) for f in links for name in rule_of(f).includes}
    return [f for f in links if (f.rule, f.layer, f.step) not in included]
