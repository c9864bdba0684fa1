"""The figures: one a file, each with prepare() and draw(), and a function that returns a matplotlib figure.

    from diagnostics import open_run
    from reports.figures import loss_figure
    loss_figure(open_run("runs/x.h5")).savefig("loss.png")

Of a run: loss, chain, guilty, heat, tensors, shapes, kernels, units. Of a study's
groups or runs: arms, survival, rates, fates. Each is imported when it is asked for,
so that what needs no picture does not load matplotlib.
"""

from __future__ import annotations

import importlib
from typing import Any

OF_A_RUN = ("loss", "chain", "guilty", "heat", "tensors", "shapes", "kernels", "units")
OF_A_STUDY = ("arms", "survival", "rates", "fates")
__all__ = [f"{name}_figure" for name in (*OF_A_RUN, *OF_A_STUDY)]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{name.removesuffix('_figure')}"), name)
