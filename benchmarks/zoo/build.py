"""Trains and logs the runs of the zoo, and writes the label of each beside its log."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.common import outcomes
from benchmarks.zoo.faults import DECLARED, injected
from benchmarks.zoo.groups import ZooRun, zoo_runs
from benchmarks.zoo.shapes import shapes_dataset
from benchmarks.zoo.tampering import prepare
from diagnostics.executors.executor import Executor, Failure, Work
from diagnostics.executors.sent_files import put_files
from diagnostics.files import write_text
from diagnostics.provenance import commit
from diagnostics.record.recorder import Recorder
from diagnostics.study.worker import dataset
from lenet.hooks import Hook, ValidationEnd


class _Validations(Hook):
    """Keeps the validation accuracies, from which the labels come."""

    def __init__(self) -> None:
        self.accuracies: list[float] = []

    def on_validation_end(self, event: ValidationEnd) -> None:
        self.accuracies.append(event.accuracy)


@dataclass(frozen=True)
class ZooTraining(Work[ZooRun, None]):
    """Trains runs into a folder, which may be a passing one on another machine."""

    folder: Path

    def __call__(self, task: ZooRun) -> None:
        train(task, self.folder)

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> ZooTraining:
        return ZooTraining(folder)

    def arrived(self, task: ZooRun, result: None, files: Mapping[str, bytes]) -> None:
        put_files(self.folder, files)


def train(run: ZooRun, folder: Path) -> None:
    """Train and log one run. Its label is written last, so that a run with a label is a complete one."""
    label = folder / f"{run.name}.json"
    if label.exists():
        return
    settings = run.settings
    data = shapes_dataset() if run.group == "shapes" else dataset(settings.data, settings.limit)
    # Each run has one thread, since as many runs as jobs are trained at a time; the result is the same.
    model = replace(settings, threads=1).build_model(samples=len(data.X_train))
    X, y = data.X_train, data.y_train
    hooks: list[Hook] = []
    truth = None
    if run.group in DECLARED:
        fault = injected(run.group, settings.seed)
        X, y, hooks = prepare(fault, model, data)
        truth = vars(fault.truth)
    validations = _Validations()
    recorder = Recorder(folder / f"{run.name}.h5", overwrite=True, histograms_every=0, settings=settings.to_dict())
    model.train(
        X,
        y,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        print_every=0,
        hooks=[*hooks, recorder, validations],
        validation_data=(data.X_test, data.y_test),
    )
    entry = {
        "group": run.group,
        "settings": settings.to_dict(),
        "accuracies": validations.accuracies,
        "truth": truth,
        "commit": commit(),
    }
    write_text(label, json.dumps(entry))


def build(
    part: str,
    folder: Path,
    executor: Executor | int,
    round_: int,
    share: float,
    groups: Collection[str] | None = None,
    judged: Collection[str] = (),
) -> int:
    """Train the runs that are missing in ``folder``; returns how many failed.

    ``executor`` says where they are trained; a number is so many processes of this machine.
    ``groups`` are the groups to train, None for all. Runs named in ``judged`` need no log any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [run for run in zoo_runs(part, round_, share) if groups is None or run.group in groups]
    missing = [run for run in wanted if run.name not in judged and not (folder / f"{run.name}.json").exists()]
    print(f"{len(wanted)} runs, {len(wanted) - len(missing)} of them there already", flush=True)
    return sum(isinstance(outcome, Failure) for _, outcome in outcomes(missing, ZooTraining(folder), executor))
