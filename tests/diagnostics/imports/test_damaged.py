"""Damaged logs of other tools: a run, or one line that says what is wrong; never a traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from diagnostics.errors import LogError
from diagnostics.imports import import_runs, open_runs
from tests.helpers.tool_logs import WRITERS, curve

SAMPLES = Path(__file__).parent / "samples"
BINARY = (
    "tensorboard-simple.tfevents", "tensorboard-tensor.tfevents", "trackio.db", "mlflow-run/metrics/train/loss",
    "run-dies.wandb",
)  # fmt: skip
ODD = (b"", b"\0", b"\xff\xfe", b"1e999", b"-1", b"nan", b'"', b"{", b"]", b"\n\n", b",", b"9" * 20, b"\r")


def mutated(raw: bytes, generator: np.random.Generator) -> bytes:
    """One to four of: bytes changed, cut out, repeated, put in, or cut off."""
    data = bytearray(raw)
    for _ in range(generator.integers(1, 5)):
        at = int(generator.integers(0, len(data) + 1))
        end = at + int(generator.integers(0, 40))
        match generator.integers(0, 5):
            case 0 if at < len(data):
                data[at] = int(generator.integers(0, 256))
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                data[at:at] = ODD[generator.integers(0, len(ODD))]
            case _:
                del data[at : None if generator.random() < 0.2 else end]
    return bytes(data)


def judge(path: Path) -> None:
    """Import and judge, as diagnose does; errors that are told in one line are fine."""
    line = ""
    try:
        for run in open_runs(path):
            assert [check for check in run.diagnosis.checks if check.outcome == "error"] == []
    except LogError as error:
        line = str(error)
    assert "\n" not in line


def check(raw: bytes, name: str, folder: Path, seeds: range) -> None:
    for seed in seeds:
        path = folder / name
        path.write_bytes(mutated(raw, np.random.default_rng(seed)))
        judge(path)


def content(name: str, folder: Path) -> tuple[str, bytes]:
    if name in WRITERS:
        file, write = WRITERS[name]
        return file, write(folder / file, curve(60, 40)).read_bytes()
    return Path(name).name, (SAMPLES / name).read_bytes()


@pytest.mark.parametrize("name", [*WRITERS, *BINARY])
def test_a_few_mutated_files(name, tmp_path):
    file, raw = content(name, tmp_path)
    check(raw, file, tmp_path, range(12))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*WRITERS, *BINARY])
def test_five_hundred_mutated_files(name, tmp_path):
    file, raw = content(name, tmp_path)
    check(raw, file, tmp_path, range(1000, 1500))


def test_a_folder_of_mlflow_without_its_metrics_is_told(tmp_path):
    shutil.copytree(SAMPLES / "mlflow-run", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "metrics" / "train")

    with pytest.raises(LogError, match="holds no metric, expected the loss of a training"):
        import_runs(tmp_path / "run")


@pytest.mark.parametrize(
    "text",
    [
        "step,loss\n" + "\n".join(f"{step},inf" for step in range(50)),
        "step,loss\n" + "\n".join(f"{step},1e300" for step in range(50)),
        "step,loss\n-5,2\n1.5,2\n",
        "step,loss,accuracy\n" + "\n".join(f"{10**15 + step},2.3,0.1" for step in range(50)),
        "epoch,loss\n1e300,2\n2,2\n",
        "step,epoch,loss\n" + "\n".join(f"{step % 7},{step // 7},2.3" for step in range(50)),
        "loss,loss\n1,2\n2,3\n",
    ],
)
def test_odd_numbers_are_judged_or_refused(text, tmp_path):
    (tmp_path / "log.csv").write_text(text)
    judge(tmp_path / "log.csv")
