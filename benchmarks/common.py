"""Functions that the benchmarks share: help and pages of programs, the machine, many tasks at a time."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from diagnostics.executors.executor import Executor, Failure
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.provenance import commit
from reports.pages.markdown import fill

T = TypeVar("T")
R = TypeVar("R")
ROOT = Path(__file__).parent.parent


def parser(program: str, docstring: str | None) -> argparse.ArgumentParser:
    """The parser of a program, whose help is its docstring."""
    layout = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(f"python -m {program}", description=docstring, formatter_class=layout)


def publish(text: str, path: Path | None) -> None:
    """Print a page, and write it into the file ``path`` if there is one."""
    print(text)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def machine() -> str:
    """Processor, cores, Python and NumPy in one line."""
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def outcomes(tasks: Sequence[T], work: Callable[[T], R], executor: Executor | int) -> Iterator[tuple[T, R | Failure]]:
    """Do ``work`` for every task; print progress and failures on stderr.

    executor: where the tasks are done; a number for so many processes of this machine.
    """
    started = perf_counter()
    executor = LocalExecutor(executor) if isinstance(executor, int) else executor
    with executor.pool(work) as pool:
        for done, (task, outcome) in enumerate(filter(None, pool.results(deque(tasks))), 1):
            if isinstance(outcome, Failure):
                print(f"{task}: {outcome.message}", file=sys.stderr, flush=True)
            if done % 20 == 0 or done == len(tasks):
                minutes = (perf_counter() - started) / 60
                left = minutes / done * (len(tasks) - done)
                print(f"{done} of {len(tasks)} in {minutes:.1f} minutes, {left:.0f} left", file=sys.stderr, flush=True)
            yield task, outcome


def done(tasks: Sequence[T], work: Callable[[T], R], executor: Executor | int) -> list[R]:
    """The results of :func:`outcomes` in the order of the tasks, without those that failed."""
    found = dict(outcomes(tasks, work, executor))
    return [result for task in tasks if not isinstance(result := found[task], Failure)]


def logs_in(folders: Iterable[Path]) -> list[Path]:
    """The logs in some folders."""
    return [path for folder in folders for path in sorted(folder.glob("*.h5"))]


def render(template: str, content: Mapping[str, Any]) -> str:
    """A Markdown page: a template, filled with ``content``, and with ``commit`` and ``machine`` as they are now.

    Raises UndefinedError where something is missing.
    """
    return fill("benchmarks", template, {"commit": commit(), "machine": machine(), **content})
