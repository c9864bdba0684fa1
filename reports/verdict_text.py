"""A diagnosis in plain words, for the terminal."""

from __future__ import annotations

from diagnostics.findings import Diagnosis, Finding, Verdict

VERDICTS = {
    Verdict.HEALTHY: "healthy: it learned, and kept what it learned",
    Verdict.RECOVERED: "recovered: it went down, came back, and ended well",
    Verdict.COLLAPSED: "a defect run, collapsed: it learned, unlearned everything, and did not come back",
    Verdict.NEVER_LEARNED: "a defect run, never learned within the {steps:,} steps it was given",
    Verdict.DIVERGED: "a defect run, diverged: its loss or parameters are no longer finite",
    Verdict.UNDECIDED: "undecided: it ended too early, or neither learning nor guessing",
}


def verdict_line(diagnosis: Diagnosis) -> str:
    """The verdict in one line."""
    return VERDICTS[diagnosis.verdict].format(steps=diagnosis.steps)


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """Verdict, since when, the chain of events, the cause, and what to try."""
    lines = [f"{diagnosis.run}: {verdict_line(diagnosis)}"]
    if diagnosis.onset is not None:
        share = diagnosis.defect_steps / diagnosis.steps
        lines.append(
            f"  since:      step {diagnosis.onset}, confirmed at step {diagnosis.confirmed}; "
            f"{diagnosis.defect_steps:,} of {diagnosis.steps:,} steps are defect iterations ({share:.0%})"
        )
        ended = [stretch for stretch in diagnosis.stretches if stretch.recovery is not None]
        lines += [f"  came back:  step {one.recovery} ({one.kind}, from step {one.onset})" for one in ended]
    if diagnosis.cause is not None:
        where = f" in {diagnosis.cause.layer}" if diagnosis.cause.layer else ""
        lines.append(f"  cause:      step {diagnosis.cause.step}, {diagnosis.cause.rule}{where} "
                     f"(confidence {diagnosis.cause.confidence:.0%})")  # fmt: skip
    elif diagnosis.verdict.is_defect:
        lines.append("  cause:      unexplained: no rule sees what happened")
    for position, link in enumerate(diagnosis.chain):
        lines.append(f"  {'events:' if position == 0 else '':11} {_link(link)}")
    for position, remedy in enumerate(diagnosis.remedies):
        lines.append(f"  {'to try:' if position == 0 else '':11} {remedy}")
    if not diagnosis.chain:
        passed = sum(check.outcome == "passed" for check in diagnosis.checks)
        seen = [check for check in diagnosis.checks if check.outcome == "fired"]
        lines.append(f"  checked:    {len({c.rule for c in diagnosis.checks})} rules, {passed} found nothing")
        lines += [f"  {'noticed:' if position == 0 else '':11} {_link(c)}" for position, c in enumerate(seen)]
    return "\n".join(lines)


def _link(finding: Finding) -> str:
    until = f"-{finding.last_step}" if finding.last_step > finding.first_step else ""
    return f"step {finding.first_step}{until}: {finding.message}"
