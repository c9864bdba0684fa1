"""Each format of another tool, as its library writes it or after its documentation."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, formats, import_runs, open_runs
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries
from tests.helpers.tool_logs import PER_EPOCH, WRITERS, curve

SAMPLES = Path(__file__).parent / "samples"
TEN = ImportOptions(classes=10, steps_per_epoch=PER_EPOCH)


@pytest.mark.parametrize("name", WRITERS)
def test_a_collapse_is_found_and_a_living_run_is_left_alone_in_every_format(name, tmp_path):
    file, write = WRITERS[name]
    [dead] = import_runs(write(tmp_path / file, curve()), TEN)
    [alive] = import_runs(write(tmp_path / file, curve(dies_at=None)), TEN)

    assert dead.verdict is Verdict.COLLAPSED
    stretch = dead.diagnosis.stretches[-1]
    first, last = stretch.onset_between or (stretch.onset, stretch.onset)
    assert first <= 203 <= last + 1
    assert alive.verdict is Verdict.HEALTHY
    assert not alive.diagnosis.stretches


@pytest.mark.parametrize("name", ["CSV", "CSV, gzip", "JSON lines", "Parquet", "Lightning", "Weights & Biases"])
def test_the_numbers_are_those_of_the_file(name, tmp_path):
    file, write = WRITERS[name]
    wanted = curve()
    [run] = import_runs(write(tmp_path / file, wanted), TEN)

    assert run.steps.index.tolist() == wanted.step.tolist()
    assert np.allclose(run.steps["loss"], wanted.loss, rtol=1e-6)
    assert np.allclose(run.steps["accuracy"], wanted.accuracy, rtol=1e-6)
    assert run.info.environment["resolution"] == "every step"


@pytest.mark.parametrize(
    "sample",
    ["tensorboard-simple.tfevents", "tensorboard-tensor.tfevents", "mlflow-run", "mlflow-run/metrics/train/loss"],
)
def test_what_real_libraries_wrote_is_read(sample):
    [run] = import_runs(SAMPLES / sample, TEN)

    assert len(run) == 120
    assert run.verdict is Verdict.COLLAPSED
    assert 58 <= run.diagnosis.stretches[0].onset <= 65


def test_a_chart_that_somebody_exported_from_weights_and_biases_is_read():
    runs = import_runs(SAMPLES / "wandb-charts.csv")

    assert [run.name for run in runs] == ["wandb-charts-gpt2_char_to_token1729534595.422701", "wandb-charts-gpt2"]
    assert all(run.steps.index.tolist() == list(range(17)) for run in runs)
    ends = [run.steps["loss"].iloc[[0, -1]].tolist() for run in runs]
    assert np.allclose(ends, [[10.993303298950195, 4.0180344581604], [10.95404052734375, 3.830899953842163]], rtol=1e-7)


@pytest.mark.parametrize(
    "table",
    [
        (SAMPLES / "wandb-runs.csv").read_text(),
        "Start Time,Run ID,Name,Source Type,Status,lr,loss\n2024-01-05,3b1c,bold-ant-1,LOCAL,FINISHED,0.1,0.31\n",
        "lr,_step,loss,name,id\n0.1,35,0.05,a,s4221lzx\n0.1,43,0.04,a,rm2zewfq\n0.1,37,0.02,a,gll7h9zp\n",
        "name,loss,accuracy\nlr 0.1,0.3,0.9\nlr 0.5,2.3,0.1\n",
    ],
)
def test_a_list_of_runs_is_no_run(table, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(table)

    with pytest.raises(LogError, match="each of its rows is a whole run, expected the steps of a run"):
        import_runs(path)


@pytest.mark.parametrize(
    "table",
    [
        "name,step,loss\na,0,2.3\nb,1,2.2\nc,2,2.1\n",
        "id,epoch,loss\nx1,1,2.3\nx2,2,2.2\n",
        "name,loss\nfirst,2.3\nfirst,2.2\n",
        "id,loss\n1,2.3\n2,2.2\n",
        "name,loss\nlast,2.3\n",
    ],
)
def test_names_of_steps_are_no_list_of_runs(table, tmp_path):
    path = tmp_path / "steps.csv"
    path.write_text(table)

    [run] = import_runs(path)
    assert len(run) == table.count("\n") - 1


@pytest.mark.parametrize(
    ("sample", "rows"),
    [
        ("keras-csvlogger.csv", 3),
        ("keras-progress.txt", 11),
        ("lightning-metrics.csv", 240),
        ("trainer_state.json", 60),
    ],
)
def test_what_keras_lightning_and_the_trainer_of_hugging_face_wrote_is_read(sample, rows):
    [run] = import_runs(SAMPLES / sample, TEN)
    [stretch] = run.diagnosis.stretches
    first, last = stretch.onset_between or (stretch.onset, stretch.onset)

    assert (len(run), run.verdict) == (rows, Verdict.COLLAPSED)
    assert first <= 203 <= last


def test_each_run_of_a_trackio_database_is_read():
    dies, lives = import_runs(SAMPLES / "trackio.db", TEN)

    assert (dies.name, dies.verdict) == ("trackio-dies", Verdict.COLLAPSED)
    assert (lives.name, lives.verdict) == ("trackio-lives", Verdict.HEALTHY)
    assert (dies.info.seed, dies.info.description) == (7, {"lr": 0.5})


def test_settings_of_mlflow_are_kept():
    [run] = import_runs(SAMPLES / "mlflow-run", TEN)

    assert run.info.description == {"learning_rate": "0.5", "optimizer": "sgd"}
    assert run.info.seed == 3
    assert run.name.startswith("lr-0.5")


def test_an_event_file_that_is_cut_short_is_read_up_to_its_last_sound_record(tmp_path):
    whole = (SAMPLES / "tensorboard-simple.tfevents").read_bytes()
    path = tmp_path / "run.tfevents"
    path.write_bytes(whole[:-20])
    [cut] = import_runs(path, TEN)
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    [damaged] = import_runs(path, TEN)

    assert len(cut) == 120 - 1
    assert 0 < len(damaged) < 60


def test_gzip_is_looked_through(tmp_path):
    file, write = WRITERS["JSON lines"]
    path = write(tmp_path / file, curve())
    packed = tmp_path / "run.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    assert len(import_runs(packed, TEN)[0]) == 300


def test_nothing_is_written_beside_a_database(tmp_path):
    shutil.copy(SAMPLES / "trackio.db", tmp_path / "trackio.db")
    import_runs(tmp_path / "trackio.db")

    assert [path.name for path in tmp_path.iterdir()] == ["trackio.db"]


def test_a_new_format_is_a_file_and_an_entry_in_the_list(tmp_path, monkeypatch):
    numbers = np.arange(50.0)
    series = {"loss": MetricSeries(numbers, np.full(50, np.nan), np.full(50, 2.3))}
    dummy = ImportFormat("dummy", lambda path, head: head.startswith(b"dummy"), lambda path: [LoggedMetrics(series)])
    monkeypatch.setattr("diagnostics.imports.read.FORMATS", (dummy, *formats.FORMATS))
    (tmp_path / "a.dummy").write_text("dummy")
    [run] = import_runs(tmp_path / "a.dummy")

    assert len(run) == 50
    assert run.info.environment["format"] == "dummy"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hello\n", "is of no format that is known: MLflow metrics, Parquet"),
        ("a,b\n1,2\n", "is of no format"),
        ("step,val_loss\n1,2\n", "found no loss of a training among val_loss"),
        ("step,loss\n", "has no numbers"),
        ('{"log_history": 3}', "cannot be read as Hugging Face trainer state: is a trainer state without log_history"),
    ],
)
def test_what_cannot_be_read_gets_one_line_with_the_cure(content, words, tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(content)
    with pytest.raises(LogError, match=r"log\.txt: ") as error:
        import_runs(path)

    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_log_of_lenet_diag_is_none_of_the_formats(tmp_path):
    path = tmp_path / "run.csv"
    [run] = import_runs(WRITERS["CSV"][1](path, curve()), TEN)
    log = run.save(tmp_path / "run.h5")

    with pytest.raises(LogError, match="a log of lenet-diag needs no import"):
        import_runs(log)
    assert open_runs(log)[0].verdict is run.verdict
