"""The rescues of several runs in words: a line a run, and then the counts over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.rescue.evidence import PROVEN
from diagnostics.rescue.results import RescueResult
from reports.text.numbers import counted


def rescues_text(results: Sequence[RescueResult], lived: int) -> str:
    """What the rescues of several runs say together.

    results: the rescues, at least one.
    lived: how many other runs did not die.
    """
    others = f"; {counted(lived, 'run')} did not die" if lived else ""
    width = max(len(one.plan.run) for one in results)
    return "\n".join(
        [
            f"what would have saved {counted(len(results), 'run')} that died{others}:",
            *(f"  {one.plan.run:<{width}}  {_run_words(one)}" for one in results),
            "over these runs:",
            f"  luck: without any change {_sum(results)} reshuffled orders lived",
            *(f"  {line}" for line in _over_all(results)),
        ]
    )


def _run_words(result: RescueResult) -> str:
    """One rescue: what luck saved, and the remedies that are proven."""
    proven = [f"{one.arm.name} {one.lived} of {one.runs}" for one in result.proven if one.arm.dose is None]
    control = f"without a change {result.control.lived} of {result.control.runs} lived"
    return f"{control}; proven: {', '.join(proven) or 'nothing'}"


def _sum(results: Sequence[RescueResult]) -> str:
    return f"{sum(one.control.lived for one in results)} of {sum(one.control.runs for one in results)}"


def _over_all(results: Sequence[RescueResult]) -> list[str]:
    """Each remedy that was tried: in how many runs it is proven, the most proven first."""
    tried: dict[str, list[bool]] = {}
    for result in results:
        for one in result.arms:
            if one.arm.dose is None:
                tried.setdefault(one.arm.name, []).append(one.word == PROVEN)
    ordered = sorted(tried.items(), key=lambda item: -sum(item[1]))
    return [f"{name}: proven in {sum(proven)} of {counted(len(proven), 'run')}" for name, proven in ordered]
