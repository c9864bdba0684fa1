"""Compiles the loops of :mod:`diagnostics.measure.loops`, once on each machine.

Numba turns them into machine code when the first training starts and keeps it on disk: in the user's cache folder
(``~/.cache/numba``), or in ``__pycache__`` beside the source where that cannot be written. Later trainings load it.
Files beside the source would stay behind when the package is uninstalled. Nothing but a training, or a replay of one,
imports Numba.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from diagnostics.file_locks import locked
from diagnostics.measure import loops

log = logging.getLogger("lenet-diag")
WAITING = "compiling the loops that measure a step, which takes some seconds; later runs find them on disk"

PLACES = "UserProvidedCacheLocator,UserWideCacheLocator,InTreeCacheLocator"
"""Where Numba keeps machine code, the best place first: in NUMBA_CACHE_DIR, for the user, beside the source."""


@cache
def measuring_code() -> str:
    """The name of the measuring code, for the log. Rows of the same code and processor are equal bit for bit."""
    return f"loops {loops.VERSION}, Numba {version('numba')}"


@cache
def compiled_loops() -> SimpleNamespace:
    """The functions of :mod:`diagnostics.measure.loops` as machine code, made or loaded once in a process."""
    try:
        return _compile(keep=True)
    except Exception:  # where the folder cannot be used, each process compiles anew
        return _compile(keep=False)


def _compile(keep: bool) -> SimpleNamespace:
    """Compile the loops. With ``keep`` they are read from disk if they are there, and written to it otherwise."""
    import numba

    with _kept_for_the_user(numba.config):
        made = {name: numba.njit(cache=keep, **loops.OPTIONS)(getattr(loops, name)) for name in loops.TYPES}
    folder = Path(made["moments"].stats.cache_path or "")
    # Processes that write at once could mix up the files of one another.
    with locked(folder / "loops") if keep else nullcontext():
        if not (keep and any(folder.glob("loops.*.nbi"))):
            log.warning(WAITING)
        for name, types in loops.TYPES.items():
            made[name].compile(types)
            made[name].disable_compile()
    return SimpleNamespace(**made)


@contextmanager
def _kept_for_the_user(config: Any) -> Iterator[None]:
    """Inside, Numba looks for places in the order of PLACES, unless the user gave it another order."""
    before = getattr(config, "CACHE_LOCATOR_CLASSES", "")
    config.CACHE_LOCATOR_CLASSES = before or PLACES
    try:
        yield
    finally:
        config.CACHE_LOCATOR_CLASSES = before
