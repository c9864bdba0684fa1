"""RunSummary: the numbers of one run that statistics need, small enough to keep beside the log.

:func:`summarise` takes them from a run. This module does not load pandas, since most summaries
are read from the files that :mod:`diagnostics.statistics.summary_cache` keeps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import numpy as np

from diagnostics.arguments import expect_kind
from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.detect.rollback_remedies import remedy_words
from diagnostics.files import readable_name

if TYPE_CHECKING:
    import pandas as pd

    from diagnostics.run.run import Run

# The status in a damaged log says nothing certain about its run.
CRASHED = ("crashed", "failed", "damaged")


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One whole epoch.

    Args:
        epoch: its number, from 1.
        accuracy: its training accuracy.
        seconds: its time.
        defect_steps: how many of its steps are defect iterations.
        clean_accuracy: the accuracy of its other steps; None where there are none.
    """

    epoch: int
    accuracy: float | None
    seconds: float | None
    defect_steps: int = 0
    clean_accuracy: float | None = None


@dataclass(frozen=True)
class RunSummary:
    """The numbers of one run for statistics. Every number comes from its log; None means that it is not known.

    Args:
        name: the name of the run file.
        verdict: its verdict.
        status: how it ended, see :class:`diagnostics.run.run.Run`; "damaged" for a damaged log.
        seed: the seed of the run.
        arm: its settings; runs that differ in nothing but the seed are one arm.
        threads: how many threads it trained with.
        steps: how many steps it made.
        planned_steps: how many it was asked for.
        defect_steps: how many of its steps are defect iterations.
        onset: the first step of the stretch that decides the verdict.
        confirmed: the step whose row made the detector sure of that stretch.
        cause: the rule of the first link of the chain.
        cause_layer: the layer of the first link.
        cause_step: the step of the first link.
        broke_at: the step at which the run broke, that of the blow.
        changed_limits: value and default of each limit that does not have its default.
        epochs: its whole epochs.
        validation_accuracy: the validation accuracy of the final model.
        step_seconds: the mean time of its steps.
        clean_step_seconds: the mean time of the steps that are no defect iterations.
        training_seconds: the time of all steps, without hooks.
        validation_seconds: the mean time of its validations.
        total_seconds: the time of training and one validation.
        path: the run file.
        rollbacks: how often it was turned back from a defect. Onset and cause of a run that did not die again are
            those of the defect that was undone last. Undone steps count in no number of steps.
        undone_kind: the defect from which it was turned back the last time, as a verdict.
        turned_back_to: the step from which it went on then.
        turned_back_with: the remedy with which it went on then, in words.
    """

    name: str
    verdict: Verdict
    status: str = "completed"
    seed: int | None = None
    arm: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None
    steps: int = 0
    planned_steps: int = 0
    defect_steps: int = 0
    onset: int | None = None
    confirmed: int | None = None
    cause: str | None = None
    cause_layer: str | None = None
    cause_step: int | None = None
    broke_at: int | None = None
    changed_limits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    epochs: tuple[EpochSummary, ...] = ()
    validation_accuracy: float | None = None
    step_seconds: float | None = None
    clean_step_seconds: float | None = None
    training_seconds: float | None = None
    validation_seconds: float | None = None
    total_seconds: float | None = None
    path: str = ""
    rollbacks: int = 0
    undone_kind: str | None = None
    turned_back_to: int | None = None
    turned_back_with: str | None = None

    @property
    def is_crashed(self) -> bool:
        """Whether the run ended by an error, its process died, or its log is damaged."""
        return self.status in CRASHED

    @property
    def is_judged(self) -> bool:
        """Whether the run counts in n: it did not crash, and it is not undecided."""
        return not self.is_crashed and not self.is_undecided

    @property
    def is_undecided(self) -> bool:
        """Whether it is undecided, and was not turned back. A run that was turned back is a defect run."""
        return self.verdict is Verdict.UNDECIDED and not self.rollbacks

    @property
    def is_defect(self) -> bool:
        """Whether the run is a defect run among the judged ones."""
        return self.is_judged and (self.verdict.is_defect or self.rollbacks > 0)

    @property
    def is_dead(self) -> bool:
        """Whether it is judged and ended in a defect stretch."""
        return self.is_judged and self.verdict.is_dead

    @property
    def is_rescued(self) -> bool:
        """Whether it ended well after it was turned back from a defect."""
        return self.is_judged and self.verdict is Verdict.RESCUED

    @property
    def kind(self) -> str:
        """The defect of a defect run: its verdict, or the defect that was undone."""
        return str(self.verdict) if self.verdict.is_dead else self.undone_kind or str(self.verdict)

    @property
    def is_survivor(self) -> bool:
        """Whether the run is healthy or recovered, and judged."""
        return self.is_judged and self.verdict.is_survivor

    @property
    def is_cut_short(self) -> bool:
        """Whether the run ended before the steps it was asked for. A completed run may have steps without a row."""
        return self.status != "completed" and self.steps < self.planned_steps

    def to_json(self) -> dict[str, Any]:
        """Plain types, for :meth:`from_json`."""
        return {**asdict(self), "verdict": str(self.verdict), "arm": dict(self.arm)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunSummary:
        """The summary from :meth:`to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        known = _of_declared_types(cls, value)
        known["verdict"] = Verdict(known["verdict"])
        known["epochs"] = tuple(EpochSummary(**_of_declared_types(EpochSummary, epoch)) for epoch in known["epochs"])
        return cls(**known)


def _of_declared_types(kind: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``kind`` as JSON has them. Raises KeyError for a missing one, TypeError for one of another type."""
    known = {}
    for name, types in _types_in_json(kind).items():
        known[name] = value[name]
        if type(known[name]) not in types:
            raise TypeError(f"{name}: found {known[name]!r:.40}, expected {' or '.join(one.__name__ for one in types)}")
    return known


@cache
def _types_in_json(kind: type) -> dict[str, tuple[type, ...]]:
    """The types that the fields of a class have in JSON, in which a verdict is a text, and 1.0 may be written as 1."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        plain = [_AS_JSON.get(get_origin(one) or one, one) for one in kinds]
        found[name] = (*plain, int) if float in plain else tuple(plain)
    return found


_AS_JSON: dict[Any, type] = {Verdict: str, Mapping: dict, Sequence: list, tuple: list}


def summarise(run: Run) -> RunSummary:
    """The summary of a run.

    ``run``: the run.

    Training time is that of the steps, without hooks. A validation counts for the final
    model only if no step came after it. The validation time of a run is the mean over its
    validations. The total time, as in the report, is that of training and one validation.
    """
    from diagnostics.run.run import Run  # inside: whoever reads kept summaries needs no pandas

    expect_kind("run", run, Run, "a run, which open_run(path) gives")
    diagnosis, steps = run.diagnosis, run.steps
    last = run.rollbacks[-1] if run.rollbacks else None
    defect = run.undone()[-1].diagnosis if last is not None and not diagnosis.verdict.is_dead else diagnosis
    cause = defect.cause
    steps = steps.reindex(columns=list(dict.fromkeys([*steps.columns, "accuracy", "seconds"])))  # NaN if not recorded
    clean = steps[~steps["defect"]]
    training = _training_seconds(run, steps)
    validation = _mean(run.validations["seconds"])
    return RunSummary(
        name=_name(run),
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


def _name(run: Run) -> str:
    """The name of a log's file. A file of another tool may hold several runs, each with its own name."""
    is_of_log = run.path is not None and (run.path.suffix == ".h5" or not run.info.is_imported)
    return readable_name(run.path.name) if run.path is not None and is_of_log else run.name


def _arm(run: Run) -> dict[str, Any]:
    """The settings. For a run that was started from Python: what is known of it, and the learning rates of its rows."""
    if run.info.settings:
        return dict(run.info.settings)
    size: dict[str, Any] = {"batch_size": run.info.batch_size, "epochs": run.info.epochs, "samples": run.info.samples}
    rates = run.scalars("learning_rate")[:, 0]
    known = rates[np.isfinite(rates)]
    seen = {"first_rate": float(known[0]), "largest_rate": float(known.max())} if len(known) else {}
    return {**({} if run.info.is_imported else size), **run.info.description, **seen}


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
    return _finite(float(validations["accuracy"].iloc[-1]))


def _training_seconds(run: Run, steps: pd.DataFrame) -> float | None:
    """The time of the whole epochs, and that of the steps after the last of them."""
    if not len(steps) or steps["seconds"].isna().all():
        return None
    epochs = run.epochs
    rest = steps if epochs.empty else steps[steps.index > int(epochs["last_step"].iloc[-1])]
    # The steps from one row to the next: more than 1 where only every k-th step was logged.
    spacing = float(np.diff(steps.index).mean()) if len(steps) > 1 else 1.0
    whole = 0.0 if epochs.empty else float(epochs["seconds"].sum())
    return _finite(whole + float(rest["seconds"].sum()) * spacing)


def _threads(known: Mapping[str, Any]) -> int | None:
    threads = known.get("threads")
    return threads if isinstance(threads, int) else None


def _weighted(values: pd.Series[Any], weights: pd.Series[Any]) -> float | None:
    total = float(weights.sum())
    return _finite(float((values * weights).sum()) / total) if total else None


def _mean(values: pd.Series[Any]) -> float | None:
    return _finite(float(values.mean())) if len(values) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
