"""Other files of data, other settings and another machine are told when a run is replayed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from diagnostics.errors import ReplayError
from diagnostics.log.names import checkpoint_folder
from diagnostics.record.training import run_training
from diagnostics.replay import replay
from lenet import Settings, load_dataset


def test_the_files_of_other_data_are_refused_by_their_checksum(tmp_path: Path) -> None:
    log = tmp_path / "run.h5"
    run_training(Settings(network="feedforward", limit=256, epochs=2), log, dataset=load_dataset(limit=256))
    assert replay(log).check().is_proven
    other = tmp_path / "other.h5"
    other.write_bytes(log.read_bytes())
    with h5py.File(other, "r+") as file:
        environment = json.loads(file.attrs["environment"])
        environment["data_checksum"] = "0" * 64
        file.attrs["environment"] = np.bytes_(json.dumps(environment))
    with pytest.raises(ReplayError, match=r"MNIST: other data .*in the log it is 0000000000"):
        replay(other)


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "rate": ({"lr": 0.4}, "differs at step 0: learning_rate (0.5 in the log, 0.4"),
    "seed": ({"seed": 1}, "differs at step 0: seed (0 in the log, 1 here)"),
    "optimiser": ({"optimizer": "momentum"}, "differs at step 1: "),
    "penalty": ({"l2": 0.001}, "differs at step 0: loss ("),
    "clipping": ({"clip_norm": 0.01}, "differs at step 0: "),
    "activation": ({"activation": "tanh"}, "differs at step 0: "),
    "initialiser": ({"init": "he"}, "differs at step 0: "),
    "network": ({"network": "conv-pool"}, "differs at step 0: tensors"),
    "fewer samples": ({"limit": 128}, "other data"),
    "decay": ({"lr_decay": "inverse-time"}, "differs at step 1: learning_rate"),
}


@pytest.fixture(scope="module")
def digits_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a training from settings, without its checkpoints: a replay of it begins at the seed."""
    log = tmp_path_factory.mktemp("digits") / "run.h5"
    settings = Settings(network="feedforward", limit=256, batch_size=32, epochs=2)
    run_training(settings, log, dataset=load_dataset(limit=256))
    shutil.rmtree(checkpoint_folder(log))
    return log


@pytest.mark.parametrize("change", SETTINGS)
def test_other_settings_are_told_with_the_first_step_that_differs(
    tmp_path: Path, digits_log: Path, change: str
) -> None:
    log = Path(shutil.copy(digits_log, tmp_path))
    changes, expected = SETTINGS[change]
    with h5py.File(log, "r+") as file:
        settings = {**json.loads(file.attrs["settings"]), **changes}
        file.attrs["settings"] = np.bytes_(json.dumps(settings))
    with pytest.raises(ReplayError, match="other data") if "data" in expected else _any(expected):
        replay(log).at(5)


def _any(expected: str) -> Any:
    import re

    return pytest.raises(ReplayError, match=re.escape(expected))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of OpenBLAS is chosen by an environment variable")
def test_another_kernel_of_the_matrix_products_is_told_by_name(tmp_path: Path) -> None:
    """The kernel is chosen when NumPy is loaded, so this takes a process of its own."""
    log = tmp_path / "run.h5"
    run_training(Settings(network="lenet", limit=256, epochs=1), log, dataset=load_dataset(limit=256))
    program = f"from diagnostics.replay import replay; print(replay({str(log)!r}).check())"
    for kernel in ("NEHALEM", "HASWELL"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OPENBLAS_CORETYPE": kernel},
        )
        if "differs" in done.stdout:  # the machine may have this very kernel
            break
    assert "the replay is not the run: it differs at step 0: " in done.stdout
    assert "the log was made with matrix products of openblas" in done.stdout
    assert done.stdout.count("\n") == 1
