"""From a run to its summary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from diagnostics.detect.findings import Diagnosis
from diagnostics.log.names import readable_name
from diagnostics.run.run import Run
from diagnostics.statistics.run_summary import EpochSummary, RunSummary


def summarise(run: Run) -> RunSummary:
    """The numbers of ``run`` that statistics need.

    Training time is that of the steps, hooks left out. A validation is that of
    the final model only if no step came after it; the run's validation time is
    the mean of its validations, and the total, as in the report, is training
    and one validation.
    """
    diagnosis, steps = run.diagnosis, run.steps
    clean = steps[~steps["defect"]]
    training = _training_seconds(run, steps)
    validation = _mean(run.validations["seconds"])
    return RunSummary(
        name=readable_name(run.path.name) if run.path else run.name,
        path=str(run.path or ""),
        verdict=diagnosis.verdict,
        status="damaged" if run.notes else run.status,
        seed=run.info.seed,
        arm=_arm(run),
        threads=_threads({**run.info.settings, **run.info.environment}),
        steps=diagnosis.steps,
        planned_steps=run.info.total_steps,
        defect_steps=diagnosis.defect_steps,
        onset=diagnosis.onset,
        confirmed=diagnosis.confirmed,
        cause=diagnosis.cause.rule if diagnosis.cause else None,
        cause_layer=diagnosis.cause.layer if diagnosis.cause else None,
        cause_step=diagnosis.cause.step if diagnosis.cause else None,
        epochs=_epochs(run, steps),
        validation_accuracy=_final_accuracy(run),
        step_seconds=_mean(steps["seconds"]),
        clean_step_seconds=_mean(clean["seconds"]),
        training_seconds=training,
        validation_seconds=validation,
        total_seconds=None if training is None or validation is None else training + validation,
    )


def _arm(run: Run) -> dict[str, Any]:
    """The settings, or what is known of a run that was started from Python."""
    if run.info.settings:
        return dict(run.info.settings)
    size = {"batch_size": run.info.batch_size, "epochs": run.info.epochs, "samples": run.info.samples}
    return {**size, **run.info.description}


def _epochs(run: Run, steps: pd.DataFrame) -> tuple[EpochSummary, ...]:
    made = []
    for number, row in run.epochs.iterrows():
        rows = steps[steps["epoch"] == number]
        bad = _defect_steps(run.diagnosis, int(row["first_step"]), int(row["last_step"]))
        accuracy = _finite(float(row["accuracy"]))
        kept = rows[~rows["defect"]]
        clean = accuracy if not bad else _weighted(kept["accuracy"], kept["samples"])
        made.append(EpochSummary(int(str(number)), accuracy, _finite(float(row["seconds"])), bad, clean))
    return tuple(made)


def _defect_steps(diagnosis: Diagnosis, first: int, last: int) -> int:
    """The defect iterations from ``first`` to ``last``, recorded or not."""
    parts = ((max(s.onset, first), last + 1 if s.recovery is None else min(s.recovery, last + 1))
             for s in diagnosis.stretches)  # fmt: skip
    return sum(max(0, stop - start) for start, stop in parts)


def _final_accuracy(run: Run) -> float | None:
    """The accuracy of the last validation, if the model did not change afterwards."""
    validations = run.validations
    if validations.empty or int(validations["step"].iloc[-1]) < run.steps_made - 1:
        return None
    return _finite(float(validations["accuracy"].iloc[-1]))


def _training_seconds(run: Run, steps: pd.DataFrame) -> float | None:
    """Whole epochs by their own clock, and the steps after the last of them."""
    if not len(steps):
        return None
    epochs = run.epochs
    rest = steps if epochs.empty else steps[steps.index > int(epochs["last_step"].iloc[-1])]
    spacing = _mean(pd.Series(np.diff(steps.index))) or 1.0  # 1 unless only every k-th step was logged
    whole = 0.0 if epochs.empty else float(epochs["seconds"].sum())
    return _finite(whole + float(rest["seconds"].sum()) * spacing)


def _threads(known: Mapping[str, Any]) -> int | None:
    threads = known.get("threads")
    return int(threads) if threads is not None else None


def _weighted(values: pd.Series[Any], weights: pd.Series[Any]) -> float | None:
    total = float(weights.sum())
    return _finite(float((values * weights).sum()) / total) if total else None


def _mean(values: pd.Series[Any]) -> float | None:
    return _finite(float(values.mean())) if len(values) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
