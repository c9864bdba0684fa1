"""One judged run of the zoo: its label from validation accuracy alone, and the detector's verdict on its log."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import done
from benchmarks.zoo.csv_rows import as_csv, verdict_of
from benchmarks.zoo.faults import QUIET_FAULTS, injected
from diagnostics.detect.asking import ask, fired
from diagnostics.detect.contradiction import CONTRADICTION
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.early_warnings import RULE
from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.detect.recorded import diagnose
from diagnostics.detect.rules import ENDING, MECHANISMS
from diagnostics.detect.track_record import setting_of
from diagnostics.detect.window import Window
from diagnostics.log.reader import open_run
from diagnostics.run.run import Run

NATURAL = ("natural", "own")
FAULT_RULES = frozenset(rule.name for rule in (*ENDING, *MECHANISMS) if rule.is_fault)
DEAD_BELOW, ALIVE_ABOVE, LEARNED_ABOVE = 0.2, 0.8, 0.5


@dataclass(frozen=True)
class JudgedRun:
    """Label and verdict of a run, with its findings.

    Attributes:
        stretches: (kind, onset, confirmed, recovery) of each.
        truth: the injected fault; None for a run without one.
        cause: (rule, layer, step) of the first link.
        warned: the steps of its early warnings.
        warned_by: the signs of its early warnings.
        told: (rule, layer) of the faults that were found, whatever the verdict.
        signs: how often the sign of each rule occurs in it, for a run that lives.
        is_contradictory: whether loss and accuracy contradicted each other.
        setting: network, optimiser and learning rate, by which runs are compared.
        trained_at: the commit that trained it.
        judged_at: the commit that judged it.
        from_csv: the verdict from loss and accuracy alone, for natural runs of lenet.
    """

    name: str
    group: str
    network: str
    convolution: str
    steps: int
    accuracies: tuple[float, ...]
    truth: dict[str, Any] | None
    verdict: str
    onset: int | None
    confirmed: int | None
    stretches: tuple[tuple[str, int, int, int | None], ...]
    cause: tuple[str, str | None, int] | None
    warned: tuple[int, ...]
    warned_by: tuple[str, ...] = ()
    told: tuple[tuple[str, str | None], ...] = ()
    signs: Mapping[str, int] = field(default_factory=dict)
    is_contradictory: bool = False
    setting: str = ""
    trained_at: str = ""
    judged_at: str = ""
    from_csv: str | None = None

    @property
    def label(self) -> str:
        """Dead, alive or ambiguous, from the last validation accuracy."""
        last = self.accuracies[-1]
        return "dead" if last < DEAD_BELOW else "alive" if last > ALIVE_ABOVE else "ambiguous"

    @property
    def is_defect(self) -> bool:
        """Whether the verdict at the end of the run is that of a defect run."""
        return Verdict(self.verdict).is_defect

    @property
    def is_natural(self) -> bool:
        """Whether the run has no injected fault."""
        return self.group in NATURAL

    @property
    def unlearned(self) -> bool:
        """Dead, and above 0.5 at the end of an earlier epoch."""
        return self.label == "dead" and max(self.accuracies) > LEARNED_ABOVE

    @property
    def is_wrong(self) -> bool:
        """Whether the judgement contradicts the label: verdict, clean stretch, or the cause of an injected fault."""
        if self.truth is not None:
            return not (self.mechanism_right and self.layer_right)
        if self.group == "clean" and self.label == "alive":
            return bool(self.stretches)
        return self.label != "ambiguous" and (self.label == "dead") != self.is_defect

    @property
    def mechanism_right(self) -> bool:
        """Whether the cause names a mechanism that counts as right for the injected fault."""
        if self.truth and self.group in QUIET_FAULTS:
            return any(rule in self.truth["mechanisms"] for rule, _ in self.told)
        return bool(self.truth and self.cause and self.cause[0] in self.truth["mechanisms"])

    @property
    def layer_right(self) -> bool:
        """Whether the cause names the layer; right where the fault has none."""
        if self.truth and self.group in QUIET_FAULTS:
            return any(
                rule in self.truth["mechanisms"] and self.truth["layer"] in (None, layer) for rule, layer in self.told
            )
        return bool(self.truth and self.cause and (self.truth["layer"] is None or self.cause[1] == self.truth["layer"]))

    def as_json(self) -> dict[str, Any]:
        """All that is known of the run, and its label, as plain types."""
        return {**asdict(self), "label": self.label}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> JudgedRun:
        """The run of :meth:`as_json`, read again."""
        return cls(**{name: _as_tuples(value) for name, value in kept.items() if name != "label"})


def _as_tuples(value: Any) -> Any:
    """The same with every list as a tuple."""
    if isinstance(value, dict):
        return {key: _as_tuples(one) for key, one in value.items()}
    return tuple(_as_tuples(one) for one in value) if isinstance(value, list) else value


def judge(label: Path) -> JudgedRun:
    """The run of a label, judged from its log."""
    run = open_run(label.with_suffix(".h5"))
    judged = judged_run(label, diagnose(run, DEFAULT_THRESHOLDS))  # the thresholds of today, not those of the log
    if judged.is_natural and judged.network == "lenet":
        judged = replace(judged, from_csv=str(verdict_of(as_csv(run), run)))
    return replace(judged, signs=signs_in(run)) if judged.label == "alive" else judged


def signs_in(run: Run) -> dict[str, int]:
    """How often the sign of each rule occurs in a run, also of rules that have a meaning only before a run breaks."""
    asked = whole_run(run).asked_from_its_beginning()
    found = {rule.name: len(fired(ask(rule, asked))) for rule in MECHANISMS if not rule.is_last_resort}
    return {name: times for name, times in found.items() if times}


def whole_run(run: Run) -> Window:
    """All rows of a run as one window."""
    return Window(run.info, DEFAULT_THRESHOLDS, run.index["step"].astype(np.int64), run.block())


def judged_run(label: Path, diagnosis: Diagnosis) -> JudgedRun:
    """The judged run from a label and a diagnosis."""
    entry = json.loads(label.read_text())
    cause = diagnosis.cause
    return JudgedRun(
        name=label.stem,
        group=entry["group"],
        network=entry["settings"]["network"],
        convolution=entry["settings"]["convolution"],
        steps=diagnosis.steps,
        accuracies=tuple(round(float(a), 4) for a in entry["accuracies"]),
        # The right mechanisms come from today's list, which has the rules of today.
        truth=vars(injected(entry["group"], entry["settings"]["seed"]).truth) if entry["truth"] else None,
        verdict=str(diagnosis.verdict),
        onset=diagnosis.onset,
        confirmed=diagnosis.confirmed,
        stretches=tuple((str(s.kind), s.onset, s.confirmed, s.recovery) for s in diagnosis.stretches),
        cause=(cause.rule, cause.layer, cause.step) if cause else None,
        warned=tuple(f.first_step for f in diagnosis.findings if f.rule == RULE),
        warned_by=tuple(sorted({f.detail for f in diagnosis.findings if f.rule == RULE})),
        told=tuple((f.rule, f.layer) for f in diagnosis.findings if f.rule in FAULT_RULES),
        is_contradictory=any(f.rule == CONTRADICTION for f in diagnosis.findings),
        setting=setting_of(entry["settings"]),
        trained_at=entry["commit"],
    )


def judge_all(folder: Path, jobs: int = 2, known: Collection[str] = ()) -> list[JudgedRun]:
    """The complete runs of a folder in the order of their names; those that cannot be judged are named.

    Args:
        folder: where logs and labels lie.
        jobs: how many are judged at a time.
        known: the names of runs that are not judged again.
    """
    labels = [label for label in sorted(folder.glob("*.json")) if label.stem not in known]
    return done(labels, judge, jobs)
