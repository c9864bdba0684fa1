"""How long to wait at a standstill: which living runs each wait would call dead, and how late it calls the dead ones.

    lenet-diag study --runs 80 --out runs/lenet
    python -m benchmarks.calibrate.standstill runs/lenet --write docs/standstill.md

A run stands still where it guesses and neither its loss nor the outputs of its layers move. That is no proof that it
cannot learn. Every log is judged once for each wait. The runs of the paper's own learning rate are those to ask, since
many of them begin to learn late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import common
from benchmarks.calibrate.starts import first_learned_in
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.findings import Verdict
from diagnostics.detect.recorded import diagnose
from diagnostics.log.reader import open_run
from diagnostics.statistics.intervals import rate_words, wilson

WAITS = (1, 2, 3, 4, 5, 6, 8)
NEVER = 1e6  # so many times the patience are never waited for: only proofs confirm while a run goes on
HEADER = (
    "wait, times the patience",
    "steps",
    "living runs called never-learned for a while",
    "defect runs without a proof, confirmed before their end",
    "their confirmation (median step)",
)


@dataclass(frozen=True)
class Waited:
    """One run, judged with each wait.

    name: the name of the run.
    is_alive: whether it was alive in the end.
    first_learned: the step at which it had learned; None where it never did.
    confirmed: for each of WAITS, and last for proofs alone, the step at which a never-learned stretch was confirmed
        while the run went on; None without one.
    """

    name: str
    is_alive: bool
    first_learned: int | None
    confirmed: tuple[int | None, ...]


def waited(path: Path) -> Waited | None:
    """One run, judged with each wait; None for one that has not completed."""
    run = open_run(path)
    if run.status != "completed":
        return None
    confirmed = []
    for wait in (*WAITS, NEVER):
        diagnosis = diagnose(run, DEFAULT_THRESHOLDS.changed({"verdict.standstill": wait}))
        found = [one.confirmed for one in diagnosis.stretches if one.kind is Verdict.NEVER_LEARNED]
        # A stretch that was confirmed at the last step was found by the end of the run, not by waiting.
        confirmed.append(found[0] if found and found[0] < run.steps_made - 1 else None)
    learned, _ = first_learned_in(run)
    return Waited(path.stem, diagnosis.verdict.is_survivor, learned, tuple(confirmed))


def rows(found: Sequence[Waited]) -> list[tuple[str, ...]]:
    """A row a wait."""
    living = [one for one in found if one.is_alive]
    unproven = [one for one in found if not one.is_alive and one.confirmed[-1] is None and one.confirmed[0] is not None]
    patience = int(DEFAULT_THRESHOLDS["verdict.patience"])
    made = []
    for place, wait in enumerate(WAITS):
        wrong = sum(one.confirmed[place] is not None for one in living)
        right = [step for one in unproven if (step := one.confirmed[place]) is not None]
        made.append(
            (
                str(wait),
                f"{wait * patience:,}",
                rate_words(wrong, len(living), wilson(wrong, len(living)), digits=1),
                f"{len(right)} of {len(unproven)}",
                f"{median(right):,.0f}" if right else "–",
            )
        )
    return made


def prepare(found: Sequence[Waited]) -> dict[str, Any]:
    """The content of the page."""
    living = [one for one in found if one.is_alive]
    proven = [one.confirmed[-1] for one in found if one.confirmed[-1] is not None]
    late = sorted((one for one in living if one.first_learned is not None), key=lambda one: -(one.first_learned or 0))
    return {
        "runs": len(found),
        "living": len(living),
        "dead": len(found) - len(living),
        "proven": len(proven),
        "proof_step": median(proven) if proven else None,
        "chosen": f"{DEFAULT_THRESHOLDS['verdict.standstill']:g}",
        "header": HEADER,
        "rows": rows(found),
        "latest": [(one.name, str(one.first_learned)) for one in late[:6]],
    }


def main() -> None:
    parser = common.parser("benchmarks.calibrate.standstill", __doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of logs")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs are judged at a time")
    parser.add_argument("--write", type=Path, help="where the page goes")
    options = parser.parse_args()
    found = [one for one in common.done(common.logs_in(options.folders), waited, options.jobs) if one is not None]
    common.publish(common.render("standstill.md.j2", prepare(found)), options.write)


if __name__ == "__main__":
    main()
