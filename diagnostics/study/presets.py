"""Three studies that answer the paper, as data: the table, the remedies, and why it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnostics.detect import remedies as detect_remedies
from diagnostics.errors import StudyError
from diagnostics.study.plan import Arm
from diagnostics.study.planned_arms import arm_settings, told_apart
from lenet.arguments import did_you_mean
from lenet.setting_values import option_name
from lenet.settings import Settings

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Preset:
    """A study by name.

    Args:
        name: what ``--preset`` takes.
        question: what the study answers.
        arms: for each arm its label, the changes to the paper's settings, the number of runs,
            and the label of its control.
    """

    name: str
    question: str
    arms: tuple[tuple[str, Changes, int, str | None], ...]

    def build(self, changes: Changes, runs: int | None = None) -> tuple[Arm, ...]:
        """The arms.

        Args:
            changes: settings for all arms, such as a smaller data set.
            runs: how many seeds of every arm; default, the preset's own numbers.

        Raises:
            StudyError: a change of a setting that an arm sets itself. That arm would no longer be what its label says.
        """
        for label, own, _, _ in self.arms:
            for name in own.keys() & changes.keys():
                raise StudyError(
                    f"{option_name(name)}: the arm {label!r} of --preset {self.name} sets it itself; leave it out"
                )
        return told_apart(
            Arm(label, arm_settings(Settings.from_dict({**own, **changes})), runs or n, control)
            for label, own, n, control in self.arms
        )


AUTHOR_RUNS = {"feedforward": 48, "conv": 22, "conv2": 5, "conv-pool": 3, "lenet": 9}
"""How often the paper's author ran each network."""

# At least as many runs as he made. Where he made few, enough for an interval worth printing.
_TABLE_RUNS = {"feedforward": 48, "conv": 22, "conv2": 10, "conv-pool": 20, "lenet": 40}
_REPORT = {"convolution": "report"}

EXACT, REPORT = "exact convolution", "paper's convolution"

REPORT_TABLE = Preset(
    "report-table",
    "Does the paper's table come out again, and how many of its runs are defect runs?",
    (
        ("feedforward", {"network": "feedforward"}, _TABLE_RUNS["feedforward"], None),
        *(
            (f"{network}, {EXACT}", {"network": network}, runs, None)
            for network, runs in _TABLE_RUNS.items()
            if network != "feedforward"
        ),
        *(
            (f"{network}, {REPORT}", {"network": network, **_REPORT}, runs, f"{network}, {EXACT}")
            for network, runs in _TABLE_RUNS.items()
            if network != "feedforward"
        ),
    ),
)

SEEDS = 40


def _remedy(key: str, dose: float | None = None) -> Changes:
    """What a remedy of :mod:`diagnostics.detect.remedies` changes in the paper's settings, at a strength."""
    report = Settings().to_dict()
    changed = detect_remedies.REMEDIES[key].changed(report, dose)
    return {name: value for name, value in changed.items() if report[name] != value}


# What the author had in mind (decay, "regularization, etc.", and the optimisers he names), what is commonly
# done against such deaths (clipping, warm-up, a smaller rate, other initial weights), and shuffling.
_REMEDIES: tuple[tuple[str, Changes], ...] = (
    ("inverse-time decay 3e-4 (the paper's)", {"lr_decay": "inverse-time", "decay_rate": 3e-4}),
    ("inverse-time decay 3e-3", {"lr_decay": "inverse-time", "decay_rate": 3e-3}),
    ("step decay, halved each epoch", {"lr_decay": "step", "decay_rate": 0.5}),
    ("cosine decay", {"lr_decay": "cosine"}),
    # L2 as in "Neural Networks from Scratch", which the author followed. L1 is chosen so that at first both
    # shrink the weights alike.
    ("L1 5e-5", {"l1": 5e-5}),
    ("L2 5e-4", _remedy("weight-decay", 5e-4)),
    ("warm-up over 100 steps", _remedy("warm-up", 100)),
    ("gradient clipped to norm 1", _remedy("clip", 1.0)),
    ("half the learning rate", _remedy("smaller-rate", 0.5)),
    ("a quarter of the learning rate", _remedy("smaller-rate", 0.25)),
    # v = m v + g sums to g / (1 - m): 0.05 / (1 - 0.9) = 0.5.
    ("momentum 0.9 at lr 0.05", {"optimizer": "momentum", "momentum": 0.9, "lr": 0.05}),
    ("Adam at lr 0.001", _remedy("adaptive", 0.001)),
    ("He initialisation", {"init": "he"}),
    ("LeCun initialisation", _remedy("lecun-init")),
    ("shuffled batches", {"shuffle": True}),
)
# His question was about his own code, so the remedies he had in mind are tried with its convolution as well.
_ON_REPORT = (
    "inverse-time decay 3e-4 (the paper's)",
    "inverse-time decay 3e-3",
    "L2 5e-4",
    "gradient clipped to norm 1",
)
CONTROL, REPORT_CONTROL = "control", f"control, {REPORT}"

REMEDIES = Preset(
    "remedies",
    "Which remedies save runs of the paper's lenet, and at which cost?",
    (
        (CONTROL, {}, SEEDS, None),
        *((label, changes, SEEDS, CONTROL) for label, changes in _REMEDIES),
        (REPORT_CONTROL, _REPORT, SEEDS, None),
        *(
            (f"{label}, {REPORT}", {**changes, **_REPORT}, SEEDS, REPORT_CONTROL)
            for label, changes in _REMEDIES
            if label in _ON_REPORT
        ),
    ),
)

WHY = Preset(
    "why",
    "Why does lenet break, with an exact backward pass and with the paper's?",
    ((EXACT, {}, SEEDS, None), (REPORT, _REPORT, SEEDS, EXACT)),
)

RESCUE = "rescue"
"""The preset of the command line that is no study of arms: it rescues runs that died."""
PRESETS = {preset.name: preset for preset in (REPORT_TABLE, REMEDIES, WHY)}


def preset(name: str) -> Preset:
    """A preset by name. Raises StudyError naming those there are."""
    if name not in PRESETS:
        known = [*PRESETS, RESCUE]
        raise StudyError(f"--preset: received {name!r}, expected one of {', '.join(known)}{did_you_mean(name, known)}")
    return PRESETS[name]
