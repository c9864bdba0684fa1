"""A user's script that uses the public names passes mypy --strict: the packages bring their types."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
import numpy as np

import diagnostics as ld
from lenet import Model, Settings


def judged(path: str) -> str:
    run: ld.Run = ld.open_run(path)
    diagnosis: ld.Diagnosis = ld.diagnose(run)
    return f"{diagnosis.verdict} of {len(run)} steps"


def drawn(path: str) -> str:
    run = ld.open_run(path)
    run.plot.chain().savefig("chain.png")
    page = run.report("pages", replay=False)
    return f"{page.name}, {len(run.plot.origin('units').axes)} panels, {run.to_json()['seed']}"


def compared(folder: str) -> list[str]:
    plan, loaded = ld.load_study(folder)
    groups: list[ld.Group] = ld.group_runs(loaded.runs)
    return [f"{comparison.arm.label}: {comparison.fisher_p}" for comparison in [ld.compare(groups[1], groups[0])]]


model: Model = Model()
settings = Settings(network="feedforward")
recorder = ld.Recorder("run.h5", overwrite=True, model=model)
watched = ld.watch({"W1": np.zeros((2, 3))}, labels=np.arange(3), lr=0.1)
watched.step(loss=1.0, accuracy=0.5, inputs=np.zeros((3, 2)))
print([judged(str(run.path)) for run in ld.open_runs("runs")])
"""


def checked(script: Path) -> subprocess.CompletedProcess[str]:
    """What mypy says of a script in an environment where the packages are installed."""
    user = script.parent / "user"
    if not user.exists():
        venv.create(user, with_pip=False)
        packages = next(user.glob("lib/python*/site-packages"))
        (packages / "here.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(user / "bin" / "python")]
    return subprocess.run([*command, str(script)], cwd=script.parent, capture_output=True, text=True)


@pytest.mark.slow  # mypy reads three packages and the libraries they use
def test_a_user_s_script_is_checked_against_our_types(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    answer = checked(script)
    assert answer.returncode == 0, answer.stdout + answer.stderr

    script.write_text(SCRIPT.replace("lr=0.1", 'lr="0.1"'))
    assert 'incompatible type "str"; expected "float | None"' in checked(script).stdout
