"""The rules of the detector, one a file. The lists here decide which rules are asked, shown and tested.

In: the rows of a run up to now.
Out: findings: which mechanism was seen, in which layer, and at which steps.
"""

from __future__ import annotations

from diagnostics.detect.rule import Rule
from diagnostics.detect.rules.accumulated_gradient import AccumulatedGradient
from diagnostics.detect.rules.changed_labels import ChangedLabels
from diagnostics.detect.rules.collapsed import Collapsed
from diagnostics.detect.rules.constant_answer import ConstantAnswer
from diagnostics.detect.rules.contradiction import ContradictingNumbers
from diagnostics.detect.rules.dead_units import DeadUnits
from diagnostics.detect.rules.diverged import Diverged
from diagnostics.detect.rules.equal_units import EqualUnits
from diagnostics.detect.rules.exploding_gradient import ExplodingGradient
from diagnostics.detect.rules.fading_signal import FadingSignal
from diagnostics.detect.rules.faint_gradient import FaintGradient
from diagnostics.detect.rules.foreign_change import ForeignChange
from diagnostics.detect.rules.frozen_layer import FrozenLayer
from diagnostics.detect.rules.growing_steps import GrowingSteps
from diagnostics.detect.rules.huge_steps import HugeSteps
from diagnostics.detect.rules.impossible_accuracy import ImpossibleAccuracy
from diagnostics.detect.rules.input_scale import InputScale
from diagnostics.detect.rules.learning_rate_jump import LearningRateJump
from diagnostics.detect.rules.loss_spikes import LossSpikes
from diagnostics.detect.rules.never_learned import NeverLearned
from diagnostics.detect.rules.noise_gradient import NoiseGradient
from diagnostics.detect.rules.non_finite import NonFinite
from diagnostics.detect.rules.one_class_labels import OneClassLabels
from diagnostics.detect.rules.oscillation import Oscillation
from diagnostics.detect.rules.output_function import OutputFunction
from diagnostics.detect.rules.overfitting import Overfitting
from diagnostics.detect.rules.oversized_update import OversizedUpdate
from diagnostics.detect.rules.parameter_drift import ParameterDrift
from diagnostics.detect.rules.saturated_units import SaturatedUnits
from diagnostics.detect.rules.shrinking_weights import ShrinkingWeights
from diagnostics.detect.rules.small_weights import SmallWeights
from diagnostics.detect.rules.stall import Stall
from diagnostics.detect.rules.summed_gradient import SummedGradient
from diagnostics.detect.rules.telling_loss import TellingLoss
from diagnostics.detect.rules.tiny_steps import TinySteps
from diagnostics.detect.rules.uninformative_labels import UninformativeLabels
from diagnostics.detect.rules.vanishing_gradient import VanishingGradient
from diagnostics.detect.rules.wrong_direction import WrongDirection
from diagnostics.detect.rules.wrong_sign import WrongSign
from diagnostics.detect.rules.zero_gradient import ZeroGradient
from diagnostics.detect.rules.zero_weights import ZeroWeights

MECHANISMS: tuple[Rule, ...] = (
    OutputFunction(),
    InputScale(),
    LearningRateJump(),
    WrongDirection(),
    WrongSign(),
    NonFinite(),
    ZeroWeights(),
    EqualUnits(),
    SmallWeights(),
    ShrinkingWeights(),
    ForeignChange(),
    FrozenLayer(),
    SummedGradient(),
    FaintGradient(),
    AccumulatedGradient(),
    NoiseGradient(),
    GrowingSteps(),
    TellingLoss(),
    OneClassLabels(),
    ChangedLabels(),
    ParameterDrift(),
    FadingSignal(),
    ExplodingGradient(),
    OversizedUpdate(),
    DeadUnits(),
    SaturatedUnits(),
    ZeroGradient(),
    VanishingGradient(),
    HugeSteps(),
    TinySteps(),
    UninformativeLabels(),
)
# The state machine finds these, row by row; their classes have the manual and the cases.
SYMPTOMS: tuple[Rule, ...] = (NeverLearned(), Collapsed(), Diverged(), ContradictingNumbers())
# Asked at the end of a run, whatever its verdict.
ENDING: tuple[Rule, ...] = (Oscillation(), Stall(), Overfitting(), ConstantAnswer(), ImpossibleAccuracy())
# Asked besides at the end of a run of which the loss of guessing is not known.
OF_LOSSES: tuple[Rule, ...] = (LossSpikes(),)
