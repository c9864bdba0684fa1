"""The zoo: a labelled benchmark for the detector.

    python -m benchmarks.zoo build --out zoo [--jobs 2] [--share 0.5]
    python -m benchmarks.zoo table --out zoo --write docs/zoo.md
    python -m benchmarks.zoo build --quick --out zoo

``build`` trains and logs; it may be killed at any moment and goes on where it was.
``table`` replays the logs through the detector. Every group of runs grows in step with
the others, so a build that was stopped early gives a table of everything, with wider
intervals.

The rules are looked at and changed on calibration runs alone, and evaluation runs are
judged once: after a change of the rules comes the next round of seeds. ``--quick``
takes a small part of every group, of the calibration, so that trying it shows nobody
an evaluation run.

The labels were fixed before any verdict was looked at. They come from the validation
accuracy at the end of the run alone: dead below 0.2, alive above 0.8; runs in between
are ambiguous and counted apart. A defect run whose validation accuracy was above 0.5 at
the end of an earlier epoch has unlearned; of the other defect runs the accuracy does not
say whether they ever learned. A run is clean if its settings are on the list of clean
settings and it is alive; settings are on that list if all their calibration runs learn.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import common
from benchmarks.zoo.build import build
from benchmarks.zoo.groups import FIRST_SEED, LATEST_ROUND, QUICK_SHARE
from benchmarks.zoo.table import write_table
from diagnostics.executors.open_executor import open_executor


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
    parser.add_argument("--write", type=Path, help="where the table goes (a .md; a .json is put beside it)")
    parser.add_argument("--record", type=Path, help="where the counts go that the rules keep of themselves")
    options = parser.parse_args()
    part = options.part or ("calibration" if options.quick else "evaluation")
    round_ = LATEST_ROUND[part] if options.round is None else options.round
    folder = options.out / f"{part}-{round_}"
    if options.action == "build":
        share = QUICK_SHARE if options.quick else options.share
        with open_executor(options.scheduler, options.jobs, lambda line: print(line, file=sys.stderr)) as executor:
            failed = build(part, folder, executor, round_, share, options.groups)
        sys.exit(1 if failed else 0)
    write_table(folder, options.write, options.jobs, options.record)


if __name__ == "__main__":
    main()
