"""The state machine against a second implementation from the definitions alone."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.symptoms import Symptoms, window_of
from tests.diagnostics.detect.test_symptoms import BETWEEN, GOOD, GUESS, NAN, TEN, told
from tests.helpers.examples import examples
from tests.helpers.judged_rows import H
from tests.helpers.plain_symptoms import PlainRow, Words, state, stretches

REGIMES = (GOOD, 0.7 * H, BETWEEN, 0.95 * H, GUESS, 3.0, NAN)


@st.composite
def runs(draw):
    """Rows of changing regimes, with noise, other batch sizes, gaps between rows, and bad parameters."""
    batch = draw(st.sampled_from([8, 64, 128, 600]))
    prior = draw(st.sampled_from([TEN, (0.5, 0.5), (0.8, 0.15, 0.05), (0.05,) * 20]))
    every = draw(st.sampled_from([1, 1, 1, 3, 7, 30]))
    words = Words(prior, batch, draw(st.integers(20, 200)), draw(st.integers(20, 120)))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    parts = draw(st.lists(st.tuples(st.integers(1, 60), st.sampled_from(REGIMES)), min_size=1, max_size=7))
    noise = draw(st.sampled_from([0.0, 0.02, 0.3]))
    rows, step = [], 0
    for count, value in parts:
        for _ in range(count):
            loss = float(np.float32(abs(value * words.entropy / H + noise * rng.normal())))
            rate = max(prior) if loss > 0.8 * words.entropy else 0.97
            rows.append(
                PlainRow(
                    step,
                    loss if math.isfinite(loss) else None,
                    int(rng.binomial(batch, rate)),
                    batch,
                    bool(rng.random() > 0.002),
                )
            )
            step += every
    return rows, words


@examples(60)
@given(runs())
def test_every_step_agrees_with_the_plain_definitions_and_nothing_confirmed_changes(case):
    rows, words = case
    limits = DEFAULT_THRESHOLDS.changed({"verdict.patience": words.patience, "verdict.grace": words.grace})
    symptoms = Symptoms(words.prior, window_of(limits, words.batch_size), limits)
    kept: list[tuple[int, int]] = []
    for end, row in enumerate(rows, 1):
        loss = NAN if row.loss is None else row.loss
        accuracy = float(np.float32(row.correct / row.samples))
        symptoms.observe(row.step, loss, accuracy, row.samples, row.finite and row.loss is not None)

        assert (symptoms.is_guessing, symptoms.is_learned) == state(rows[:end], words)
        assert [(s.onset, s.confirmed) for s in symptoms.stretches][: len(kept)] == kept
        kept = [(s.onset, s.confirmed) for s in symptoms.stretches]
    symptoms.finish()

    assert [list(s) for s in told(symptoms)] == stretches(rows, words)
