"""Makes the manual of the detector's rules from their docstrings, limits and cases."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from diagnostics.detect import early_warnings, symptoms, verdict_thresholds
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.rule import Rule
from diagnostics.detect.rules import ENDING, MECHANISMS, OF_LOSSES, SYMPTOMS
from diagnostics.detect.thresholds import Threshold

RULES: tuple[Rule, ...] = (*SYMPTOMS, *ENDING, *OF_LOSSES, *MECHANISMS)
OTHERS = {
    "verdict": (symptoms, verdict_thresholds.THRESHOLDS),
    early_warnings.RULE: (early_warnings, early_warnings.THRESHOLDS),
}


def names() -> list[str]:
    """The names of all pages."""
    return [*OTHERS, *(rule.name for rule in RULES)]


def overview() -> str:
    """One line for each page."""
    titles = {
        "verdict": "learning, guessing or diverged: the state machine of the verdict",
        early_warnings.RULE: "signs that often come before a defect, reported at once",
    }
    titles |= {rule.name: rule.title for rule in RULES}
    return "\n".join(f"{name:22} {title}" for name, title in titles.items())


def page(name: str) -> str:
    """The manual of one rule, in Markdown. Raises KeyError for an unknown name."""
    if name in OTHERS:
        module, limits = OTHERS[name]
        return f"## {name}\n\n{_body(module.__doc__)}\n\n{_table(limits)}\n"
    rule = next((rule for rule in RULES if rule.name == name), None)
    if rule is None:
        raise KeyError(name)
    module = sys.modules[type(rule).__module__]
    cases = "\n".join(
        f"- {case.title}: " + (f"fires for {', '.join(map(str, case.layers))}" if case.layers else "does not fire")
        for case in rule.cases(DEFAULT_THRESHOLDS)
    ).replace("fires for None", "fires")
    remedies = "; ".join(rule.remedies)
    table = [_table(rule.thresholds)] if rule.thresholds else []
    parts = [f"## {name}", _body(module.__doc__), *table, f"Examples:\n\n{cases}"]
    if remedies:
        parts.append(f"To try: {remedies}.")
    return "\n\n".join(parts) + "\n"


def manual() -> str:
    """All pages, as `docs/rules.md`."""
    head = (
        "# The rules\n\n`make docs` writes this page from the rules; `lenet-diag rules NAME` prints one of them.\n"
        "\n"
        "Limits can be set in a TOML file with a table for each rule (`lenet-diag diagnose --limits FILE`) or in "
        'Python (`diagnostics.detect.detector.DEFAULT_THRESHOLDS.changed({"dead-units.share": 0.9})`). A log keeps '
        "the limits of its recorder. A run is judged by these unless others are given. Where the source is *choice*, "
        "no measurement gave the number.\n"
    )
    return head + "\n" + "\n".join(page(name) for name in names())


def _body(doc: str | None) -> str:
    """A docstring with its indented diagrams kept as code; indented lines below text belong to a list."""
    out: list[str] = []
    is_open = False
    for line in (doc or "").strip().splitlines():
        is_code = line.startswith("  ") and (is_open or not (out and out[-1].strip()))
        if is_code and not is_open:
            out.append("```")
        elif line.strip() and is_open and not is_code:
            # The fence is put after the last line of the diagram, not after the blank line that follows it.
            out.insert(len(out) - (not out[-1].strip()), "```")
        is_open = is_code or (is_open and not line.strip())
        out.append(line)
    return "\n".join([*out, "```"] if is_open else out)


def _table(limits: Iterable[Threshold]) -> str:
    rows = ["| limit | default | unit | meaning | source |", "|---|---|---|---|---|"]
    rows += [
        f"| `{limit.name}` | {limit.default:g} | {limit.unit} | {limit.meaning} | {limit.source} |" for limit in limits
    ]
    return "\n".join(rows)
