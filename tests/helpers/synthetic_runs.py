"""Runs made up of numbers: what a LeNet's log looks like when it learns, dies, collapses or overflows.

Nothing is trained here. Every curve is a formula with a little seeded noise, so
that a test knows which number a figure has to show at which step.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Diagnosis, Finding, RuleOutcome, Severity, Stretch, Verdict
from diagnostics.detect.link import Link, Origin
from diagnostics.detect.remedies import suggestion
from diagnostics.run.run import Run
from diagnostics.run.source import MemorySource, index_rows, records
from diagnostics.schema.columns import KINDS, Columns
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import BINS, COUNTS, EPOCHS, KERNELS, RANGES, SILENT, SNAPSHOTS, VALIDATIONS
from diagnostics.statistics.arms import group_runs
from diagnostics.statistics.comparison import compare_all
from diagnostics.statistics.summarising import summarise
from reports.pages.study_data import StudyData
from tests.helpers.lenet_info import GUESSING, lenet_info

DEATH = 33
COLLAPSE = 700


def healthy(steps: int = 300, name: str = "healthy", **more: Any) -> Run:
    """A run that learns and keeps what it learned."""
    run = _run(lenet_info(steps, **more), name, _falling(steps))
    checks = (
        _finding(
            "dead-units", None, 0, steps - 1, 0.31, 0.9, "no layer was dead for a whole window", RuleOutcome.PASSED
        ),
        _finding(
            "saturated-units", None, 0, 0, np.nan, np.nan, "missing: no sigmoid or tanh layer", RuleOutcome.NOT_RUN
        ),
    )
    return _judged(run, Diagnosis(name, Verdict.HEALTHY, steps, checks=checks, limits={"guess_share": 0.95}))


def dead(steps: int = 300, name: str = "dead") -> Run:
    """A run that was killed at step 32: one update overshoots and 15 of 16 kernels of conv2 go silent."""
    loss = np.full(steps, GUESSING)
    loss[:DEATH] = np.linspace(2.6, 1.9, DEATH)
    loss[DEATH - 1] = 4.3
    run = _run(lenet_info(steps), name, loss, died=DEATH)
    last = steps - 1
    chain = (
        _finding("exploding-gradient", "conv2", 31, 31, 14.0, 10.0, "gradient of conv2 up 14x in 3 steps"),
        _finding("oversized-update", "conv2", 32, 32, 0.38, 0.1, "update 38 % of the weight norm, loss 4.3"),
        _finding("dead-units", "conv2", DEATH, last, 0.9375, 0.9, "15 of 16 kernels silent for every input"),
        _finding("zero-gradient", "conv1", 36, last, 0.0, 0.0, "the gradient below conv2 is exactly zero"),
    )
    diagnosis = Diagnosis(
        name,
        Verdict.NEVER_LEARNED,
        steps,
        0,
        52,
        (Stretch(Verdict.NEVER_LEARNED, 0, 52),),
        Link("exploding-gradient", "conv2", 31, "gradient of conv2 up 14x in 3 steps", Origin.SETTINGS, ("conv2",)),
        Link(
            "oversized-update",
            "conv2",
            32,
            "one update of conv2 moved its weights by 38 % of their norm",
            Origin.SETTINGS,
            ("conv1", "conv2"),
        ),
        chain,
        chain,
        chain,
        (suggestion("smaller-rate"), suggestion("clip")),
        {"guess_share": 0.95},
    )
    return _judged(run, diagnosis)


def collapsed(steps: int = 1407, name: str = "collapsed") -> Run:
    """A run that learns and unlearns everything at step 700."""
    loss = _falling(steps)
    loss[COLLAPSE:] = GUESSING
    loss[COLLAPSE] = 6.5
    run = _run(lenet_info(steps, 469), name, loss, died=COLLAPSE)
    chain = (_finding("dead-units", "dense2", COLLAPSE, steps - 1, 1.0, 0.9, "all 84 units silent"),)
    diagnosis = Diagnosis(
        name,
        Verdict.COLLAPSED,
        steps,
        COLLAPSE,
        COLLAPSE + 22,
        (Stretch(Verdict.COLLAPSED, COLLAPSE, COLLAPSE + 22),),
        first_link=(link := Link("dead-units", "dense2", COLLAPSE, "all 84 units of dense2 silent", Origin.SETTINGS)),
        blow=link,
        chain=chain,
        findings=chain,
        checks=chain,
        suggestions=(suggestion("smaller-rate"),),
    )
    return _judged(run, diagnosis)


def diverged(steps: int = 300, name: str = "diverged", at: int = 120) -> Run:
    """A run whose numbers stop being numbers."""
    loss = _falling(steps)
    loss[at:] = np.nan
    run = _run(lenet_info(steps), name, loss, broken=at)
    chain = (_finding("non-finite", "conv1", at, steps - 1, 150.0, 0.0, "150 weights of conv1 are not finite"),)
    diagnosis = Diagnosis(
        name,
        Verdict.DIVERGED,
        steps,
        at,
        at,
        (Stretch(Verdict.DIVERGED, at, at),),
        link := Link("non-finite", "conv1", at, "weights of conv1 overflowed"),
        link,
        chain,
        chain,
        chain,
    )
    return _judged(run, diagnosis)


def _finding(
    rule: str,
    layer: str | None,
    first: int,
    last: int,
    value: float,
    limit: float,
    message: str,
    outcome: RuleOutcome = RuleOutcome.FIRED,
) -> Finding:
    severity = Severity.ERROR if outcome is RuleOutcome.FIRED else Severity.INFO
    return Finding(rule, layer, first, last, value, limit, severity, 0.9, message, outcome)


def _judged(run: Run, diagnosis: Diagnosis) -> Run:
    run._kept["diagnosis"] = diagnosis
    return run


def _falling(steps: int) -> NDArray[np.float64]:
    return 0.1 + 2.2 * np.exp(-np.arange(steps) / max(20.0, steps / 12))


def nonfinite_counts(columns: Columns, kind: str) -> list[int]:
    """The places of the numbers of entries that are not finite, of all tensors."""
    return [columns.tensor(layer, tensor, kind, "nonfinite") for layer, tensor in columns.tensors]


def _run(
    header: RunInfo, name: str, loss: NDArray[np.float64], died: int | None = None, broken: int | None = None
) -> Run:
    rng = np.random.default_rng(5)
    steps, columns = len(loss), header.columns
    t = np.arange(steps)
    noise = 1 + 0.1 * rng.standard_normal((steps, len(columns)))
    values = (0.05 * noise).astype(np.float32)
    gone = t >= died if died is not None else np.zeros(steps, bool)
    accuracy = np.where(gone, 0.112, np.clip(1 - loss / GUESSING, 0.1, 1.0))
    for statistic, curve in (("loss", loss), ("data_loss", loss), ("accuracy", accuracy)):
        values[:, columns.scalar(statistic)] = curve
    values[:, columns.scalar("penalty")] = 0.0
    values[:, columns.scalar("learning_rate")] = 0.5
    values[:, columns.scalar("seconds")] = 0.009
    values[:, columns.scalar("samples")] = 128
    for kind in KINDS:
        values[:, nonfinite_counts(columns, kind)] = 0.0
    for layer, tensor in columns.tensors:
        norm = columns.tensor(layer, tensor, "gradient", "norm")
        ratio = columns.tensor(layer, tensor, "update", "ratio")
        values[:, ratio] *= 0.1
        if died is not None:
            values[died - 2, norm] = 14.0
            values[died - 1, ratio] = 0.38
            if layer in ("conv1", "conv2"):
                values[gone, norm] = 0.0
                values[gone, ratio] = 0.0
    for layer in columns.layers:
        share = columns.activation(layer, "dead_fraction")
        values[:, share] = 0.05
        values[:, columns.activation(layer, "saturated_fraction")] = np.nan
        if layer == "conv2":
            values[gone, share] = 15 / 16
    if broken is not None:
        values[broken:, len(columns.names) // 8 :] = np.nan
        values[broken:, nonfinite_counts(columns, "value")] = 150
    per = header.steps_per_epoch
    epochs = [
        {
            "epoch": e + 1,
            "first_step": e * per,
            "last_step": min((e + 1) * per, steps) - 1,
            "wall": 0.0,
            "loss": float(np.mean(loss[e * per : (e + 1) * per])),
            "accuracy": float(np.mean(accuracy[e * per : (e + 1) * per])),
            "learning_rate": 0.5,
            "seconds": 0.9,
        }
        for e in range(header.epochs)
    ]
    checked = [
        {
            "epoch": e["epoch"],
            "step": e["last_step"],
            "loss": e["loss"],
            "accuracy": e["accuracy"],
            "samples": 10_000,
            "seconds": 0.3,
        }
        for e in epochs
    ]
    shots, arrays = _snapshots(header, steps, died, rng)
    tables = {
        EPOCHS.path: records(EPOCHS, epochs),
        VALIDATIONS.path: records(VALIDATIONS, checked),
        SNAPSHOTS.path: shots,
    }
    about = Header(header, status="completed")
    source = MemorySource(about, index_rows(t, t // per + 1), values, tables, arrays)
    return Run(source, name)


def _snapshots(header: RunInfo, steps: int, died: int | None, rng: np.random.Generator) -> tuple[Any, Any]:
    at = np.arange(0, steps, 25)
    index = np.zeros(len(at), SNAPSHOTS.dtype)
    index["step"] = at
    counts = np.zeros((len(at), len(KINDS), len(header.tensors), BINS), np.uint32)
    ranges = np.zeros((len(at), len(KINDS), len(header.tensors), 2), np.float32)
    for place, tensor in enumerate(header.tensors):
        for k in range(len(KINDS)):
            bell = np.exp(-0.5 * np.linspace(-3, 3, BINS) ** 2)
            counts[:, k, place] = np.maximum(1, tensor.size * bell / bell.sum()).astype(np.uint32)
            spread = (0.3, 0.02, 0.01)[k] * (1 + at / max(steps, 1))
            ranges[:, k, place, 0], ranges[:, k, place, 1] = -spread, spread
    units = sum(layer.units for layer in header.layers)
    silent = np.zeros((len(at), units), np.uint8)
    if died is not None:
        silent[at >= died, 6:21] = 1
    first = header.first_convolution
    assert first is not None
    kernels = rng.standard_normal((1, first.size)).astype(np.float32) + 0.002 * at[:, None].astype(np.float32)
    arrays = {COUNTS.path: counts, RANGES.path: ranges, SILENT.path: silent, KERNELS.path: kernels}
    return index, arrays


def study() -> StudyData:
    """Two arms of four runs each: three dead and one alive, and all alive."""
    made = {}
    for arm, lr in (("lr=0.5", 0.5), ("lr=0.1", 0.1)):
        for seed in range(4):
            died = lr == 0.5 and seed > 0
            name = f"lenet-{arm}-seed{seed}.h5"
            made[name] = (dead if died else healthy)(120, name=name), lr, seed
    runs = {
        name: replace(summarise(run), name=name, seed=seed, arm={"network": "lenet", "lr": lr})
        for name, (run, lr, seed) in made.items()
    }
    groups = group_runs(list(runs.values()))
    return StudyData(
        "<b>study</b>",
        groups,
        compare_all(groups),
        lambda summary: made[summary.name][0],
        {"lenet-lr=0.5-seed1.h5": "lenet-lr=0.5-seed1/report.html"},
        ["x.h5: is empty"],
    )


def write_log(run: Run, path: Path) -> Path:
    """The run as a log file, closed with its status."""
    from diagnostics.log.writer import LogWriter

    writer = LogWriter(path, Header(run.info))
    steps = run.snapshots.steps.tolist()
    arrays = cast(MemorySource, run.source).arrays
    for step, epoch, row in run.rows():
        writer.row(step, epoch, row)
        if step in steps:
            place = steps.index(step)
            writer.snapshot(step, False, {name: rows[place] for name, rows in arrays.items()})
    writer.close(run.status)
    return path
