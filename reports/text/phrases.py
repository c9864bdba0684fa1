"""Plain words: numbers with units and sensible digits, verdicts as sentences, and the glossary."""

from __future__ import annotations

import math
from typing import Any

from diagnostics.detect.findings import Diagnosis, Finding, Stretch, Verdict
from diagnostics.run.run import Run
from diagnostics.run.turning_point import downfall

TITLES = {
    Verdict.HEALTHY: "healthy",
    Verdict.RECOVERED: "recovered",
    Verdict.COLLAPSED: "collapsed (a defect run)",
    Verdict.NEVER_LEARNED: "never learned (a defect run)",
    Verdict.DIVERGED: "diverged (a defect run)",
    Verdict.UNDECIDED: "undecided",
}

GLOSSARY = (
    ("step", "One update from one batch, counted from 0 over the whole run. Epochs count from 1."),
    ("guessing", "The network answers with the class frequencies whatever the image: over the last 20 steps or "
     "more the loss is at the entropy of the class prior and the accuracy no better than always naming the "
     "commonest class."),
    ("class prior", "The share of each class in the training labels. Its entropy is the loss of guessing."),
    ("defect stretch", "Steps in which the run guesses although it had learned or should have, or in which the "
     "loss or a parameter is not finite. A step inside is a defect iteration; a run that ends inside one is a "
     "defect run."),
    ("onset", "The first step of a defect stretch. A run that never learned has its onset at step 0; the step at "
     "which it broke is the step of the cause."),
    ("confirmed", "The step at which the detector, which sees one step after the other, was first sure."),
    ("recovery", "The first step at which the run has learned again."),
    ("gradient norm", "The length of the vector of all gradients of a layer: how strongly the loss pulls at it."),
    ("update / weight norm", "How far one step moves the weights of a layer, as a share of their own length. "
     "About 0.001 to 0.01 is usual; 0.1 and more moves a layer by a tenth of itself in one step."),
    ("unit", "A channel of a convolution (all its positions) or a neuron of a dense layer, after its activation."),
    ("silent, dead", "A unit is silent at a step if it is 0 for the whole batch, and dead if it was silent at every "
     "step of the last 20 or more. Through a dead ReLU no gradient flows, so it does not come back by itself."),
    ("saturated", "A sigmoid or tanh unit in the flat part of its curve, where hardly any gradient passes."),
    ("cause", "The earliest event in the chain that explains the defect. It is the detector's best account, given "
     "with its confidence, and no proof."),
    ("survivors", "Healthy and recovered runs. Figures over survivors alone never stand without the count of "
     "those left out."),
    ("nats", "The unit of the loss: cross-entropy with the natural logarithm."),
)  # fmt: skip


def number(value: float | None, digits: int = 3) -> str:
    """A number with ``digits`` that mean something; whole numbers whole, None and NaN as a dash."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.{digits}g}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage."""
    return "–" if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f} %"


def seconds(value: float | None) -> str:
    """A time in the unit that suits it."""
    if value is None or not math.isfinite(value):
        return "–"
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s"), (7200.0, 1 / 60, "min")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value / 3600:.1f} h"


def size(count: int) -> str:
    """A file size."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000 or unit == "MB":
            break
        count /= 1000  # type: ignore[assignment]  # a whole number only while it is bytes
    return f"{count:.3g} {unit}" if unit != "bytes" else f"{count} bytes"


# Alone, this name would accuse the labels; the rule cannot tell them from a wrong gradient.
SAID_OTHERWISE = {"uninformative-labels": "alive, but learning nothing"}


def rule_name(rule: str) -> str:
    """A rule's name as words."""
    return SAID_OTHERWISE.get(rule, rule.replace("-", " ").replace("_", " "))


def measured(finding: Finding) -> str:
    """The number a rule measured and the limit it was held against; "" where there is none."""
    if math.isnan(finding.value):
        return ""
    if math.isnan(finding.limit):
        return number(finding.value)
    return f"{number(finding.value)} (limit {number(finding.limit)})"


def deciding(diagnosis: Diagnosis) -> Stretch | None:
    """The stretch that decides the verdict; where none does, the longest of those the run came back from."""
    if diagnosis.onset is not None:
        return next((s for s in diagnosis.stretches if s.onset == diagnosis.onset), None)
    return max(diagnosis.stretches, key=lambda s: (s.recovery or diagnosis.steps) - s.onset, default=None)


def sentence(text: str) -> str:
    """Text with a capital and a full stop."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def verdict_sentence(run: Run) -> str:
    """The verdict in one sentence, with layer, step and mechanism where they are known."""
    diagnosis, stretch = run.diagnosis, deciding(run.diagnosis)
    because = "".join(f" {sentence(words)}" for words in reasons(run))
    if not because and diagnosis.verdict.is_defect:
        because = " None of the rules explains why."
    steps = f"{diagnosis.steps:,} steps"
    if diagnosis.verdict is Verdict.HEALTHY:
        return f"This run learned and kept what it learned through all its {steps}."
    if diagnosis.verdict is Verdict.UNDECIDED:
        return f"After {steps} this run had neither clearly learned nor clearly failed: too early to tell."
    if stretch is None:
        return f"This run is called {diagnosis.verdict}.{because}"
    end = "to its end" if stretch.recovery is None else f"until step {stretch.recovery:,}"
    if diagnosis.verdict is Verdict.RECOVERED:
        return f"This run was defect from step {stretch.onset:,} {end}, and ended well.{because}"
    if diagnosis.verdict is Verdict.NEVER_LEARNED:
        return f"This run never learned: to the end of its {steps} it does no better than guessing.{because}"
    if diagnosis.verdict is Verdict.COLLAPSED:
        return f"This run had learned, lost everything at step {stretch.onset:,} and guesses from there {end}.{because}"
    return f"From step {stretch.onset:,} {end} this run computes with numbers that are not finite.{because}"


def reasons(run: Run) -> list[str]:
    """How it began and what keeps the run down, each with its step."""
    cause, down = run.diagnosis.cause, downfall(run)
    found = [f"step {cause.step:,}: {cause.message}"] if cause else []
    if down is not None and (cause is None or (down.rule, down.layer) != (cause.rule, cause.layer)):
        found.append(f"step {down.first_step:,}: {down.message}")
    return found


def counted(n: int, noun: str) -> str:
    """A number with its noun, which gets an s where there is not exactly one."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


STATUSES = {
    "running": "still running",
    "stopped": "stopped on purpose before its end",
    "interrupted": "interrupted before its end",
    "failed": "ended by an error",
    "log-stopped": "the log stopped before the run did (disk full?)",
    "damaged": "the log is damaged, so the run counts as crashed",
    "crashed": "the writing process died",
}


def status_words(status: str, interrupted_by: str = "") -> str:
    """What a log's status means; ``interrupted_by``: Ctrl-C or a signal, where it is known."""
    if status == "interrupted" and interrupted_by:
        return f"interrupted by {interrupted_by}"
    return STATUSES.get(status, status)


def interrupted_by(run: Run) -> str:
    """Ctrl-C or the signal that ended a run, as its log says; "" where none did."""
    if run.status != "interrupted":
        return ""
    events = run.events
    messages = events.loc[events["event"] == "interruption", "message"].tolist()
    return str(messages[-1]).partition(": ")[2] if messages else ""


def status_of(run: Run) -> str:
    """What became of a run, and who interrupted it."""
    return status_words(run.status, interrupted_by(run))


def plain(value: Any) -> str:
    """A setting as text."""
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 6)
    if isinstance(value, dict):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(v) for v in value)
    return f"{value}"
