"""Commands in processes that may use so much memory and so much CPU time, and no more.

The memory is counted beside what the process maps when it begins: the libraries, and what the tests have loaded.
Figures of reports are made and not painted, which takes most of their time and is the same for every log.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests.helpers.forked import start

CPU_SECONDS = 10
MEMORY = 1_000_000_000
COMMAND = """
import resource, sys
from reports.cli import main
from reports.figures import style
style.png = lambda figure: b""
cpu, memory, *arguments = sys.argv[1:]
with open("/proc/self/statm") as pages:  # of libraries and tests, which map more than they use
    mapped = int(pages.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_CPU, (int(cpu),) * 2)
resource.setrlimit(resource.RLIMIT_AS, (mapped + int(memory),) * 2)
main(arguments, prog_name="lenet-diag")
"""


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
    with TemporaryFile("w+") as stdout, TemporaryFile("w+") as stderr:
        given = ("-c", COMMAND, str(cpu), str(memory), *arguments)
        program = start(*given, cwd=folder, stdout=stdout.fileno(), stderr=stderr.fileno())
        code = program.wait()
        stdout.seek(0)
        stderr.seek(0)
        return Ended(code, stdout.read(), stderr.read(), program.seconds, program.memory)
