"""Which code, libraries and machine made a result."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGESTED_SAMPLES = 4096


def code_version() -> dict[str, str]:
    """When and with what: "date", "version", "commit" ("" outside a git checkout), "python", "numpy", "cores"."""
    import numpy

    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "version": _installed(),
        "commit": commit(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "cores": str(os.cpu_count() or 1),
    }


def environment(threads: int) -> dict[str, Any]:
    """Versions, machine, threads and process, for the header of a log; 0 threads where they are not known."""
    import h5py

    return {
        **code_version(),
        "h5py": h5py.version.version,
        "hdf5": h5py.version.hdf5_version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        **arithmetic(),
        **({"threads": threads} if threads else {}),
        "pid": os.getpid(),
    }


@cache
def arithmetic() -> dict[str, str]:
    """What decides the last bits of a result, as it is in this process.

    "blas": library, version and kernel of the matrix products; "simd": the instruction sets NumPy's own loops use.
    """
    import numpy

    extensions = numpy.show_config(mode="dicts")["SIMD Extensions"]
    return {
        "blas": next(iter(blas_libraries()), ""),
        "simd": " ".join([*extensions.get("baseline", ()), *extensions.get("found", ())]),
    }


def blas_libraries() -> list[str]:
    """Library, version and kernel of each BLAS in this process, NumPy's first; SciPy may have brought another."""
    from threadpoolctl import threadpool_info

    libraries = [one for one in threadpool_info() if one["user_api"] == "blas"]
    libraries.sort(key=lambda one: not any(part.startswith("numpy") for part in Path(one["filepath"]).parts))
    return [f"{one['internal_api']} {one['version']} {one.get('architecture', '')}".strip() for one in libraries]


def data_digest(inputs: NDArray[Any], labels: NDArray[Any]) -> str:
    """A name for a training set: SHA-256 of all labels and of 4,096 samples spread evenly over it, or of all.

    Args:
        inputs: the samples, (N, ...); their form does not matter, their order does.
        labels: their classes, (N,).
    """
    import numpy as np

    every = max(1, -(-len(inputs) // DIGESTED_SAMPLES))
    digest = hashlib.sha256(np.asarray(labels, dtype="<i8").tobytes())
    digest.update(np.asarray(inputs[::every], dtype="<f4").tobytes())
    return digest.hexdigest()


@cache
def _installed() -> str:
    """The version of the installed package; to look for it takes as long as to open a log."""
    try:
        return version("lenet-diag")
    except PackageNotFoundError:
        return "not installed"


@cache
def commit() -> str:
    """The commit of this checkout, with "+" where its code was changed since; "" where there is none.

    Asked once a process: a process goes on with the code it began with, and git takes longer than opening a log.
    """
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "lenet", "diagnostics")
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():  # installed inside somebody else's repository
        raise FileNotFoundError(".git")
    done = subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
