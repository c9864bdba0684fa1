"""The base class of the rules. A rule answers one question about a window of rows and keeps no state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from diagnostics.detect.findings import Finding, Severity
from diagnostics.detect.link import Origin
from diagnostics.detect.thresholds import Threshold, Thresholds
from diagnostics.detect.track_record import track_record
from diagnostics.detect.window import TooFewRowsError, Window


def threshold(
    name: str, default: float, unit: str, meaning: str, source: str, least: float = 0.0, most: float = math.inf
) -> Threshold:
    """Declares a limit of a rule within its class; the class adds the name of the rule."""
    return Threshold("", name, default, unit, meaning, source, least, most)


@dataclass(frozen=True)
class Case:
    """An example of a rule: what it shows, the window, and the layers that the rule has to name."""

    title: str
    window: Window
    layers: tuple[str | None, ...] = ()


class Rule:
    """Base of the rules. The docstring of a rule's module is its manual; its attributes say how it is used.

    name: its name in findings and on the command line.
    title: what it sees, in one line.
    spoken_name: its name within a sentence; "" for the name with spaces in place of hyphens.
    rank: the order of findings that begin at the same step, by how a step is computed: input, weights, activations,
        loss, gradients, updates.
    thresholds: the limits it decides by, each declared by :func:`threshold`.
    value_unit: what the measured value and its limit count: "share", "times" or "loss"; "" for plain numbers.
    remedies: keys of :data:`diagnostics.detect.remedies.REMEDIES`, the best first.
    origin: whether a finding points to the code, the settings, the data or luck; see :meth:`origin_of`.
    is_lasting: whether it sees a state instead of an event. The chain extends a state to the end of the stretch.
    blocks_learning: how surely the state alone keeps a network from learning; 0 for not at all. The finding with the
        largest number names the layer that failed.
    is_fault: whether no run ought to have what it sees. It then explains an undecided run as well.
    is_about_the_start: whether the fault may exist from the first row on. The rule is then asked about all rows.
    is_blow: whether it sees a change of the network or the data: an update, or new weights, images or labels.
    is_sudden: whether it sees an event whose effect may pass. After a recovery the event explains nothing.
    happens_in_healthy_runs: whether healthy runs have such events too, so that one counts only just before a run broke.
    is_slow: whether the change may go on long after it began. The rule is then asked about the rows up to the
        confirmation.
    is_last_resort: whether it explains a defect only where no other rule does.
    is_disproved_by_recovery: whether its explanation is wrong where the run recovers.
    needs_cross_entropy: whether it looks at a cross-entropy of classes. It is not asked about a run with another loss.
    needs_guessing: whether it compares losses with that of guessing. It is not asked where that is not known.
    includes: names of rules whose finding, in the same layer one step before, is the same event seen twice.
    explains: names of rules whose findings follow from what this rule sees, and are no links of their own beside it.
    """

    name: str = ""
    title: str = ""
    spoken_name: str = ""
    rank: int = 50
    thresholds: tuple[Threshold, ...] = ()
    value_unit: str = ""
    remedies: tuple[str, ...] = ()
    origin: Origin = Origin.UNKNOWN
    is_lasting: bool = False
    blocks_learning: int = 0
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
    explains: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.thresholds = tuple(replace(one, rule=one.rule or cls.name) for one in cls.thresholds)

    def check(self, window: Window) -> list[Finding]:
        """The findings, at most one a layer and event.

        Raises MissingColumnsError where the log lacks a column, TooFewRowsError where it lacks rows.
        """
        raise NotImplementedError

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        """Healthy and faulty examples. Each is a test and a line of the manual."""
        raise NotImplementedError

    def origin_of(self, finding: Finding, window: Window) -> Origin:
        """The origin of one finding: the rule's own, unless a rule decides by the finding."""
        return self.origin

    def lasts(self, finding: Finding) -> bool:
        """Whether one finding is a state: what the rule sees, unless a rule decides by the finding."""
        return self.is_lasting

    def remedies_for(self, finding: Finding) -> tuple[str, ...]:
        """The remedies of one finding: the rule's own, unless a rule decides by the finding."""
        return self.remedies

    def doses(self, finding: Finding, window: Window) -> Mapping[str, float]:
        """The strength of a remedy, by its key, where the measured value asks for another than the usual one."""
        return {}

    def together(self, findings: Sequence[Finding]) -> str:
        """The message of one event in several layers; the finding of the layer that was hit most comes first."""
        first, *others = findings
        return f"{first.message}; at the same time in {', '.join(str(one.layer) for one in others)}"

    def told_of(self, finding: Finding, layer: str, window: Window) -> Finding:
        """A finding that tells of the layer that failed too; most rules have nothing to tell of it."""
        return finding

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
        """A finding of this rule in rows ``first`` to ``last`` of the window, the largest value in row ``peak``."""
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
        """Raises TooFewRowsError where the window has fewer than ``rows`` rows."""
        if len(window) < rows:
            raise TooFewRowsError(f"{rows:,}")

    def threshold(self, window: Window, name: str) -> float:
        """The value of one of the rule's limits."""
        return window.thresholds[f"{self.name}.{name}"]
