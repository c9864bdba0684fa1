"""Losses in base 2, which a perplexity beside them or the names of fairseq tell."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.loss_base import in_nats
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries
from tests.helpers.tool_logs import curve

LOSSES = np.linspace(4.0, 1.0, 30)
AS_JSON = '2026-01-01 | INFO | train_inner | {"epoch": %d, "loss": "%.3f", "ppl": "%.2f", "num_updates": "%d"}'
AS_TEXT = "2026-01-01 | INFO | train_inner | epoch %03d: %d / 100 loss=%.3f, ppl=%.2f, num_updates=%d, lr=0.1"


def series(values):
    numbers = np.arange(float(len(values)))
    return MetricSeries(numbers, np.full(len(values), np.nan), np.asarray(values, np.float64))


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"ppl": 2**LOSSES}, "ppl is 2 to loss"),
        ({"ppl": np.round(2**LOSSES, 2)}, "ppl is 2 to loss"),
        ({"nll_loss": LOSSES - 0.5, "ppl": 2 ** (LOSSES - 0.5)}, "ppl is 2 to nll_loss"),
        ({"loss_base": np.full(30, 2)}, "loss_base is 2"),
        (dict.fromkeys(("wps", "ups", "wpb", "bsz"), LOSSES), "fairseq wrote it"),
        ({"ppl": np.exp(LOSSES)}, ""),
        ({"ppl": np.exp(LOSSES), **dict.fromkeys(("wps", "ups", "wpb", "bsz"), LOSSES)}, ""),
        ({"ppl": 3 * LOSSES}, ""),
        ({"ppl": np.full(30, np.nan)}, ""),
        ({"perplexity": 2 ** LOSSES[:0]}, ""),
        ({"loss_base": np.full(30, math.e)}, ""),
        ({}, ""),
    ],
)
def test_what_says_that_losses_are_in_base_2(others, reason):
    named = {"loss": LOSSES, "val_loss": LOSSES, "lr": LOSSES, **others}
    taken = in_nats(LoggedMetrics({name: series(values) for name, values in named.items()}))

    factor = math.log(2) if reason else 1
    assert np.allclose(taken.series["loss"].values, factor * LOSSES)
    assert np.allclose(taken.series["val_loss"].values, factor * LOSSES)
    assert np.allclose(taken.series["lr"].values, LOSSES)
    assert [reason in one for one in taken.told] == ([True] if reason else [])


@pytest.mark.parametrize("is_json", [True, False])
@pytest.mark.parametrize(("dies_at", "verdict"), [(200, Verdict.COLLAPSED), (None, Verdict.HEALTHY)])
def test_a_log_of_fairseq(tmp_path, is_json, dies_at, verdict):
    text = ""
    for row in curve(900, dies_at).itertuples():
        bits, at = row.loss / math.log(2), row.step + 1
        if is_json:
            text += AS_JSON % (row.epoch, bits, 2**bits, at) + "\n"
        else:
            text += AS_TEXT % (row.epoch, (at - 1) % 100 + 1, bits, 2**bits, at) + "\n"
        if at % 100 == 0:
            numbers = {"epoch": row.epoch, "train_loss": "9.000", "train_ppl": "512", "train_num_updates": str(at)}
            text += f"2026-01-01 10:10:10 | INFO | train | {json.dumps(numbers)}\n"
    path = tmp_path / "train.log"
    path.write_text(text)
    [run] = import_runs(path, ImportOptions(classes=10))

    assert run.verdict is verdict
    assert np.allclose(run.steps["loss"], curve(900, dies_at).loss, atol=1e-3)
    assert run.steps.index[-1] - run.steps.index[0] == 899


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("step,ppl,val_ppl\n", "{0},{1},{1}\n"),
        ("", "Epoch[0] Batch [{0}]\tSpeed: 71.8 samples/sec\tperplexity={1}\n"),
    ],
)
@pytest.mark.parametrize(("dies_at", "verdict"), [(200, Verdict.COLLAPSED), (None, Verdict.HEALTHY)])
def test_perplexities_alone_tell_the_losses(tmp_path, head, line, dies_at, verdict):
    rows = curve(dies_at=dies_at)
    path = tmp_path / ("run.csv" if head else "run.log")
    path.write_text(head + "".join(line.format(row.step, math.exp(row.loss)) for row in rows.itertuples()))
    [run] = import_runs(path, ImportOptions(classes=10))

    assert run.verdict is verdict
    assert np.allclose(run.steps["loss"], rows.loss, atol=1e-3)
    assert len(run.validations) == (300 if head else 0)
    assert any("its losses are the logarithms of p" in one for one in run.info.environment["taken_as"])
