"""Says in one or two sentences what happened: the blow, and the lasting state after it."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.detect.faults import FAULTS, faults_of_healthy, told_fault
from diagnostics.detect.findings import Diagnosis, Finding
from diagnostics.detect.link import Link, Origin
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.track_record import in_setting, track_record
from diagnostics.detect.undecided import UNDECIDED
from diagnostics.run.turning_point import LASTING
from reports.text.numbers import counted
from reports.text.phrases import rule_name, sentence

LONG_BEFORE = 20
"""The steps between a first link and the blow from which on the blow alone does not tell how the defect began."""


def headline(diagnosis: Diagnosis) -> str:
    """The blow as a sentence, then the lasting state after it. For an undecided run the reason comes first.

    A first link long before the blow comes before it: the remedies answer how it began, too.
    A fault that led to the blow comes before it: what the blow did to the network is no answer where the code is wrong.
    The faults of a run that learned in spite of them are told too. The text is "" where no rule saw what happened.
    """
    link = diagnosis.blow or diagnosis.first_link
    undecided = [f.plain for f in diagnosis.findings if f.rule == UNDECIDED]
    if link is None:
        return " ".join([*undecided, *_in_spite_of(faults_of_healthy(diagnosis))])
    fault = told_fault(diagnosis)
    told = [_sentence_of(one) for one in (fault, link) if one is not None]
    if fault is None or fault.rule == link.rule:
        first = diagnosis.first_link
        is_earlier = first is not None and link.step - first.step > LONG_BEFORE
        told = [*([_sentence_of(first)] if first is not None and is_earlier else []), _opening(link)]
    states = [f for f in diagnosis.chain if f.plain and f.rule in LASTING and f.rule != link.rule]
    # A state that stops a layer comes first, then one that began after the blow, which left it behind.
    states.sort(key=lambda f: (f.rule not in STOPPING, f.first_step < link.step))
    return " ".join([*undecided, *told, *(state.plain for state in states[:1] if state.plain not in told)])


def _in_spite_of(faults: Sequence[Finding]) -> list[str]:
    """The faults of a run that learned, as sentences with one before them; none where there are none."""
    told = list(dict.fromkeys(f.plain or sentence(f.message) for f in faults))
    return [f"Yet the rules found {'a fault' if len(told) == 1 else 'faults'}.", *told] if told else []


def _sentence_of(event: Link | Finding) -> str:
    return event.plain or f"Step {event.step:,}: {event.message}."


def _opening(link: Link) -> str:
    """The sentence of a link with nothing before it to which its "then" could refer."""
    if " then " not in link.plain:
        return _sentence_of(link)
    return f"Step {link.step:,}: {link.plain.replace(' then ', ' ', 1)}"


def link_words(link: Link | Finding) -> str:
    """An event of the chain in a line: its step, its mechanism, and every layer that it hit."""
    return f"step {link.step:,}, {rule_name(link.rule)}{in_layers(link)}"


def in_layers(link: Link | Finding) -> str:
    """The layers that an event hit, such as " in conv2 and conv1"; "" for the whole network."""
    hit = link.layers if isinstance(link, Link) else ()
    layers = hit or ((link.layer,) if link.layer else ())
    if not layers:
        return ""
    *first, last = ("the input" if layer == "input" else layer for layer in layers)
    return f" in {', '.join(first)} and {last}" if first else f" in {last}"


def measured_words(link: Link) -> str:
    """How often the rule of a link named an injected fault right, and how often its sign occurs in healthy runs."""
    record = track_record(link.rule)
    told = "named in no injected fault"
    if record.named:
        told = f"right in {record.right} of {record.named} injected faults that were named so"
    if not record.alive:
        return f"{rule_name(link.rule)}: how often it is right was not measured"
    told += f", and seen in {record.seen} of {record.alive} runs that learned"
    same = in_setting(link.rule, link.setting)
    if same is not None:
        seen = f"{same.seen or 'none'} of {same.alive}"
        seen += f" ({counted(same.times, 'time')})" if same.times else ""
        told += f"; with {same.setting} in {seen}"
    return f"{rule_name(link.rule)}: {told}"


def origin_sentence(diagnosis: Diagnosis) -> str:
    """What the first link points to as a sentence, and how to check it; "" without a first link."""
    return "" if diagnosis.first_link is None else sentence(origin_words(diagnosis.first_link, told_fault(diagnosis)))


def origin_words(first: Link, fault: Link | Finding | None = None) -> str:
    """What the first link points to, and how to check it.

    ``fault``: the fault of the chain, which says it where the first link does not; None (default) for none.
    """
    origin, rule, step = first.origin, first.rule, first.step
    if origin is Origin.UNKNOWN and fault is not None and fault.rule != first.rule:
        origin, rule, step = _ORIGINS[fault.rule], fault.rule, fault.step
    if step == 0 and rule in STOPPING and origin is Origin.SETTINGS:
        return INITIAL_WORDS
    if step == 0 and rule in DRAWN:
        return DRAWN_WORDS
    if rule in FAULTS and _ORIGINS[rule] is Origin.SETTINGS:
        return SETTINGS_WORDS
    return ORIGIN_WORDS[origin]


_ORIGINS = {rule.name: rule.origin for rule in MECHANISMS}

DRAWN = {rule.name for rule in MECHANISMS if "random-weights" in rule.remedies}
"""The rules that see weights which nobody drew at random, where they see them in the first row."""

DRAWN_WORDS = "it points to the code; to check: how the initial weights are drawn"

SETTINGS_WORDS = (
    "it points to the settings; to check: the learning rate, its schedule, the momentum and penalties on the weights"
)
"""The origin of a fault of the settings, in which the order of the batches has no part."""

STOPPING = {rule.name for rule in MECHANISMS if rule.blocks_learning > 1}
"""The rules that see a layer that cannot learn. One that sees no gradient does not say whether the code is wrong."""

INITIAL_WORDS = (
    "it points to the weights and biases that the run began with, which made the layer so before the first update: "
    "neither the learning rate nor the order of the batches had a part in it; to check: how they are drawn, and "
    "another seed"
)
"""The origin of a state that the first row already shows."""

ORIGIN_WORDS = {
    "code": "it points to the code; to check: a gradient check of the layers, and what writes to their weights",
    "settings": "it points to the settings, or to luck in the order of the batches; the same run from the same point "
    "with other orders and with other settings (a rescue) tells them apart",
    "data": "it points to the data; to check: inputs and labels",
    "luck": "it points to luck; to check: the same settings with other seeds",
    "unknown": "the log does not say whether it is the code, the settings, the data or luck; to check: a gradient "
    "check for the code, inputs and labels for the data",
}
