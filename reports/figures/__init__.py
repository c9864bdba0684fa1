"""The figures of runs and of studies.

In: a run, or the arms of a study with their runs.
Out: matplotlib figures; one file each, with ``prepare`` and ``draw``, as :mod:`reports.figures.catalogue` says.

    from diagnostics import open_run
    from reports.figures import loss_figure
    loss_figure(open_run("runs/x.h5")).savefig("loss.png")

``NAME_figure`` is found in the file ``NAME.py``, which is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any


def __getattr__(name: str) -> Any:
    module = f"{__name__}.{name.removesuffix('_figure')}"
    if not name.endswith("_figure") or find_spec(module) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)
