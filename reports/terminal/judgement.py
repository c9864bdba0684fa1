"""The detector's verdict in words while a run goes on, and its new events."""

from __future__ import annotations

from operator import itemgetter

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Stretch, Verdict
from reports.text.events import RECOVERED, verdict_event, verdict_without_stretch


class Judgement:
    """Follows one detector; :meth:`news` gives its events since the last call.

    ``was_turned_back``: whether the run was turned back before, so that it is no healthy run any more.
    """

    def __init__(self, detector: Detector, was_turned_back: bool = False) -> None:
        self._detector = detector
        self._was_turned_back = was_turned_back
        self._warnings = 0
        self._stretches: list[Stretch] = []

    @property
    def verdict(self) -> Verdict:
        """The verdict so far."""
        verdict = self._detector.verdict_so_far
        return Verdict.RESCUED if self._was_turned_back and verdict.is_survivor else verdict

    @property
    def words(self) -> str:
        """The verdict so far in a line, with onset and first link where a defect stretch is open."""
        stretch = self._detector.symptoms.open_stretch
        if stretch is None:
            return verdict_without_stretch(self.verdict)
        return self._stretch_words(stretch)

    @property
    def suspects(self) -> dict[str, str]:
        """The suspected layers, each with its early warning or its event of the open stretch."""
        stretch = self._detector.symptoms.open_stretch
        explanation = self._detector.cause_of(stretch) if stretch else None
        events = {f.layer: f.message for f in explanation.chain if f.layer is not None} if explanation else {}
        return {**self._detector.suspects, **events}

    def news(self) -> list[tuple[int, str]]:
        """(step, message) of the new events in order of their steps: early warnings, stretches confirmed and ended."""
        warnings, stretches = self._detector.warnings, self._detector.symptoms.stretches
        told = [(finding.first_step, finding.message) for finding in warnings[self._warnings :]]
        for i, stretch in enumerate(stretches):
            known = self._stretches[i] if i < len(self._stretches) else None
            if known is None:
                told.append((stretch.confirmed, self._stretch_words(stretch)))
            if stretch.recovery is not None and (known is None or known.recovery is None):
                told.append((stretch.recovery, RECOVERED))
        self._warnings, self._stretches = len(warnings), list(stretches)
        return sorted(told, key=itemgetter(0))

    def _stretch_words(self, stretch: Stretch) -> str:
        explanation = self._detector.cause_of(stretch)
        link = (explanation.blow or explanation.first_link) if explanation is not None else None
        return verdict_event(stretch.kind, stretch.onset, link)
