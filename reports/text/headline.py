"""Says in one or two sentences what happened: the blow, and the lasting state after it."""

from __future__ import annotations

from diagnostics.detect.findings import Diagnosis
from diagnostics.detect.link import Link
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.track_record import in_setting, track_record
from diagnostics.detect.undecided import UNDECIDED
from diagnostics.run.turning_point import LASTING
from reports.text.numbers import counted
from reports.text.phrases import rule_name, sentence


def headline(diagnosis: Diagnosis) -> str:
    """The blow as a sentence, then the lasting state after it. For an undecided run the reason comes first.

    A fault that led to the blow comes before it: what the blow did to the network is no answer where the code is wrong.
    The text is "" where no rule saw what happened.
    """
    first = diagnosis.first_link
    link = diagnosis.blow or first
    undecided = [f.plain for f in diagnosis.findings if f.rule == UNDECIDED]
    if link is None or first is None:
        return " ".join(undecided)
    links = [first, link] if first.rule in FAULTS and first.rule != link.rule else [link]
    told = [one.plain or f"Step {one.step:,}: {one.message}." for one in links]
    states = [f for f in diagnosis.chain if f.plain and f.rule in LASTING and f.rule != link.rule]
    # The state that the blow left behind begins after it. One that was there before is told where there is no other.
    states.sort(key=lambda f: f.first_step < link.step)
    return " ".join([*undecided, *told, *(state.plain for state in states[:1] if state.plain not in told)])


def link_words(link: Link) -> str:
    """An event of the chain in a line: its step, its mechanism, and every layer that it hit."""
    return f"step {link.step:,}, {rule_name(link.rule)}{in_layers(link)}"


def in_layers(link: Link) -> str:
    """The layers that an event hit, such as " in conv2 and conv1"; "" for the whole network."""
    layers = link.layers or ((link.layer,) if link.layer else ())
    if not layers:
        return ""
    *first, last = layers
    return f" in {', '.join(first)} and {last}" if first else f" in {last}"


def measured_words(link: Link) -> str:
    """How often the rule of a link named an injected fault right, and how often its sign occurs in healthy runs."""
    record = track_record(link.rule)
    told = "no injected fault was named so"
    if record.named:
        told = f"right in {record.right} of {record.named} injected faults that were named so"
    told += f", and seen in {record.seen} of {record.alive} runs that learned"
    same = in_setting(link.rule, link.setting)
    if same is not None:
        times = f"{counted(same.times, 'time')} in {same.seen}" if same.times else "in none"
        told += f"; {times} of the {same.alive} with {same.setting}"
    return f"{rule_name(link.rule)}: {told}"


def origin_sentence(link: Link | None) -> str:
    """The origin of a link as a sentence, and how to check it; "" without a link."""
    return "" if link is None else sentence(origin_words(link))


def origin_words(link: Link) -> str:
    """What a link points to, and how to check it."""
    if link.step == 0 and link.rule in STOPPING and link.origin == "settings":
        return INITIAL_WORDS
    return ORIGIN_WORDS[link.origin]


FAULTS = {rule.name for rule in MECHANISMS if rule.is_fault}
"""The rules that see what no run ought to have. What they see is the answer, whatever it did to the network."""

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
