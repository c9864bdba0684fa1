"""The headline names what went wrong, in sentences that stand by themselves and agree with the rest of the text."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from diagnostics.detect.findings import Diagnosis, Finding, Severity, Stretch, Verdict
from diagnostics.detect.link import Link, Origin
from reports.text.diagnosis import diagnosis_text, verdict_sentence
from reports.text.events import steps_words
from reports.text.headline import DRAWN_WORDS, SETTINGS_WORDS, headline, link_words, origin_words
from tests.helpers import synthetic_runs as synthetic

DEAD = "All 84 neurons of dense2 then output 0 for every input."
GREW = "By step 220 the steps of all layers grew 24x."
LARGE = "The first loss is 7.68."


def seen(rule: str, step: int, layer: str | None = None, plain: str = "") -> Finding:
    return Finding(rule, layer, step, step + 9, math.nan, math.nan, Severity.ERROR, math.nan, "seen", plain=plain)


def link(one: Finding, origin: Origin = Origin.UNKNOWN) -> Link:
    return Link(one.rule, one.layer, one.first_step, one.message, origin, plain=one.plain)


def died(*chain: Finding, first: Finding, blow: Finding | None = None, origin: Origin = Origin.UNKNOWN) -> Diagnosis:
    struck = None if blow is None else link(blow)
    return Diagnosis("x", Verdict.COLLAPSED, 1400, 1200, 1234, first_link=link(first, origin), blow=struck, chain=chain)


FADED = seen("fading-signal", 176, "conv2", "From step 176 on the outputs of conv2 faded.")
GROWING, SILENT = seen("growing-steps", 220, plain=GREW), seen("dead-units", 331, "dense2", DEAD)


def test_a_sentence_that_opens_the_headline_has_its_step_and_no_then():
    told = headline(died(SILENT, first=SILENT, blow=SILENT))

    assert told == "Step 331: All 84 neurons of dense2 output 0 for every input."


def test_a_first_link_long_before_the_blow_comes_before_it():
    near = seen("exploding-gradient", 320, "conv2", "The gradient of conv2 grew.")
    silent = "Step 331: All 84 neurons of dense2 output 0 for every input."

    assert headline(died(FADED, SILENT, first=FADED, blow=SILENT)) == f"{FADED.plain} {silent}"
    assert headline(died(near, SILENT, first=near, blow=SILENT)) == silent


def test_a_fault_within_the_chain_is_named_before_what_it_did():
    diagnosis = died(FADED, GROWING, SILENT, first=FADED, blow=SILENT)

    assert headline(diagnosis) == f"{GREW} {DEAD}"
    assert SETTINGS_WORDS.removeprefix("it points to ") in " ".join(diagnosis_text(diagnosis).split())


def test_a_fault_after_the_blow_is_not_told_as_its_reason():
    late = seen("growing-steps", 400, plain=GREW)

    assert GREW not in headline(died(FADED, SILENT, late, first=FADED, blow=SILENT))


def test_a_layer_that_was_stopped_is_told_and_not_the_loss_that_the_run_began_with():
    equal = seen("equal-units", 0, "dense1", "All weights of dense1 are the same number.")
    first_loss, update = seen("telling-loss", 0, plain=LARGE), seen("oversized-update", 0, "conv1", "Step 0 hit conv1.")
    stopped = seen("dead-units", 1, "conv1", "All 6 kernels of conv1 then output 0.")
    told = headline(died(equal, first_loss, update, stopped, first=equal, blow=update))

    assert told == f"{equal.plain} {update.plain} {stopped.plain}"


@pytest.mark.parametrize(
    ("rule", "step", "origin", "words"),
    [
        ("equal-units", 0, Origin.CODE, DRAWN_WORDS),
        ("learning-rate-jump", 195, Origin.SETTINGS, SETTINGS_WORDS),
        ("tiny-steps", 0, Origin.SETTINGS, SETTINGS_WORDS),
    ],
)
def test_the_order_of_the_batches_and_the_gradient_have_no_part_in_some_faults(rule, step, origin, words):
    assert origin_words(link(seen(rule, step), origin)) == words


def test_a_large_update_may_be_luck_in_the_order_of_the_batches():
    assert "luck in the order of the batches" in origin_words(link(seen("oversized-update", 53), Origin.SETTINGS))


def test_a_fault_of_the_data_is_in_the_input_and_its_name_can_be_read():
    assert link_words(link(seen("non-finite", 262, "input"))) == "step 262, non-finite numbers in the input"
    assert link_words(link(seen("input-scale", 144, "input"))) == "step 144, wrong scale in the input"


def test_a_run_that_forgets_step_by_step_is_not_said_to_guess_from_the_first_of_them_on():
    told = verdict_sentence(synthetic.collapsed())

    assert told.startswith(
        "This run had learned, began to lose it at step 700, and does no better than guessing at its"
    )


def test_steps_are_written_alike_in_every_line():
    text = diagnosis_text(died(seen("oversized-update", 1196), first=FADED))

    assert "since:      step 1,200, confirmed at step 1,234;" in text
    assert "steps 1,196 to 1,205: seen" in text


@pytest.mark.parametrize(
    ("first", "last", "recovery", "told"),
    [
        (1190, 1190, None, "step 1,190"),
        (1190, 1199, None, "steps 1,190 to 1,199"),
        (1190, 1234, None, "from step 1,190 on"),  # the rules looked no further than the confirmation
        (1201, 1399, None, "from step 1,201 on"),
        (1201, 1299, 1300, "steps 1,201 to 1,299"),
        (1201, 1234, 1300, "from step 1,201 on"),
        (1234, 1234, None, "step 1,234"),
    ],
)
def test_an_event_has_an_end_only_where_it_is_known(first, last, recovery, told):
    diagnosis = replace(
        died(FADED, first=FADED), stretches=(Stretch(Verdict.COLLAPSED, 1200, 1234, recovery),), confirmed=1234
    )

    assert steps_words(replace(FADED, first_step=first, last_step=last), diagnosis) == told
