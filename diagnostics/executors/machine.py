"""What decides the bits of a result on a machine, as facts and as one digest, so that machines can be compared."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from diagnostics.provenance import arithmetic, blas_libraries, code_version

DIGITS = 12
STEPS, SAMPLES = 3, 128
PACKAGES = ("lenet", "diagnostics")


@dataclass(frozen=True)
class Machine:
    """One machine, as a process on it describes it.

    Args:
        host: its name.
        code: SHA-256 of the source files of the trainer and the diagnostics.
        release: version and commit of lenet-diag, in words.
        facts: what decides the last bits of a result: the libraries, the instruction sets, and the parameters that a
            short training ended with, as "training".
        libraries: all BLAS libraries in its processes, since older logs may name SciPy's instead of NumPy's.
    """

    host: str
    code: str
    release: str
    facts: Mapping[str, str]
    libraries: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits for the facts: machines with the same one give equal results bit for bit."""
        return hashlib.sha256(json.dumps(dict(self.facts), sort_keys=True).encode()).hexdigest()[:DIGITS]

    def unlike(self, facts: Mapping[str, Any]) -> str:
        """What differs from these facts, in words; "" where nothing does. What only one side knows is left out."""
        names = [name for name in self.facts if name in facts and self.facts[name] != str(facts[name])]
        names = [name for name in names if name != "blas" or str(facts[name]) not in self.libraries]
        named = [name for name in names if name != "training"] or names
        return ", ".join(
            f"{name} {_shown(name, self.facts[name])} and not {_shown(name, facts[name])}" for name in named
        )


@cache
def this_machine() -> Machine:
    """The machine and the code of this process."""
    import numpy

    made = code_version()
    facts = {
        "numpy": numpy.__version__,
        "numba": version("numba"),
        **arithmetic(),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "training": _trained(),
    }
    commit = f" at {made['commit']}" if made["commit"] else ""
    return Machine(platform.node(), _code(), f"{made['version']}{commit}", facts, tuple(blas_libraries()))


def _trained() -> str:
    """The digest of the parameters of a LeNet after a few steps on made-up images."""
    import numpy as np

    from lenet.settings import Settings

    draw = np.random.default_rng(0)
    X = (draw.random((SAMPLES * STEPS, 28, 28, 1)) < 0.2).astype(np.float32)
    y = draw.integers(0, 10, len(X))
    model = Settings(threads=1, lr=0.1).build_model(samples=len(X))
    model.train(X, y, epochs=1, batch_size=SAMPLES, print_every=0)
    return model.digest()


def _code() -> str:
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for file in sorted(file for package in PACKAGES for file in (root / package).rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\n" + file.read_bytes())
    return digest.hexdigest()


def _shown(name: str, value: object) -> str:
    text = str(value)
    return text[:DIGITS] if name == "training" else text or "unknown"
