"""The limits in the definitions of the verdicts."""

from __future__ import annotations

from functools import partial

from diagnostics.detect.thresholds import CALIBRATION, Threshold
from diagnostics.schema.window import LEAST_SAMPLES, LEAST_STEPS

DESIGN = "the project's definitions, fixed before any result"
_limit = partial(Threshold, "verdict")

THRESHOLDS = (
    _limit("guessing_loss", 0.95, "H", "guessing: mean data loss of at least this share of H", DESIGN, 0, 2),
    _limit("guessing_sigmas", 3.0, "sigma", "guessing: accuracy at most A plus so many sigma", DESIGN, 0, 10),
    _limit("learned_loss", 0.7, "H", "learned: mean data loss of at most this share of H", DESIGN, 0, 1),
    _limit(
        "contradiction_accuracy", 0.8, "share", "contradiction: a loss of guessing with this accuracy", "choice", 0, 1
    ),
    _limit(
        "recovery_accuracy",
        0.3,
        "share",
        "recovery: accuracy so far above A, with a loss below guessing",
        "choice",
        0,
        1,
    ),
    _limit(
        "between_accuracy",
        0.1,
        "share",
        "no defect at the end: so far above A, with a loss below guessing",
        "choice",
        0,
        1,
    ),
    _limit(
        "between_loss",
        0.85,
        "H",
        "no defect at the end of a run without an accuracy: mean data loss of at most this share of H",
        "choice",
        0,
        1,
    ),
    _limit("window_steps", LEAST_STEPS, "steps", "window: at least so many steps", DESIGN, 2, 10_000),
    _limit("window_samples", LEAST_SAMPLES, "samples", "window: at least so many samples", DESIGN, 1, 1e9),
    _limit(
        "patience",
        166,
        "steps",
        "a run that guesses at this step has not learned yet: an early warning",
        CALIBRATION,
        1,
        1e9,
    ),
    _limit(
        "standstill",
        6,
        "patience",
        "never learned without a proof: confirmed after so many times the patience, where nothing moves",
        CALIBRATION,
        1,
        1e9,
    ),
    _limit("grace", 101, "steps", "a run that ends guessing after fewer steps is undecided", CALIBRATION, 1, 1e9),
)
