"""The blow and the first link of a chain: which events are connected, and which one the run broke at."""

from __future__ import annotations

import numpy as np

from diagnostics.detect.chain import representative
from diagnostics.detect.findings import Finding, Severity, Verdict
from diagnostics.detect.link import Origin
from reports.text.diagnosis import diagnosis_text
from reports.text.headline import headline
from tests.helpers.judged_rows import H, P, judge, piecewise, rows

STEPS = P + 60


def twice_hit(recovers=True):
    """A run whose dense1 is thrown off at step 34 and again at step 53; in between it comes back, or does not."""
    t = np.arange(STEPS)
    loss = np.where(t < 34, 2.2, H)
    if recovers:
        loss = np.where((t >= 46) & (t < 53), 1.5, loss)
    silent = np.where(t < 35, 0.1, np.where(t < 46, 0.81, np.where(t < 54, 0.2, 1.0)))
    if not recovers:
        silent = np.where(t < 35, 0.1, np.where(t < 54, 0.7, 1.0))
    hit = {"dense1": np.select([t == 34, t == 53], [9.0, 8.0], 0.1), "conv1": np.where(t == 53, 14.0, 0.1)}
    gone = {
        f"{one}/{part}/gradient/norm": np.where(t >= 54, 0.0, 1.0)
        for one in ("conv1", "dense1")
        for part in ("weights", "biases")
    }
    updates = {f"{one}/weights/update/norm": norm for one, norm in hit.items()}
    # As in plain gradient descent, a large update has a large gradient.
    gone |= {f"{one}/weights/gradient/norm": np.where(t >= 54, 0.0, 10 * norm) for one, norm in hit.items()}
    return judge(rows(loss, 0.1 + 0.4 * (loss < 2), changes={"dense1/dead_fraction": silent, **gone, **updates}))


def test_the_blow_is_the_update_after_which_the_layer_stays_silent_with_every_layer_that_it_hit():
    blow = twice_hit().diagnosis.blow

    assert (blow.rule, blow.layer, blow.step) == ("oversized-update", "dense1", 53)
    assert set(blow.layers) == {"dense1", "conv1"}
    assert "dense1 57% of its norm" in blow.message
    assert "conv1 99% of its norm" in blow.message


def test_a_recovery_in_between_ends_the_earlier_story():
    diagnosis = twice_hit().diagnosis

    assert diagnosis.verdict is Verdict.NEVER_LEARNED
    assert diagnosis.first_link.step == 53
    assert all(link.first_step >= 53 for link in diagnosis.chain[:-1])


def test_without_a_recovery_the_earlier_event_is_the_first_link_and_the_blow_stays_the_blow():
    diagnosis = twice_hit(recovers=False).diagnosis

    assert (diagnosis.first_link.rule, diagnosis.first_link.step) == ("oversized-update", 34)
    assert diagnosis.blow.step == 53
    assert [link.step for link in diagnosis.chain if link.rule == "oversized-update"] == [34, 53]


def test_the_run_broke_at_the_blow_and_the_json_says_so():
    diagnosis = twice_hit().diagnosis
    told = diagnosis.to_json()

    assert diagnosis.broke_at == told["broke_at"] == 53
    assert told["cause"] == told["first_link"]
    assert {"rule", "layer", "layers", "step", "message", "origin"} <= set(told["blow"])
    assert told["blow"]["layers"][0] == "dense1"
    assert told["blow"]["origin"] == Origin.SETTINGS


def test_the_headline_is_a_sentence_about_the_blow_and_what_it_left():
    words = headline(twice_hit().diagnosis)

    assert words.startswith("Step 53 changed dense1 by 57% of its size. All 16 neurons of dense1 then output 0 for")
    assert words.endswith("so the layer can never recover.")


def test_the_text_names_blow_and_first_link():
    text = diagnosis_text(twice_hit(recovers=False).diagnosis)

    assert "blow:       step 53, oversized update in dense1 and conv1" in text
    assert "first link: step 34, oversized update in dense1" in text


def test_a_harmless_event_in_a_run_that_learns_is_no_part_of_a_later_collapse():
    t = np.arange(260)
    updates = np.select([t == 185, t == 199], [9.0, 8.0], 0.1)
    silent = np.where(t < 200, 0.1, 1.0)
    loss = np.where(t < 200, 0.3, H)
    diagnosis = judge(
        rows(
            loss,
            changes={
                "dense1/weights/update/norm": updates,
                "dense1/weights/gradient/norm": 10 * updates,
                "dense1/dead_fraction": silent,
            },
        )
    ).diagnosis

    assert diagnosis.verdict is Verdict.COLLAPSED
    assert diagnosis.first_link.step == diagnosis.blow.step == 199


def test_a_state_from_the_first_row_on_is_its_own_blow():
    diagnosis = judge(rows(piecewise((STEPS, H)), 0.1, changes={"dense1/dead_fraction": 1.0})).diagnosis

    assert (diagnosis.blow.rule, diagnosis.blow.step) == ("dead-units", 0)
    assert diagnosis.broke_at == 0


def test_without_an_event_there_is_no_blow():
    diagnosis = judge(rows(piecewise((STEPS, H)), 0.1)).diagnosis

    assert diagnosis.blow is None
    assert diagnosis.first_link.rule == "uninformative-labels"


def finding(rule, layer, step):
    return Finding(rule, layer, step, step + 5, 9.0, 6.0, Severity.ERROR, 0.9, "found")


def test_a_sudden_event_counts_from_the_layer_in_which_it_began_and_a_state_from_the_layer_that_failed():
    burst = [finding("exploding-gradient", "dense1", 160), finding("exploding-gradient", "conv1", 161)]
    silent = [finding("dead-units", "dense1", 160), finding("dead-units", "conv1", 161)]

    assert representative(burst, "conv1").layer == "dense1"
    assert representative(silent, "conv1").layer == "conv1"
    together = [finding("exploding-gradient", layer, 160) for layer in ("dense1", "conv1")]
    assert representative(together, "conv1").layer == "conv1"


def test_a_layer_that_failed_under_an_update_that_was_usual_for_it_is_told_with_the_blow():
    t = np.arange(STEPS)
    changes = {
        "conv1/dead_fraction": np.where(t < 35, 0.1, 1.0),
        "conv1/weights/update/norm": np.where(t <= 34, 9.0, 0.0),  # every step is as large
        "dense1/weights/update/norm": np.where(t == 34, 9.0, 0.1),
    }
    blow = judge(rows(np.where(t < 34, 2.2, H), 0.1, changes=changes)).diagnosis.blow

    assert (blow.layer, blow.layers) == ("dense1", ("dense1",))
    assert blow.plain == "Step 34 changed dense1 by 64% of its size, and conv1 by 64% of its own."
