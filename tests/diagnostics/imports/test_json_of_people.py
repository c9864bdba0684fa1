"""JSON in which people keep a training: values by their steps, objects by their epochs, and printed messages."""

from __future__ import annotations

import json

import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from tests.helpers.tool_logs import curve

SHAPES = {
    "values by steps": lambda run: {"loss": {str(row.step): row.loss for row in run}},
    "objects by steps": lambda run: {str(row.step): {"loss": row.loss, "acc": row.accuracy} for row in run},
    "objects by named steps": lambda run: {f"step_{row.step}": {"loss": row.loss} for row in run},
    "pairs": lambda run: {"train": {"loss": [[row.step, row.loss] for row in run]}},
    "two lists": lambda run: {"loss": {"train": {"x": [row.step for row in run], "y": [row.loss for row in run]}}},
    "named series": lambda run: [{"name": "loss", "x": [row.step for row in run], "y": [row.loss for row in run]}],
    "plurals": lambda run: {"steps": [row.step for row in run], "train_losses": [row.loss for row in run]},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dies_at", "verdict"), [(200, Verdict.COLLAPSED), (None, Verdict.HEALTHY)])
def test_documents_with_a_step_beside_each_value(tmp_path, shape, dies_at, verdict):
    rows = list(curve(dies_at=dies_at)[::2].itertuples())
    path = tmp_path / "log.json"
    path.write_text(json.dumps(SHAPES[shape](rows)))
    [run] = import_runs(path, ImportOptions(classes=10))

    assert run.verdict is verdict
    assert run.steps.index.tolist() == list(range(0, 300, 2))


def test_objects_by_epochs_hold_means(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps({f"Epoch {n}": {"loss": 1 / n, "val_loss": 2 / n} for n in (1, 2, 3)}))
    [run] = import_runs(path)

    assert run.info.environment["resolution"] == "every epoch"
    assert run.steps["loss"].tolist() == pytest.approx([1, 1 / 2, 1 / 3])


@pytest.mark.parametrize("key", ["message", "msg", "log"])
def test_numbers_in_messages(tmp_path, key):
    path = tmp_path / "run.jsonl"
    lines = [{"level": "INFO", key: f"step {row.step}: loss={row.loss:.4f}"} for row in curve().itertuples()]
    path.write_text("\n".join(map(json.dumps, [{"level": "INFO", key: "started"}, *lines])))
    [run] = import_runs(path, ImportOptions(classes=10))

    assert (len(run), run.verdict) == (300, Verdict.COLLAPSED)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"steps": [2.3, 2.2, 2.1]}, "has no list but steps; expected one list of numbers a metric, such as loss"),
        ({"eval_loss": 2.3, "train_loss": 1.0}, "is an object without lists, as the summary of a run"),
        ({"RUN-1 loss of it": [2.3, 2.2]}, 'name it with --columns "loss=RUN-1 loss of it"'),
    ],
)
def test_what_is_no_log_gets_one_line_with_the_cure(tmp_path, document, words):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(document, indent=1))
    with pytest.raises(LogError) as error:
        import_runs(path)

    assert words in str(error.value)
    assert "\n" not in str(error.value)
