"""Commands in processes that may use so much memory and so much CPU time, and no more.

A server imports the program once and forks for each command, so that what is limited and measured is the command.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    with tempfile.TemporaryDirectory() as said:
        asked = {"folder": str(folder), "arguments": arguments, "cpu": cpu, "memory": memory, "said": said}
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code, seconds, most = json.loads(server.stdout.readline())
        stdout, stderr = ((Path(said) / name).read_text() for name in ("stdout", "stderr"))
    return Ended(code, stdout, stderr, seconds, most)


@cache
def _server() -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.limited"],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)  # closes its input, which ends it
    return server


def serve() -> None:
    """Fork for every request on stdin, and answer with exit code, CPU seconds and memory."""
    import reports.pages.run_page  # noqa: F401
    from reports.cli import main
    from reports.commands import help_lines

    for name in help_lines():
        main.get_command(None, name)  # type: ignore[arg-type]
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(main, asked)
        _, status, usage = os.wait4(child, 0)
        ended = (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


def _run(main: Any, asked: dict[str, Any]) -> None:
    """One command in its own process, which it ends."""
    code = 99
    try:
        os.chdir(asked["folder"])
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(f"{asked['said']}/{name}", os.O_WRONLY | os.O_CREAT), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu"], asked["cpu"]))
        resource.setrlimit(resource.RLIMIT_AS, (2 * asked["memory"],) * 2)  # libraries map more than they use
        try:
            main(asked["arguments"], prog_name="lenet-diag")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
