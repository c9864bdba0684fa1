"""A command in a process that may use so much memory and so much CPU time, and no more."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 10
MEMORY = 1_000_000_000


@dataclass(frozen=True)
class Ended:
    """How it ended: its exit code, negative for a signal, what it printed, CPU seconds, and the most memory it held."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    memory: int


def lenet_diag(folder: Path, *arguments: str, cpu: int = CPU_SECONDS, memory: int = MEMORY) -> Ended:
    """`lenet-diag` with limits. One that needs more is killed (SIGXCPU), or gets MemoryError, which is exit code 70."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        resource.setrlimit(resource.RLIMIT_AS, (2 * memory, 2 * memory))  # libraries map more than they use

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "reports", *arguments], cwd=folder, env=environment, preexec_fn=limit,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        stdout, stderr = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(process.returncode, stdout, stderr, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
