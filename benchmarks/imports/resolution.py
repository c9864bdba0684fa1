"""Measures whether the verdict on a run is the same from a coarser log of another tool.

    lenet-diag study --runs 80 --out runs/lenet
    lenet-diag study --runs 16 --convolution paper --out runs/paper
    python -m benchmarks.imports.resolution runs/lenet runs/paper --write docs/benchmarks/imports.md

Loss and accuracy of every completed run in a folder of logs are exported as CSV: every step, every 10th, every 50th,
500 random rows, running means of the epoch as Keras prints them (four digits; every step, and every 10th), and means of
epochs. Each file is imported with the shares of the classes and the steps of an epoch, and judged. The table says how
often the verdict is that of the whole log, how often it is that or one that the rows say they leave open, and how often
the onset of the whole log lies in the reported interval.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import common
from diagnostics.detect.findings import Verdict
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.log.reader import open_run
from diagnostics.run.run import Run
from diagnostics.statistics.intervals import wilson

RANDOM_ROWS, DIGITS = 500, 4
HEADER = (
    "rows",
    "runs",
    "the same verdict",
    "the same, or left open",
    "dead or not: the same",
    "living runs called dead",
    "onset in the interval",
)


@dataclass(frozen=True)
class Coarsened:
    """The verdicts on one run, from one coarser log and from the whole log.

    name: the name of the run.
    group: what the run was trained with, in words.
    form: how the log was coarsened.
    verdict, whole: the verdicts from the coarser log and from the whole one.
    others: the verdicts that the coarser log leaves open beside its own.
    holds: whether the onset of the whole log lies in the reported interval; None where one of the two has no onset.
    """

    name: str
    group: str
    form: str
    verdict: Verdict
    whole: Verdict
    others: tuple[Verdict, ...]
    holds: bool | None


def forms(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """The coarser logs of a run, by name."""
    steps = run.steps.reset_index()[["step", "epoch", "loss", "accuracy"]]
    place = steps.groupby("epoch").cumcount()
    means = steps.assign(step=place)
    for name in ("loss", "accuracy"):
        means[name] = (steps.groupby("epoch")[name].cumsum() / (place + 1)).round(DIGITS)
    ends = place.eq(steps.groupby("epoch")["step"].transform("size") - 1)
    yield "every step", steps
    yield "every 10th step", steps[::10]
    yield "every 50th step", steps[::50]
    yield f"{RANDOM_ROWS} random rows", steps.sample(min(RANDOM_ROWS, len(steps)), random_state=0).sort_index()
    yield "running means, every step", means
    yield "running means, every 10th step", means[(place % 10 == 9) | ends]
    yield (
        "means of epochs",
        steps.groupby("epoch", as_index=False)[["loss", "accuracy"]].agg(lambda x: x.mean(skipna=False)),
    )


def coarsened(path: Path) -> list[Coarsened]:
    """One run in all forms; nothing for one that has not completed."""
    run = open_run(path)
    if run.status != "completed":
        return []
    whole, info = run.diagnosis, run.info
    options = ImportOptions(prior=info.prior, steps_per_epoch=info.steps_per_epoch)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for form, frame in forms(run):
            frame.to_csv(Path(folder) / "run.csv", index=False)
            [imported] = import_runs(Path(folder) / "run.csv", options)
            told = imported.diagnosis
            holds = None
            if whole.onset is not None and told.onset is not None:
                first, last = told.stretches[-1].onset_between or (told.onset, told.onset)
                holds = first <= whole.onset <= last
            found.append(
                Coarsened(path.stem, _group(run), form, told.verdict, whole.verdict, tuple(told.also_possible), holds)
            )
    return found


def _group(run: Run) -> str:
    """What a run was trained with, in words."""
    known = run.info.settings
    convolution = "paper's own" if known.get("convolution") == "report" else "exact"
    return (
        f"{known.get('network', 'own network')}, {convolution} convolution, "
        f"{known.get('optimizer', 'sgd')}, learning rate {known.get('lr', '?')}, {run.info.epochs} epochs"
    )


def share(part: int, whole: int) -> str:
    """k of n, and Wilson's interval."""
    low, high = wilson(part, whole) or (float("nan"), float("nan"))
    return f"{part} of {whole} ({low:.1%} to {high:.1%})" if whole else "–"


def row(form: str, runs: Sequence[Coarsened]) -> tuple[str, ...]:
    """A row of the table."""
    onsets = [one.holds for one in runs if one.holds is not None]
    living = [one for one in runs if one.whole.is_survivor]
    return (
        form,
        str(len(runs)),
        share(sum(one.verdict is one.whole for one in runs), len(runs)),
        share(sum(one.whole in (one.verdict, *one.others) for one in runs), len(runs)),
        share(sum(one.verdict.is_defect == one.whole.is_defect for one in runs), len(runs)),
        share(sum(one.verdict.is_defect for one in living), len(living)),
        share(sum(onsets), len(onsets)),
    )


def prepare(found: Sequence[Coarsened]) -> dict[str, Any]:
    """The content of the page."""
    forms_of = list(dict.fromkeys(one.form for one in found))
    tables = []
    for group in dict.fromkeys(one.group for one in found):
        runs = [one for one in found if one.group == group]
        tables.append((group, [row(form, [one for one in runs if one.form == form]) for form in forms_of]))
    others = [one for one in found if one.verdict is not one.whole]
    return {
        "tables": tables,
        "header": HEADER,
        "others": [
            (one.form, one.name, one.group, str(one.whole), str(one.verdict), ", ".join(one.others) or "nothing")
            for one in others
        ],
    }


def main() -> None:
    parser = common.parser("benchmarks.imports.resolution", __doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of logs")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs at a time")
    parser.add_argument("--write", type=Path, help="where the page goes")
    options = parser.parse_args()
    found = [one for each in common.done(common.logs_in(options.folders), coarsened, options.jobs) for one in each]
    common.publish(common.render("imports.md.j2", prepare(found)), options.write)


if __name__ == "__main__":
    main()
