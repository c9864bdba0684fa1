"""Shows a study while it runs: a line for each finished run, or on a terminal a table that is kept up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from lenet.errors import reason_of
from reports.terminal.output import shown, talk
from reports.text.numbers import seconds

if TYPE_CHECKING:
    from diagnostics.statistics.run_summary import RunSummary
    from diagnostics.study.runner import StudyProgress


class StudyView:
    """Shows the progress of a study on ``console`` (stderr); use as a context manager and call with each state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_off = False
        self._said = ""
        self._live: Live | None = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> StudyView:
        with self._never_ending_the_study():
            if self._live:
                self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._never_ending_the_study():
            if self._live:
                self._live.stop()

    @contextmanager
    def _never_ending_the_study(self) -> Iterator[None]:
        """Switch the view off with one line where it fails: the study goes on."""
        try:
            yield
        except Exception as error:
            if not self._is_off:
                self._is_off = True
                talk(f"the view was switched off: {reason_of(error)}; the study goes on")

    def __call__(self, state: StudyProgress) -> None:
        """Show one state."""
        if self._is_off:
            return
        with self._never_ending_the_study():
            text = line(state)
            # On a terminal the table shows the ordinary runs, so only unusual lines are printed.
            # While a cluster's workers start, states are equal one after the other.
            if text and text != self._said and (self._live is None or state.last is None or state.message):
                self._console.print(shown(text), highlight=False, markup=False, soft_wrap=True)
                self._said = text
            if self._live:
                self._live.update(picture(state), refresh=True)


def line(state: StudyProgress) -> str:
    """One line for the run that has just ended, or for those that need not be done again; "" for nothing to say."""
    if state.last is None:
        begins = state.done == state.reused and not state.running
        done = f"{state.reused} of {state.total} runs already done" if state.reused and begins else ""
        return "; ".join(filter(None, (state.message, done)))
    left = f", {seconds(state.seconds_left)} left" if state.seconds_left else ""
    outcome = f"CRASHED: {state.message}" if state.message else outcome_words(state.last)
    arm = next((group for group in state.groups if state.last in group.runs), None)
    counts = f" ({arm.defect_runs} of {arm.judged} defect runs in this arm)" if arm else ""
    return f"{state.done}/{state.total} {state.last.name}: {outcome}{counts}{left}"


def outcome_words(run: RunSummary) -> str:
    """Verdict, validation accuracy and time of a run."""
    parts: list[str] = [str(run.verdict)]
    if run.validation_accuracy is not None:
        parts.append(f"validation accuracy {run.validation_accuracy:.4f}")
    if run.training_seconds is not None:
        parts.append(seconds(run.training_seconds))
    return ", ".join(parts)


def picture(state: StudyProgress) -> Group:
    """Progress bar, then a row an arm."""
    return Group(_bar(state), _arms(state))


def _bar(state: StudyProgress) -> Progress:
    words, times = TextColumn("{task.description}"), TextColumn("{task.fields[time]}")
    bar = Progress(words, BarColumn(), MofNCompleteColumn(), times)
    left = "time left not known yet" if state.seconds_left is None else f"{seconds(state.seconds_left)} left"
    if state.done == state.total:
        left = "done"
    times_so_far = f"{seconds(state.seconds)} so far, {left}"
    bar.add_task(f"{len(state.running)} running", total=state.total, completed=state.done, time=times_so_far)
    return bar


def _arms(state: StudyProgress) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("arm")
    for name in ("done", "healthy", "defect", "recovered", "undecided", "crashed"):
        table.add_column(name, justify="right")
    by_label = {group.label: group for group in state.groups}
    for arm in state.plan.arms:
        group, label = by_label.get(arm.label), Text(shown(arm.label))
        if group is None:
            table.add_row(label, f"0/{arm.runs}")
            continue
        healthy = sum(run.is_survivor for run in group.runs) - group.recovered
        rest = (str(n) for n in (group.recovered, group.undecided, group.crashed))
        died = f"{group.defect_runs}/{group.judged}"
        table.add_row(label, f"{len(group.runs)}/{arm.runs}", str(healthy), died, *rest)
    return table
