"""The rules of the detector, one a file. What is listed here is asked, shown and tested."""

from __future__ import annotations

from diagnostics.rules.base import Rule
from diagnostics.rules.changed_labels import ChangedLabels
from diagnostics.rules.collapsed import Collapsed
from diagnostics.rules.dead_units import DeadUnits
from diagnostics.rules.diverged import Diverged
from diagnostics.rules.exploding_gradient import ExplodingGradient
from diagnostics.rules.fading_signal import FadingSignal
from diagnostics.rules.input_scale import InputScale
from diagnostics.rules.learning_rate_jump import LearningRateJump
from diagnostics.rules.never_learned import NeverLearned
from diagnostics.rules.non_finite import NonFinite
from diagnostics.rules.oscillation import Oscillation
from diagnostics.rules.overfitting import Overfitting
from diagnostics.rules.oversized_update import OversizedUpdate
from diagnostics.rules.parameter_drift import ParameterDrift
from diagnostics.rules.saturated_units import SaturatedUnits
from diagnostics.rules.stall import Stall
from diagnostics.rules.tiny_steps import TinySteps
from diagnostics.rules.uninformative_labels import UninformativeLabels
from diagnostics.rules.vanishing_gradient import VanishingGradient
from diagnostics.rules.wrong_direction import WrongDirection
from diagnostics.rules.zero_gradient import ZeroGradient
from diagnostics.rules.zero_weights import ZeroWeights

MECHANISMS: tuple[Rule, ...] = (
    InputScale(),
    LearningRateJump(),
    WrongDirection(),
    NonFinite(),
    ZeroWeights(),
    ChangedLabels(),
    ParameterDrift(),
    FadingSignal(),
    ExplodingGradient(),
    OversizedUpdate(),
    DeadUnits(),
    SaturatedUnits(),
    ZeroGradient(),
    VanishingGradient(),
    TinySteps(),
    UninformativeLabels(),
)
# Seen by the state machine, row by row; what stands here is their manual and their cases.
SYMPTOMS: tuple[Rule, ...] = (NeverLearned(), Collapsed(), Diverged())
# Asked at the end of a run, whatever its verdict.
ENDING: tuple[Rule, ...] = (Oscillation(), Stall(), Overfitting())
