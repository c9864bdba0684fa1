"""The tables of a study of rescues: one row a trained seed, one row a branch, as CSV files that are committed.

A study goes on from its tables alone, on another machine too: seeds that stand in the
table of runs are done. The branches of a rescue are written before the row of its run,
and branches without a run are left out, so that a kill loses one rescue at the most.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from diagnostics.errors import DamagedFileError, StudyError
from diagnostics.files import write_text
from diagnostics.rescue.fate import Fate
from lenet.errors import LenetError
from lenet.regular_files import read_regular

LARGEST = 64 * 2**20  # bytes of a table
Row = TypeVar("Row")


@dataclass(frozen=True)
class SeedRow:
    """One seed that was trained, and rescued if it died.

    plan: the version of the plan of the study.
    population: where the seed belongs.
    seed: its seed.
    verdict: of the run.
    steps: how many steps were made.
    onset, confirmed: of its defect; None for a run that lived, as all that follows down to ``branch_step``.
    first_link, blow: steps of its chain.
    rule, layer: the first link's mechanism and place; "" where none is named.
    branch_step: from where remedies were switched on.
    refused: why it could not be rescued; "" where it was, or needed not to be.
    seconds: that its rescue took.
    commit: of the code.
    date: when it was done, UTC.
    python, numpy, blas: versions, and the kernel that decides the last bits.
    """

    plan: str
    population: str
    seed: int
    verdict: str
    steps: int
    onset: int | None
    confirmed: int | None
    first_link: int | None
    blow: int | None
    rule: str
    layer: str
    branch_step: int | None
    refused: str
    seconds: int | None
    commit: str
    date: str
    python: str
    numpy: str
    blas: str

    @property
    def is_rescued(self) -> bool:
        """Whether it died and its arms were tried."""
        return self.branch_step is not None and not self.refused


@dataclass(frozen=True)
class BranchRow:
    """One branch of a rescue.

    population, seed: the run that died.
    arm: what was done.
    number: tells the branches of an arm apart; of a placebo, ``number`` steps after the earliest that was altered.
    step: the branch point.
    order_seed: of the order of the samples; None for the order of the log.
    fate: dead, alive or undecided.
    last_step: the last step that the branch made.
    digest: the first twelve digits of the hash of its parameters after that step.
    """

    population: str
    seed: int
    arm: str
    number: int
    step: int
    order_seed: int | None
    fate: Fate
    last_step: int
    digest: str


class StudyTables:
    """The rows so far, and the two files that hold them.

    page: the page beside which they lie, as ``<page>-runs.csv`` and ``<page>-branches.csv``.
    plan: the version of the plan of the study.

    Raises StudyError where the tables were made by another plan, DamagedFileError where a file is no such table, or
    has a row twice.
    """

    def __init__(self, page: Path, plan: str) -> None:
        self.runs_file = page.with_name(f"{page.stem}-runs.csv")
        self.branches_file = page.with_name(f"{page.stem}-branches.csv")
        self.runs = _read(self.runs_file, SeedRow)
        known = {(run.population, run.seed) for run in self.runs}
        self.branches = [b for b in _read(self.branches_file, BranchRow) if (b.population, b.seed) in known]
        if others := {run.plan for run in self.runs} - {plan}:
            raise StudyError(
                f"{self.runs_file}: was made by plan {', '.join(sorted(others))} of this study, and the plan is now "
                f"{plan}; move both tables away, or give another --page"
            )

        _expect_once(self.runs_file, [(run.population, run.seed) for run in self.runs])
        _expect_once(self.branches_file, [(b.population, b.seed, b.arm, b.step, b.number) for b in self.branches])

    def expect_arms(self, arms: Sequence[str]) -> None:
        """Raises DamagedFileError where a death that was rescued has no branch of one of the arms."""
        there = {(b.population, b.seed, b.arm) for b in self.branches}
        for run in filter(lambda run: run.is_rescued, self.runs):
            if missing := [arm for arm in arms if (run.population, run.seed, arm) not in there]:
                raise DamagedFileError(
                    f"{self.branches_file}: {run.population} seed {run.seed} has no branches of {', '.join(missing)}; "
                    "restore the file, or remove the rows of this seed from both tables"
                )

    def add(self, run: SeedRow, branches: Sequence[BranchRow] = ()) -> None:
        """Keep one seed with its branches; both files are whole at any moment."""
        self.runs.append(run)
        if branches:
            self.branches += branches
            write_text(self.branches_file, _table(self.branches, BranchRow))
        write_text(self.runs_file, _table(self.runs, SeedRow))


def _expect_once(path: Path, keys: Sequence[tuple[object, ...]]) -> None:
    """Raises DamagedFileError where a row stands in a table twice, as where two tables were put together."""
    if twice := [key for key, count in Counter(keys).items() if count > 1]:
        raise DamagedFileError(f"{path}: has the row of {' '.join(map(str, twice[0]))} twice; keep one of each row")


def _table(rows: Sequence[Any], row: type[Any]) -> str:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(one.name for one in fields(row))
    table.writerows(astuple(one) for one in rows)
    return written.getvalue()


def _read(path: Path, row: type[Row]) -> list[Row]:
    """The rows of a table; none where there is no file."""
    if not path.exists():
        return []
    hints = get_type_hints(row)
    try:
        text = read_regular(path, LARGEST).decode("utf-8")
        return [_row(row, hints, found) for found in csv.DictReader(io.StringIO(text, newline=""), strict=True)]
    except (OSError, LenetError, csv.Error, ValueError, TypeError, KeyError) as error:
        raise DamagedFileError(f"{path}: is no table of this study ({error}); move it away") from None


def _row(row: type[Row], hints: dict[str, Any], found: dict[str, str]) -> Row:
    if found.keys() != hints.keys() or None in found.values():
        raise ValueError(f"its columns are not {', '.join(hints)}")
    values: dict[str, Any] = {}
    for name, hint in hints.items():
        text = found[name]
        values[name] = hint(text) if hint in (str, Fate) else None if text == "" and hint is not int else _count(text)
    return row(**values)


def _count(text: str) -> int:
    """A seed, a step or a number of them. Raises ValueError for anything else."""
    if not re.fullmatch("[0-9]{1,15}", text):
        raise ValueError(f"found {text[:20]!r}, expected a whole number")
    return int(text)
