"""Patience and grace: the false alarms by the number of steps waited, as a table and a curve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.calibrate.starts import LearningStart

STILL_GUESSING, HAVE_LEARNED = 0.01, 0.9
STEPS = (20, 40, 60, 80, 100, 125, 150, 175, 200, 250, 300, 400)


def patience(found: Sequence[LearningStart]) -> int:
    """The smallest P by which at most 1 % of the runs that learn in the end are still guessing."""
    last = sorted((one.last_guess for one in found if one.learned is not None), reverse=True)
    return last[int(STILL_GUESSING * len(last))] + 1


def grace(found: Sequence[LearningStart]) -> int:
    """The smallest number of steps by which 90 % of the runs that learn have learned."""
    learned = sorted(one.learned for one in found if one.learned is not None)
    return learned[int(np.ceil(HAVE_LEARNED * len(learned))) - 1] + 1


def share_guessing(found: Sequence[LearningStart], step: int) -> tuple[int, int]:
    """How many of the runs that learn in the end guess at ``step`` or later, and how many there are."""
    learners = [one for one in found if one.learned is not None]
    return sum(one.last_guess >= step for one in learners), len(learners)


def at_chance(found: Sequence[LearningStart], step: int) -> int:
    """How many of the runs that learn in the end have not yet learned at ``step``."""
    return sum(one.learned is not None and one.learned > step for one in found)


def rows(found: Sequence[LearningStart]) -> list[tuple[str, ...]]:
    """The trade-off in numbers: steps waited, false alarms, and runs that have not learned yet."""
    made = []
    for step in sorted({*STEPS, patience(found), grace(found)}):
        alarms, n = share_guessing(found, step)
        made.append((str(step), f"{alarms} of {n} ({alarms / n:.1%})", str(at_chance(found, step))))
    return made


def draw(found: Sequence[LearningStart], path: Path) -> None:
    """Draw the trade-off as two curves into the file ``path``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    learners = sum(one.learned is not None for one in found)
    steps = np.arange(0, 501)
    alarms = [100 * share_guessing(found, int(step))[0] / learners for step in steps]
    waiting = [100 * at_chance(found, int(step)) / learners for step in steps]
    figure, axes = pyplot.subplots(figsize=(7.5, 4.2), layout="constrained")
    axes.plot(steps, waiting, color="#5b7aa6", label="has not learned yet")
    axes.plot(steps, alarms, color="#b3423a", label="would be called never learned, wrongly")
    axes.axhline(100 * STILL_GUESSING, color="0.6", linewidth=0.8)
    p, g = patience(found), grace(found)
    axes.axvline(p, color="0.3", linewidth=0.8, linestyle="--")
    axes.annotate(f"patience P = {p}", (p, 0.15), xytext=(4, 0), textcoords="offset points")
    axes.axvline(g, color="0.3", linewidth=0.8, linestyle=":")
    axes.annotate(f"grace G = {g}", (g, 0.15), xytext=(-4, 0), textcoords="offset points", ha="right")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_yticks([0, 0.5, 1, 2, 5, 10, 20, 50, 100], ["0", "0.5", "1", "2", "5", "10", "20", "50", "100"])
    axes.set(xlabel="steps waited", ylabel=f"% of the {learners} runs that learn in the end", ylim=(0, 110))
    axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    pyplot.close(figure)
