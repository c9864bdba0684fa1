"""Which other verdicts the rows of a run leave open, where steps are missing or a row is a mean over many steps.

Another verdict is left open only where a stretch that is long enough to judge by fits between the rows, or within a
mean (:mod:`diagnostics.detect.unseen_steps`).
"""

from __future__ import annotations

import math

from diagnostics.detect.findings import Verdict
from diagnostics.detect.symptoms import Symptoms


def open_verdicts(symptoms: Symptoms, verdict: Verdict) -> dict[Verdict, str]:
    """The verdicts that a run may have as well, and what its rows do not show; none where they show all.

    symptoms: the state machine after the last row.
    verdict: its verdict.
    """
    unseen, where = symptoms.unseen, "within its means" if symptoms.are_means else "between its rows"
    hidden, learned = math.floor(unseen.guessing.longest), math.floor(unseen.learned.longest)
    at_end = math.floor(unseen.guessing.newest)
    found: dict[Verdict, str] = {}
    if verdict is Verdict.HEALTHY and hidden >= symptoms.window:
        found[Verdict.RECOVERED] = f"a defect stretch of up to {hidden:,} steps {where} cannot be seen"
    elif verdict is Verdict.HEALTHY and symptoms.has_gaps and unseen.late_start >= symptoms.standstill:
        at = f"step {symptoms.standstill:,}"
        found[Verdict.RECOVERED] = f"it learned after {at}, and so few rows do not show whether it stood still then"
    if verdict is Verdict.RECOVERED and all(one.kind is Verdict.NEVER_LEARNED for one in symptoms.stretches):
        lacks = "in so few rows" if symptoms.sees_layers else "without the outputs of its layers"
        if symptoms.has_gaps or not symptoms.sees_layers:
            found[Verdict.HEALTHY] = f"{lacks} a late start looks the same as a defect stretch"
    if verdict.is_survivor and at_end >= symptoms.window:
        found[Verdict.COLLAPSED] = f"no row shows that it had not collapsed in its last {at_end:,} steps"
    if verdict is Verdict.NEVER_LEARNED and learned >= symptoms.window:
        found[Verdict.COLLAPSED] = f"it may have learned for up to {learned:,} steps {where} before it died"
    if verdict is Verdict.COLLAPSED and symptoms.first_learned is None:
        found[Verdict.NEVER_LEARNED] = "that it had learned follows from one mean alone"
    return found
