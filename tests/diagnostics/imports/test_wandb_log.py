"""The binary log of Weights & Biases, as wandb wrote it, whole and cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from tests.helpers.imported_runs import told
from tests.helpers.tool_logs import curve

SAMPLE = Path(__file__).parent / "samples" / "run-dies.wandb"


def test_the_numbers_the_name_and_the_settings_are_those_of_the_run():
    [run] = import_runs(SAMPLE, ImportOptions(classes=10))
    logged = curve()[::3]

    assert run.steps.index.tolist() == logged.step.tolist()
    assert np.allclose(run.steps["loss"], logged.loss, rtol=1e-6)
    assert np.allclose(run.steps["accuracy"], logged.accuracy, rtol=1e-6)
    assert run.validations["step"].tolist() == [0, 99, 198, 297]
    assert (run.name, run.verdict, run.info.batch_size, run.info.seed) == (
        "run-dies-dies-late", Verdict.COLLAPSED, 128, 3,
    )  # fmt: skip
    assert run.info.description["optimizer"] == "sgd"
    assert "cut short" not in told(run)


@pytest.mark.parametrize("kept", [34_000, 32_770, 32_768, 20_000])
def test_a_log_is_read_up_to_where_it_is_cut_and_says_so(tmp_path, kept):
    path = tmp_path / "run-dies.wandb"
    path.write_bytes(SAMPLE.read_bytes()[:kept])
    [run] = import_runs(path, ImportOptions(classes=10))

    logged = curve()[::3]
    assert np.allclose(run.steps["loss"], logged.loss[: len(run)], rtol=1e-6)
    assert kept * 0.8 < len(run) * len(SAMPLE.read_bytes()) / 100 < kept * 1.1
    assert "the file is cut short or damaged: what follows its first " in told(run)


def test_a_changed_byte_ends_what_is_read(tmp_path):
    path = tmp_path / "run-dies.wandb"
    raw = bytearray(SAMPLE.read_bytes())
    raw[20_000] ^= 1
    path.write_bytes(raw)
    [run] = import_runs(path)

    assert 40 < len(run) < 60
    path.write_bytes(raw[:12])
    with pytest.raises(LogError, match="has no numbers; read as Weights & Biases log"):
        import_runs(path)
