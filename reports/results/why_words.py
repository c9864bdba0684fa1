"""The words of the page "why it breaks": the short answer from the counts, and what does not depend on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from diagnostics.detect.findings import Diagnosis
from diagnostics.statistics.group import Group
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.study.presets import EXACT
from reports.figures.survival import death_step
from reports.text.phrases import rule_name
from reports.text.statistics import defect_rate

EARLY = 100
"""Steps that count as early: a fifth of an epoch."""

HOW_IT_DIES = (
    "A ReLU unit answers 0 wherever its input is negative, and where it answers 0 no gradient passes. With a learning "
    "rate of 0.5 a step is long. If the gradient grows for a few steps, one update can overshoot and push the inputs "
    "of nearly all units of a layer below 0, for every image. The layer is then silent: nothing passes upwards, no "
    "gradient passes downwards, and so nothing in it or below it changes ever again. What is left to learn is the "
    "last layers' biases, and the best they can do is to answer with the frequency of each digit. The loss of that is "
    "the entropy of the class frequencies, 2.301 for MNIST, and that is where a dead run stays."
)


def short_answer(groups: Sequence[Group]) -> str:
    """Each convolution in a few sentences, from its counts."""
    lines = []
    for group in groups:
        dead = [run for run in group.runs if run.is_defect]
        which = "a correct convolution" if group.label == EXACT else "the report's own convolution"
        words = f"- **With {which}** {defect_rate(group, is_brief=True)} die."
        if dead:
            known = explained_runs(group)
            early = sum(death_step(run) < EARLY for run in known)
            later = sum(death_step(run) >= steps_per_epoch(group) for run in known)
            unknown = f", {len(dead) - len(known)} at a step not known" if len(known) < len(dead) else ""
            words += (f" {_of(early, len(dead))} broke in the first {EARLY} steps, {later or 'none'} after the first "
                      f"epoch{unknown}. {_commonest(dead)}")  # fmt: skip
        lines.append(words)
    return "\n".join(lines)


def _of(k: int, n: int) -> str:
    return f"{'All' if k == n else k or 'None'} of these {n}"


def explained_runs(group: Group) -> list[RunSummary]:
    """The defect runs whose cause the detector names, and with it the step at which they broke."""
    return [run for run in group.runs if run.is_defect and run.cause_step is not None]


def chain_words(diagnosis: Diagnosis) -> str:
    """The chain of events as a list; what holds to the end comes without the step it is counted from."""
    links = []
    reached = 0
    for finding in diagnosis.chain:
        when = f"step {finding.first_step:,}" if finding.first_step >= reached else "from then on"
        reached = max(reached, finding.first_step)
        links.append(f"- {when}: {finding.message}")
    if diagnosis.cause is None:
        links.append("- why: no rule of the detector explains it")
    return "\n".join(links)


def steps_per_epoch(group: Group) -> float:
    """Steps of one epoch of this arm."""
    run = group.runs[0]
    return run.planned_steps / max(1, int(run.arm.get("epochs", 1)))


def _commonest(dead: Sequence[RunSummary]) -> str:
    """What the detector names most often, and how many deaths it does not explain."""
    named = Counter(run.cause for run in dead if run.cause)
    if not named:
        return f"The detector explains none of the {len(dead)}."
    most = named.most_common(1)[0][1]
    first = [rule_name(cause) for cause, n in named.items() if n == most]
    rest = len(dead) - named.total()
    unexplained = f", and has no explanation for {rest}" if rest else ""
    each = " each" if len(first) > 1 else ""
    return (f"As the first link the detector names {' and '.join(first)} most often ({most} of "
            f"{len(dead)}{each}){unexplained}.")  # fmt: skip
