"""A log as CSV and Parquet files, and the commands that export, repair and describe logs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from diagnostics.errors import DiagnosticsError
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from diagnostics.run.export import export_run
from reports.commands import export, repair, schema
from tests.helpers.small_trainings import train


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "run.h5"
    train([Recorder(path)])
    return path


def test_csv_files_hold_the_frames(log: Path, tmp_path: Path) -> None:
    run = open_run(log)

    paths = export_run(run, tmp_path / "out")

    names = {p.name for p in paths}
    assert names == {f"{n}.csv" for n in ("steps", "tensors", "activations", "epochs", "validations", "events")}
    steps = pd.read_csv(tmp_path / "out" / "steps.csv")
    assert steps.columns[0] == "step"
    np.testing.assert_allclose(steps["loss"], run.steps["loss"], rtol=1e-12)
    tensors = pd.read_csv(tmp_path / "out" / "tensors.csv")
    assert list(tensors.columns[:5]) == ["step", "layer", "tensor", "kind", "mean"]
    assert len(tensors) == len(run.tensors)


def test_parquet_files_hold_the_frames(log: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the optional extra parquet is not installed")
    run = open_run(log)

    export_run(run, tmp_path, "parquet")

    tensors = pd.read_parquet(tmp_path / "tensors.parquet")
    np.testing.assert_array_equal(tensors["norm"], run.tensors["norm"].to_numpy())


def test_without_pyarrow_parquet_is_refused_in_one_line(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(DiagnosticsError, match="needs pyarrow"):
        export_run(open_run(log), tmp_path, "parquet")


def test_the_export_command_prints_the_files_it_wrote(log: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(export.command, [str(log), "-o", str(tmp_path / "out")])

    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 6


def test_a_log_without_an_ending_is_exported_into_a_folder_beside_it(log: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copy(log, plain)

    done = CliRunner().invoke(export.command, [str(plain)])

    assert done.exit_code == 0
    assert (tmp_path / "plain-export" / "steps.csv").exists()


@pytest.mark.parametrize("command", [export.command, repair.command])
def test_commands_say_in_one_line_what_is_wrong_with_a_file(command: object, tmp_path: Path) -> None:
    (tmp_path / "run.h5").write_text("no log")

    done = CliRunner().invoke(command, [str(tmp_path / "run.h5")])  # type: ignore[arg-type]

    assert done.exit_code == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_the_repair_command_says_that_a_sound_log_needs_none(log: Path) -> None:
    done = CliRunner().invoke(repair.command, [str(log)])

    assert done.exit_code == 0
    assert "nothing to repair" in done.stdout


def test_the_schema_command_prints_the_format() -> None:
    done = CliRunner().invoke(schema.command, [])

    assert done.exit_code == 0
    assert "`steps/values`" in done.stdout
