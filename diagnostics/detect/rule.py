"""What a rule is: a small, pure answer to one question about a window of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from diagnostics.detect.findings import Finding, Origin, Severity
from diagnostics.detect.thresholds import Threshold, Thresholds
from diagnostics.detect.track_record import track_record
from diagnostics.detect.window import TooFewRowsError, Window


def threshold(
    name: str, default: float, unit: str, meaning: str, source: str, least: float = 0.0, most: float = math.inf
) -> Threshold:
    """A limit of the rule in whose class it stands; the class gives it the rule's name."""
    return Threshold("", name, default, unit, meaning, source, least, most)


@dataclass(frozen=True)
class Case:
    """An example that lives with its rule: what it shows, the window, and the layers that have to be named."""

    title: str
    window: Window
    layers: tuple[str | None, ...] = ()


class Rule:
    """Base of the rules; the module's docstring is the manual. What a rule is, its attributes say.

    name, title: how it is called, and the question it answers in one line.
    spoken_name: its name within a sentence; "" for the name with spaces in place of hyphens.
    rank: orders what begins at one step by how a step is computed: input, weights, activations, loss, gradients,
        updates.
    thresholds: the numbers it decides by, each declared by :func:`threshold`.
    remedies: keys of :data:`diagnostics.detect.remedies.REMEDIES`, the best first.
    origin: whether what it sees points to the code, the settings, the data or luck; see :meth:`origin_of`.
    is_lasting: it sees a state and no event; the state is drawn out to the end of the stretch.
    keeps_down: how surely the state alone keeps a network from learning, 0 for not at all. The surest names the layer.
    is_fault: it sees what ought not to be in any run, so it names the cause of an undecided run as well.
    is_about_the_start: the fault may have been there from the first row on, so the whole history is looked at.
    is_blow: it sees a change after which a network may be another one: an update, or what was done to weights or data.
    is_sudden: it sees an event whose harm may pass: where the run recovers, the event has no part in what comes later.
    happens_in_healthy_runs: what it sees means something only in the steps before a run died.
    is_slow: what it sees may end long after it has begun, so it is shown the rows up to the confirmation.
    is_last_resort: it explains a defect only where no other rule does.
    is_disproved_by_recovery: what it says cannot be true of a run that learned after all.
    needs_cross_entropy: it looks at a cross-entropy of classes, and is not asked where the run has another loss.
    needs_guessing: it compares losses with that of guessing, and is not asked where that is not known.
    includes: names of rules whose finding, in the same layer one step before, is the same event seen twice.
    """

    name: str = ""
    title: str = ""
    spoken_name: str = ""
    rank: int = 50
    thresholds: tuple[Threshold, ...] = ()
    remedies: tuple[str, ...] = ()
    origin: Origin = Origin.UNKNOWN
    is_lasting: bool = False
    keeps_down: int = 0
    is_fault: bool = False
    is_about_the_start: bool = False
    is_blow: bool = False
    is_sudden: bool = False
    happens_in_healthy_runs: bool = False
    is_slow: bool = False
    is_last_resort: bool = False
    is_disproved_by_recovery: bool = False
    needs_cross_entropy: bool = False
    needs_guessing: bool = False
    includes: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.thresholds = tuple(replace(one, rule=one.rule or cls.name) for one in cls.thresholds)

    def check(self, window: Window) -> list[Finding]:
        """The findings, at most one a layer and event.

        Raises MissingColumnsError where the log lacks a column, TooFewRowsError where it lacks rows.
        """
        raise NotImplementedError

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        """Healthy and faulty examples; each becomes a test and a line of the manual."""
        raise NotImplementedError

    def origin_of(self, finding: Finding, window: Window) -> Origin:
        """Where one finding points to; the rule's own origin where that is always the same."""
        return self.origin

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        """The remedies of one finding; the rule's own where they are always the same."""
        return self.remedies

    def doses(self, finding: Finding, window: Window) -> Mapping[str, float]:
        """By the key of a remedy, the strength that the measured value asks for; none where the usual one will do."""
        return {}

    def together(self, findings: Sequence[Finding]) -> str:
        """The message of several findings that are one event in several layers, the layer that was hit most first."""
        first, *others = findings
        return f"{first.message}; at the same time in {', '.join(str(one.layer) for one in others)}"

    def finding(
        self,
        window: Window,
        layer: str | None,
        first: int,
        last: int,
        value: float,
        limit: float,
        message: str,
        *,
        severity: Severity = Severity.ERROR,
        plain: str = "",
        peak: int | None = None,
    ) -> Finding:
        """A finding from row ``first`` to row ``last`` of the window, with its largest value in row ``peak``."""
        steps = window.steps
        confidence = track_record(self.name).confidence
        return Finding(
            self.name,
            layer,
            int(steps[first]),
            int(steps[last]),
            float(value),
            float(limit),
            severity,
            confidence,
            message,
            plain=plain,
            peak_step=None if peak is None else int(steps[peak]),
        )

    def require_rows(self, window: Window, rows: int) -> None:
        """Raises TooFewRowsError where the window is shorter than what the rule has to see."""
        if len(window) < rows:
            raise TooFewRowsError(f"{rows:,}")

    def threshold(self, window: Window, name: str) -> float:
        """The value of one of the rule's limits."""
        return window.thresholds[f"{self.name}.{name}"]
