"""Keeps the faults that a long run showed in rows which the detector has forgotten since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from diagnostics.detect.asking import ask, fired
from diagnostics.detect.findings import Finding, RuleOutcome, Severity
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.window import Window


class EarlierFaults:
    """Looks for faults each time before rows are forgotten, and keeps the first of each rule and layer."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None], Finding] = {}

    def look(self, window: Window) -> None:
        """Ask the rules that see a fault about these rows. A last resort explains a defect, and is not asked."""
        asked = window.asked_from_its_beginning()
        for rule in MECHANISMS:
            if rule.is_fault and not rule.is_last_resort:
                for finding in fired(ask(rule, asked)):
                    self._found.setdefault((finding.rule, finding.layer), replace(finding, severity=Severity.INFO))

    def beside(self, answers: Sequence[Finding]) -> list[Finding]:
        """The answers of the rules, with the kept faults that the last rows do not show.

        A kept fault takes the place of the answer that its rule found nothing.
        """
        shown = {(one.rule, one.layer) for one in fired(answers)}
        earlier = [finding for place, finding in self._found.items() if place not in shown]
        rules = {finding.rule for finding in earlier}
        return [one for one in answers if one.rule not in rules or one.outcome is RuleOutcome.FIRED] + earlier
