"""Makes the summary of a run from its rows and its diagnosis.

This module does not load pandas: the run does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from diagnostics.arguments import expect_kind
from diagnostics.detect.findings import Diagnosis
from diagnostics.detect.rollback_remedies import remedy_words
from diagnostics.json_values import finite
from diagnostics.schema.task import DEFAULT_TASK
from diagnostics.statistics.run_summary import EpochSummary, RunSummary

if TYPE_CHECKING:
    import pandas as pd

    from diagnostics.run.run import Run


def summarise(run: Run) -> RunSummary:
    """The summary of a run.

    ``run``: the run.

    Training time is that of the steps, without hooks. A validation counts for the final
    model only if no step came after it. The validation time of a run is the mean over its
    validations. The total time, as in the paper, is that of training and one validation.
    """
    from diagnostics.run.run import Run  # imported here, since reading kept summaries needs no pandas

    expect_kind("run", run, Run, "a run, which open_run(path) gives")
    diagnosis, steps = run.diagnosis, run.steps
    last = run.rollbacks[-1] if run.rollbacks else None
    defect = run.undone()[-1].diagnosis if last is not None and not diagnosis.verdict.is_dead else diagnosis
    cause, blow = defect.cause, defect.blow
    steps = steps.reindex(columns=list(dict.fromkeys([*steps.columns, "accuracy", "seconds"])))  # NaN if not recorded
    clean = steps[~steps["defect"]]
    training = _training_seconds(run, steps)
    validation = _mean(run.validations["seconds"])
    return RunSummary(
        name=f"{run.name}.h5" if run.path is not None and run.path.suffix == ".h5" else run.name,
        path=str(run.path or ""),
        verdict=diagnosis.verdict,
        status="damaged" if run.notes else run.status,
        seed=None if run.info.seed < 0 else run.info.seed,
        arm=_arm(run),
        threads=_threads({**run.info.settings, **run.info.environment}),
        steps=diagnosis.steps,
        planned_steps=run.info.total_steps or run.steps_made,
        defect_steps=diagnosis.defect_steps,
        onset=defect.onset,
        confirmed=defect.confirmed,
        cause=cause.rule if cause else None,
        cause_layer=cause.layer if cause else None,
        cause_step=cause.step if cause else None,
        blow=blow.rule if blow else None,
        blow_layer=blow.layer if blow else None,
        broke_at=defect.broke_at,
        changed_limits=diagnosis.changed_limits,
        epochs=_epochs(run, steps),
        validation_accuracy=_final_accuracy(run),
        step_seconds=_mean(steps["seconds"]),
        clean_step_seconds=_mean(clean["seconds"]),
        training_seconds=training,
        validation_seconds=validation,
        total_seconds=None if training is None or validation is None else training + validation,
        rollbacks=len(run.rollbacks),
        undone_kind=last.kind if last else None,
        turned_back_to=last.step if last else None,
        turned_back_with=remedy_words(last) if last else None,
    )


def _arm(run: Run) -> dict[str, Any]:
    """The settings. For a run that was started from Python: what is known of it, and the learning rates of its rows."""
    if run.info.settings:
        return dict(run.info.settings)
    info = run.info
    size: dict[str, Any] = {"batch_size": info.batch_size, "epochs": info.epochs, "samples": info.samples}
    size |= {"parameters": info.parameters} | (
        {"task": info.task.words} if info.task.words != DEFAULT_TASK.words else {}
    )
    rates = run.scalars("learning_rate")[:, 0]
    known = rates[np.isfinite(rates)]
    seen = {"first_rate": _plain(known[0]), "largest_rate": _plain(known.max())} if len(known) else {}
    return {**({} if info.is_imported else size), **info.description, **seen}


def _plain(rate: Any) -> float:
    """A learning rate without the digits that float32 adds: 0.3 for 0.30000001192092896."""
    return float(str(np.float32(rate)))


def _epochs(run: Run, steps: pd.DataFrame) -> tuple[EpochSummary, ...]:
    made = []
    for number, row in run.epochs.iterrows():
        rows = steps[steps["epoch"] == number]
        bad = _defect_steps(run.diagnosis, int(row["first_step"]), int(row["last_step"]))
        accuracy = finite(float(row["accuracy"]))
        kept = rows[~rows["defect"]]
        clean = accuracy if not bad else _weighted(kept["accuracy"], kept["samples"])
        made.append(EpochSummary(int(str(number)), accuracy, finite(float(row["seconds"])), bad, clean))
    return tuple(made)


def _defect_steps(diagnosis: Diagnosis, first: int, last: int) -> int:
    """The defect iterations from ``first`` to ``last``, recorded or not."""
    parts = (
        (max(s.onset, first), last + 1 if s.recovery is None else min(s.recovery, last + 1))
        for s in diagnosis.stretches
    )
    return sum(max(0, stop - start) for start, stop in parts)


def _final_accuracy(run: Run) -> float | None:
    """The accuracy of the last validation, if the model did not change afterwards."""
    validations = run.validations
    if validations.empty or int(validations["step"].iloc[-1]) < run.steps_made - 1:
        return None
    return finite(float(validations["accuracy"].iloc[-1]))


def _training_seconds(run: Run, steps: pd.DataFrame) -> float | None:
    """The time of the whole epochs, and that of the steps after the last of them."""
    if not len(steps) or steps["seconds"].isna().all():
        return None
    epochs = run.epochs
    rest = steps if epochs.empty else steps[steps.index > int(epochs["last_step"].iloc[-1])]
    # The steps from one row to the next: more than 1 where only every k-th step was logged.
    spacing = float(np.diff(steps.index).mean()) if len(steps) > 1 else 1.0
    whole = 0.0 if epochs.empty else float(epochs["seconds"].sum())
    return finite(whole + float(rest["seconds"].sum()) * spacing)


def _threads(known: Mapping[str, Any]) -> int | None:
    threads = known.get("threads")
    return threads if isinstance(threads, int) else None


def _weighted(values: pd.Series[Any], weights: pd.Series[Any]) -> float | None:
    total = float(weights.sum())
    return finite(float((values * weights).sum()) / total) if total else None


def _mean(values: pd.Series[Any]) -> float | None:
    return finite(float(values.mean())) if len(values) else None
