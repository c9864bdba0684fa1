"""A rescue of one run from Python, in one call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from diagnostics.executors.executor import Executor
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.log.reader import open_run
from diagnostics.rescue.experiment import Rescue
from diagnostics.rescue.found import rescue_folder
from diagnostics.rescue.patient import examine
from diagnostics.rescue.plan import RUNS, make_plan
from diagnostics.rescue.results import RescueResult, read_results
from diagnostics.rescue.to_the_end import COST_RUNS, Endings, cost_branches


def rescue(
    log: str | os.PathLike[str],
    *,
    runs: int = RUNS,
    arms: Sequence[str] = (),
    branch_step: int | None = None,
    horizon: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    data: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    cost_runs: int = COST_RUNS,
    resume: bool = False,
    keep_branches: bool = False,
    executor: Executor | None = None,
) -> RescueResult:
    """What would have saved a run, found out by experiment, as ``lenet-diag rescue`` does.

    ``log``: the log of a run that died.
    ``runs``: orders of the samples that each arm is tried with; default 20.
    ``arms``: names of the arms beside the control; none (default) for all that apply.
    ``branch_step``: the step at which remedies are switched on; None (default) for ten before the first link.
    ``horizon``: how many steps a branch may make; None (default) for patience plus grace.
    ``seed``: the first order seed; default 0.
    ``jobs``: how many branches are trained at a time; default 1. With more, guard a script by
    ``if __name__ == "__main__":``, since the workers import it. The result does not depend on it.
    ``data``: the folder of the data; None (default) for what the log names.
    ``folder``: where the branches are kept; None (default) for ``<log>.rescue`` beside the log.
    ``cost_runs``: orders with which what is proven is trained to the end of the run; default 5, 0 for none.
    ``resume``: whether to go on with the rescue in the folder; default False.
    ``keep_branches``: whether the rows of all branches are kept as logs; default False.
    ``executor``: where the branches are trained; None (default) for ``jobs`` processes of this machine.

    Raises RescueError, one line, where the run did not die or cannot be reproduced, and StudyError for an unknown
    arm, or where the folder holds another rescue.
    """
    path = Path(log)
    patient = examine(open_run(path))
    plan = make_plan(patient, runs=runs, arms=arms, branch_step=branch_step, horizon=horizon, seed=seed)
    place = rescue_folder(path) if folder is None else Path(folder)
    where, log_path = executor or LocalExecutor(jobs), path.absolute()
    tried = Rescue(
        patient, plan, place, log_path, data=data, resume=resume, keep_branches=keep_branches, executor=where
    )
    tried.run()
    endings = Endings(plan, place, log_path, where, data)
    endings.run(cost_branches(read_results(plan, tried.results), cost_runs))
    return read_results(plan, tried.results, endings.results)
