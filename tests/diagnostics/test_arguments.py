"""Wrong arguments of frames, bands and statistics: the message says what was received and what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import diagnostics as ld
from diagnostics.errors import DiagnosticsError, UnknownNameError
from diagnostics.run.export import export_run
from diagnostics.statistics import compare_all, drifts, find_runs, group_runs, parameter_bands, sensitivity, wilson
from diagnostics.study import Arm, Study, StudyPlan
from tests.helpers.fake_runs import fake_run
from tests.helpers.synthetic_runs import collapsed, healthy

TENSORS = "expected one of conv1, conv2, dense1, dense2, dense3"
LIST = "expected a list of "


@pytest.fixture(scope="module")
def runs() -> dict[str, ld.Run]:
    return {"healthy": healthy(), "collapsed": collapsed()}


def wrong(runs: dict[str, ld.Run], name: str) -> Any:
    """The calls with one wrong argument each."""
    run, dead = runs["healthy"], runs["collapsed"]
    group = ld.Group("plain", ())
    calls = {
        "layer": lambda: run.tensor_frame(layer="conv9"),
        "tensor": lambda: run.tensor_frame(tensor="weight"),
        "kind": lambda: run.tensor_frame(kind="grad"),
        "statistic": lambda: run.tensor_frame(["nrom"]),
        "statistics": lambda: run.tensor_frame("norm"),
        "activation": lambda: run.activation_frame(["dead"]),
        "activation layer": lambda: run.activation_frame(layer="conv9"),
        "column": lambda: run.block(["conv1/weights/gradient/nrom"]),
        "columns": lambda: run.block("loss"),
        "histogram": lambda: run.snapshots.histogram("conv1", "weight", "value"),
        "silent": lambda: run.snapshots.silent("conv9"),
        "form": lambda: export_run(run, "nowhere", "cvs"),  # type: ignore[arg-type]
        "bands statistic": lambda: parameter_bands([run, dead], statistics=["nrom"]),
        "bands statistics": lambda: parameter_bands([run, dead], statistics="norm"),
        "bands kind": lambda: parameter_bands([run, dead], kinds=["weights"]),
        "bands align": lambda: parameter_bands([run, dead], align="end"),  # type: ignore[arg-type]
        "bands window": lambda: parameter_bands([run, dead], align="onset", window=(5, -5)),
        "bands paths": lambda: parameter_bands(["runs/a.h5"]),  # type: ignore[list-item]
        "bands path": lambda: parameter_bands("runs/a.h5"),  # type: ignore[arg-type]
        "bands run": lambda: parameter_bands(run),  # type: ignore[arg-type]
        "drift statistic": lambda: drifts([dead], [run], statistics=["nrom"]),
        "drift paths": lambda: drifts(["a.h5"], [run]),  # type: ignore[list-item]
        "find": lambda: find_runs("runs"),
        "load": lambda: ld.load_summaries(Path("runs")),  # type: ignore[arg-type]
        "group": lambda: group_runs([run]),  # type: ignore[list-item]
        "compare": lambda: ld.compare(group, "plain"),  # type: ignore[arg-type]
        "compare all": lambda: compare_all({"plain": 1}),  # type: ignore[arg-type]
        "metric": lambda: sensitivity(group, "accuracy"),
        "rows": lambda: next(run.parts(0)),
        "points": lambda: parameter_bands([run, dead], points=0),
        "before": lambda: drifts([dead], [run], before=0),
        "share": lambda: wilson(5, 3),
        "runs frame": lambda: ld.runs_frame([run]),  # type: ignore[list-item]
        "groups frame": lambda: ld.groups_frame(group),  # type: ignore[arg-type]
        "summarise": lambda: ld.summarise("a.h5"),  # type: ignore[arg-type]
    }
    return calls[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("layer", f"layer: received 'conv9', {TENSORS}"),
        ("tensor", "tensor: received 'weight', expected one of weights, biases"),
        ("kind", "kind: received 'grad', expected one of value, gradient, update"),
        ("statistic", "statistics: received 'nrom', expected one of mean, std"),
        ("statistics", f"statistics: received 'norm', {LIST}names, such as ['norm']"),
        ("activation", "statistics: received 'dead', expected one of mean, std"),
        ("activation layer", "layer: received 'conv9', expected one of input, conv1"),
        (
            "column",
            "columns: received 'conv1/weights/gradient/nrom', expected names of run.columns, such as "
            "conv1/weights/gradient/norm",
        ),
        ("columns", f"columns: received 'loss', {LIST}columns, such as ['loss']"),
        ("histogram", "tensor: received 'weight', expected one of weights, biases"),
        ("silent", f"layer: received 'conv9', {TENSORS}"),
        ("form", "form: received 'cvs', expected one of csv, parquet"),
        ("bands statistic", "statistics: received 'nrom', expected one of mean, std"),
        ("bands statistics", f"statistics: received 'norm', {LIST}names, such as ['norm']"),
        ("bands kind", "kinds: received 'weights', expected one of value, gradient, update"),
        ("bands align", "align: received 'end', expected one of start, onset"),
        ("bands window", "window: received (5, -5), expected the first and the last step, (-200, 200)"),
        ("bands paths", f"runs: received a list with 'runs/a.h5', {LIST}runs, which open_run(path) gives"),
        ("bands path", f"runs: received 'runs/a.h5', {LIST}runs, which open_run(path) gives"),
        ("bands run", f"runs: received <Run healthy: 300 steps recorded, completed>, {LIST}runs"),
        ("drift statistic", "statistics: received 'nrom', expected one of mean, std"),
        ("drift paths", f"defect: received a list with 'a.h5', {LIST}runs, which open_run(path) gives"),
        ("find", f"paths: received 'runs', {LIST}files and folders, such as ['runs']"),
        ("load", f"paths: received PosixPath('runs'), {LIST}files, as find_runs gives them"),
        ("group", f"runs: received a list with <Run healthy: 300 steps recorded, completed>, {LIST}summaries"),
        ("compare", "control: received 'plain', expected one of the groups that group_runs(summaries) gives"),
        ("compare all", f"groups: received a list with 'plain', {LIST}groups"),
        ("metric", "metric: received 'accuracy', expected one of epoch_accuracy, validation_accuracy"),
        ("rows", "rows: received 0, expected at least 1"),
        ("points", "points: received 0, expected at least 1"),
        ("before", "before: received 0, expected at least 1"),
        ("share", "k: received 5, expected at most n = 3"),
        ("runs frame", f"groups: received a list with <Run healthy: 300 steps recorded, completed>, {LIST}groups"),
        ("groups frame", f"groups: received <Group plain: 0 of 0 are defect runs>, {LIST}groups"),
        ("summarise", "run: received 'a.h5', expected a run, which open_run(path) gives"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(name: str, message: str, runs: dict[str, ld.Run]) -> None:
    with pytest.raises((UnknownNameError, TypeError, ValueError)) as caught:
        wrong(runs, name)()

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_caught_as_what_it_was_before() -> None:
    assert issubclass(UnknownNameError, (DiagnosticsError, KeyError, ValueError))
    assert str(UnknownNameError("layer: received 'x'")) == "layer: received 'x'"


def test_a_text_stands_for_a_path(tmp_path: Path, runs: dict[str, ld.Run]) -> None:
    fake_run(tmp_path, "a.h5")
    plan = StudyPlan((Arm("plain", {}, 2),))

    assert find_runs([str(tmp_path)]) == find_runs([tmp_path]) == [tmp_path / "a.h5"]
    assert ld.load_summaries([str(tmp_path / "a.h5")]) == ld.load_summaries([tmp_path / "a.h5"])
    assert export_run(runs["healthy"], str(tmp_path / "out"))[0] == tmp_path / "out" / "steps.csv"
    assert Study(plan, str(tmp_path), 1, reuse=[str(tmp_path)]).folder == tmp_path
    plan.save(str(tmp_path))
    assert StudyPlan.load(str(tmp_path)).arms == plan.arms


def test_the_ratio_is_of_updates_only(runs: dict[str, ld.Run]) -> None:
    bands = parameter_bands([runs["healthy"], runs["collapsed"]], statistics=["ratio"])

    assert set(bands.index.get_level_values("kind")) == {"update"}


def test_the_time_of_a_row_is_a_moment() -> None:
    run = ld.open_run(Path(__file__).parent / "samples" / "log-1.3.h5")
    first = run.steps["wall"].iloc[0]

    assert run.steps["wall"].dtype == run.epochs["wall"].dtype == run.events["wall"].dtype == "datetime64[us, UTC]"
    assert first == pd.Timestamp(float(run.index["wall"][0]), unit="s", tz="UTC").floor("us")
    assert healthy().steps["wall"].isna().all(), "a run in memory has no times"
