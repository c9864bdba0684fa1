"""The rescue of a run that lies beside its log, read for reports."""

from __future__ import annotations

from pathlib import Path

from diagnostics.errors import DiagnosticsError
from diagnostics.files import read_json
from diagnostics.rescue.patient import examine
from diagnostics.rescue.plan import PLACEBO, UNCHANGED, make_plan
from diagnostics.rescue.record import FORMAT, PLAN, RescueFolder, is_same_plan
from diagnostics.rescue.results import RescueResult, read_results
from diagnostics.run.run import Run


def rescue_folder(log: Path) -> Path:
    """Where the rescue of a log lies unless it was given another place."""
    return log.with_suffix(".rescue")


def rescue_of(run: Run) -> RescueResult | None:
    """The rescue beside the log of ``run``; None where there is none that can be read and is of this run.

    A plan follows from run and options, so it is made again from them. Where the rules have changed so much since
    that another plan comes out, the branches would answer other questions, and there is no rescue either.
    """
    if run.path is None or not (rescue_folder(run.path) / PLAN).is_file():
        return None
    folder = rescue_folder(run.path)
    try:
        stored = read_json(folder / PLAN, FORMAT)["plan"]
        names = dict.fromkeys(arm["name"] for arm in stored["arms"])
        chosen = [name for name in names if name != UNCHANGED and not name.endswith(PLACEBO)]
        plan = make_plan(
            examine(run),
            runs=stored["runs"],
            arms=chosen,
            branch_step=stored["branch_step"],
            horizon=stored["horizon"],
            seed=stored["seed"],
        )
        if not is_same_plan(stored, plan.to_json()):
            return None
        kept = RescueFolder(folder, plan)
        results, endings = kept.branches(), kept.endings()
    except (DiagnosticsError, KeyError, TypeError, ValueError, AttributeError):
        return None
    known = {branch.key for branch in plan.branches}
    return read_results(plan, {key: result for key, result in results.items() if key in known}, endings)
