"""The zoo: a labelled benchmark for the detector.

    python -m benchmarks.zoo build --out zoo [--jobs 2] [--share 0.5]
    python -m benchmarks.zoo table --out zoo --write docs/zoo.md
    python -m benchmarks.zoo build --quick --out zoo

``build`` trains and logs. It may be killed at any moment and goes on with the missing runs.
``table`` judges the logs by the detector. The groups of runs are built in turn, so that a
build that was stopped early has runs of all groups, and its table has wider intervals.
With ``--judged FILE`` the judged runs of a round are kept in a file: ``table`` adds those of
the folder, and ``build`` trains none of them again, so that a round may be spread over days.

The rules are changed by calibration runs alone, and evaluation runs are judged once: a
change of the rules needs the next round of seeds. ``--quick`` takes a small part of every
group of the calibration, so that nobody sees an evaluation run by trying it.

The labels were fixed before any verdict was known. They come from the validation accuracy
at the end of the run alone: dead below 0.2, alive above 0.8; runs in between are ambiguous
and counted apart. A defect run whose validation accuracy was above 0.5 at the end of an
earlier epoch has unlearned. For the other defect runs the accuracy does not say whether they
ever learned. A run is clean if it is alive and its settings are on the list of clean
settings; settings are on that list if all their calibration runs learn.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import common
from benchmarks.zoo.build import build
from benchmarks.zoo.groups import FIRST_SEED, LATEST_ROUND, QUICK_SHARE
from benchmarks.zoo.kept_runs import read_kept
from benchmarks.zoo.table import write_table
from diagnostics.executors.opening import open_executor


def main() -> None:
    parser = common.parser("benchmarks.zoo", __doc__)
    parser.add_argument("action", choices=["build", "table"])
    parser.add_argument("--part", choices=list(FIRST_SEED), help="default: evaluation, with --quick calibration")
    parser.add_argument("--round", type=int, help="of seeds; default: the latest")
    parser.add_argument("--out", type=Path, default=Path("zoo"), help="the folder of all parts and rounds")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs are trained or judged at a time")
    parser.add_argument("--scheduler", help="train on this Dask cluster: tcp://HOST:PORT, or local")
    parser.add_argument("--share", type=float, default=1.0, help="only the first part of each group")
    parser.add_argument("--quick", action="store_true", help="a small part of every group, in under three minutes")
    parser.add_argument("--groups", nargs="+", help="train these groups only; default: all")
    parser.add_argument("--write", type=Path, help="the file of the table (a .md; a .json is written beside it)")
    parser.add_argument("--record", type=Path, help="the file of the counts that the rules keep")
    parser.add_argument("--judged", type=Path, help="the file that keeps the judged runs of the round; added to")
    options = parser.parse_args()
    part = options.part or ("calibration" if options.quick else "evaluation")
    round_ = LATEST_ROUND[part] if options.round is None else options.round
    folder = options.out / f"{part}-{round_}"
    if options.action == "build":
        share = QUICK_SHARE if options.quick else options.share
        with open_executor(options.scheduler, options.jobs, lambda line: print(line, file=sys.stderr)) as executor:
            judged = {one.name for one in read_kept(options.judged)}
            failed = build(part, folder, executor, round_, share, options.groups, judged)
        sys.exit(1 if failed else 0)
    write_table(folder, options.write, options.jobs, options.record, options.judged)


if __name__ == "__main__":
    main()
