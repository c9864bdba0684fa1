"""Whether the detector has reached its goals, by the numbers of a round of the zoo."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.zoo.cells import Numbers, reached_cell, share_cell, steps_cell
from benchmarks.zoo.numbers import SOON


class GoalRow(NamedTuple):
    """A goal and its result; ``reached`` is yes, no in bold, or a dash where nothing was counted."""

    what: str
    goal: str
    result: str
    reached: str


def goal_rows(numbers: Numbers) -> list[GoalRow]:
    """The goals of the detector beside the numbers of a round."""
    natural, clean = numbers["natural"], numbers["clean"]
    onset, delay, right = numbers["onset_error_one_step"], numbers["delay_collapse"], numbers["cause_right"]
    recall, precision = natural["recall"], natural["precision"]
    return [
        GoalRow(
            "recall of dead natural runs",
            "99 %",
            share_cell(recall, False),
            reached_cell(recall["share"], at_least=0.99),
        ),
        GoalRow("precision", "99 %", share_cell(precision, False), reached_cell(precision["share"], at_least=0.99)),
        GoalRow(
            "false alarms in clean runs",
            "none in at least 380, upper bound 1.0 %",
            share_cell(clean, False),
            reached_cell(clean["n"] if clean["k"] == 0 else -1, at_least=380) if clean["interval"] else "-",
        ),
        GoalRow(
            "onset error, one-step faults",
            "median at most 5 steps",
            steps_cell(onset["median"]),
            reached_cell(onset["median"], at_most=5),
        ),
        GoalRow(
            "confirmation of collapses",
            f"at most {SOON} steps after onset",
            f"{share_cell(numbers['collapses_soon'], False)}; median {steps_cell(delay['median'])}, largest "
            f"{steps_cell(delay['largest'])}; of natural runs alone "
            f"{share_cell(numbers['collapses_soon_natural'], False)}",
            reached_cell(delay["largest"], at_most=SOON),
        ),
        GoalRow(
            "layer and mechanism of injected faults",
            "90 %",
            share_cell(right, False),
            reached_cell(right["share"], at_least=0.9),
        ),
    ]
