"""What a study asks for: arms (settings), seeds, and what to do with a run that dies.

The plan is written to ``study.json`` in the study's folder before the first run, so
that the folder says what it holds and a study can be continued from the folder alone.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from diagnostics.errors import DamagedFileError, StudyError
from diagnostics.files import read_json, write_json
from diagnostics.record.options import RESTARTS, OnDefect
from diagnostics.statistics.arms import arm_key
from diagnostics.statistics.run_summary import RunSummary
from lenet.settings import Settings

FORMAT = "lenet-diag study 1"
FILE = "study.json"
MOST_RUNS = 100_000
"""Runs of all arms of a study together."""
MADE_WITH = ("date", "version", "commit", "python", "numpy", "cores", "jobs")
"""What the history holds for every start of the study."""
PAPERS, FORMER = "paper's", "report's"
"""How presets name what is the paper's own, and how they did. Files keep the former word, so that their names stay."""


@dataclass(frozen=True)
class Arm:
    """Runs that differ in nothing but the seed.

    Args:
        label: the name of the arm in tables.
        settings: the settings of a training, without the seed.
        runs: how many seeds are trained.
        control: the label of the arm that this one is compared with; None (default) for no comparison.
    """

    label: str
    settings: Mapping[str, Any]
    runs: int
    control: str | None = None


@dataclass(frozen=True)
class PlannedRun:
    """One run of a study.

    Args:
        arm: the index of its arm.
        settings: its settings, with its seed.
        file: the name of its log.
        attempt: how many defect runs it is the restart of; default 0.
    """

    arm: int
    settings: Settings
    file: str
    attempt: int = 0


@dataclass(frozen=True)
class StudyPlan:
    """All that a study asks for.

    Args:
        arms: the arms.
        first_seed: the first seed of every arm; default 0.
        on_defect: what to do with a run once it is sure to be a defect run; default "continue".
        log_every: steps between log rows; default 1.
        histograms_every: steps between histograms, 0 for none; default 25.
        preset: the name of the preset it was made from; default None.
        history: for every start of the study when it was, with what code, and with how many jobs; default none.
    """

    arms: tuple[Arm, ...]
    first_seed: int = 0
    on_defect: OnDefect = "continue"
    log_every: int = 1
    histograms_every: int = 25
    preset: str | None = None
    history: tuple[Mapping[str, Any], ...] = ()

    def __repr__(self) -> str:
        asked = sum(arm.runs for arm in self.arms)
        return f"<StudyPlan of {len(self.arms)} arms: {asked} runs from seed {self.first_seed} on>"

    @property
    def jobs(self) -> list[int]:
        """How many runs were trained at a time, each number once. The times of runs depend on it."""
        return sorted({int(start["jobs"]) for start in self.history})

    def tasks(self) -> list[PlannedRun]:
        """All first attempts, seed by seed, so that any first part of them has as many runs of every arm."""
        most = max((arm.runs for arm in self.arms), default=0)
        return [
            self.task(a, self.first_seed + i) for i in range(most) for a, arm in enumerate(self.arms) if i < arm.runs
        ]

    def asked(self, find: Callable[[PlannedRun], RunSummary | None]) -> Iterator[tuple[PlannedRun, RunSummary | None]]:
        """Every task that is asked for by now, with its run if ``find`` knows one.

        The restart of a run is asked for once ``find`` knows that the run has died.
        """
        waiting = deque(self.tasks())
        while waiting:
            task = waiting.popleft()
            run = find(task)
            yield task, run
            following = self.restart_of(task) if run is not None and run.is_defect else None
            if following:
                waiting.append(following)

    def possible_tasks(self) -> list[PlannedRun]:
        """All first attempts, and all restarts there would be if every run died."""
        latest: list[PlannedRun] = self.tasks()
        found: list[PlannedRun] = []
        while latest:
            found += latest
            latest = [following for task in latest if (following := self.restart_of(task))]
        return found

    def task(self, arm: int, seed: int, attempt: int = 0) -> PlannedRun:
        """One run of an arm."""
        settings = Settings.from_dict({**self.arms[arm].settings, "seed": seed})
        return PlannedRun(arm, settings, f"{self._slugs()[arm]}-seed{seed:04d}.h5", attempt)

    def restart_of(self, dead: PlannedRun) -> PlannedRun | None:
        """The run that follows a dead one with ``restart``; no other run of its arm has its seed."""
        if self.on_defect != "restart" or dead.attempt >= RESTARTS:
            return None
        seed = dead.settings.seed + self.arms[dead.arm].runs
        return self.task(dead.arm, seed, dead.attempt + 1)

    def extends(self, other: StudyPlan) -> bool:
        """Whether this plan asks for what ``other`` asks for, or for the same with more seeds."""
        same = replace(self, arms=(), history=()) == replace(other, arms=(), history=())
        arms = len(self.arms) == len(other.arms) and all(
            replace(a, runs=b.runs) == b and a.runs >= b.runs for a, b in zip(self.arms, other.arms, strict=True)
        )
        # With restarts, further seeds of an arm are those that its restarts have used.
        return same and arms and (self.on_defect != "restart" or self.arms == other.arms)

    def labelled_as(self, before: StudyPlan) -> StudyPlan:
        """The plan with the labels that arms of the same settings have in ``before``, such as those of a folder."""
        known = {arm_key(arm.settings): arm.label for arm in before.arms}
        new = {arm.label: known.get(arm_key(arm.settings), arm.label) for arm in self.arms}
        arms = (
            replace(arm, label=new[arm.label], control=new.get(arm.control or "", arm.control)) for arm in self.arms
        )
        return replace(self, arms=tuple(arms))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the plan into the folder."""
        write_json(Path(folder) / FILE, {"format": FORMAT, **asdict(self)})

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> StudyPlan:
        """The plan in the folder. Raises StudyError where there is none, and DamagedFileError."""
        if not (Path(folder) / FILE).exists():
            raise StudyError(f"{folder}: holds no study (no {FILE})")
        value = read_json(Path(folder) / FILE, FORMAT)
        try:
            arms = tuple(Arm(**arm) for arm in value.pop("arms"))
            value.pop("format")
            plan = cls(arms, **{**value, "history": tuple(value["history"])})
            plan = plan if plan.preset is None else replace(plan, arms=tuple(map(_named_as_now, arms)))
            _check_size(plan)
            for name in MADE_WITH:
                if any(name not in start for start in plan.history):
                    raise ValueError(f"a start in its history has no {name!r}")
            plan.tasks(), plan.jobs  # these raise where something else is wrong
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedFileError(f"{Path(folder) / FILE}: damaged ({error}); it was kept as it is") from error
        return plan

    def _slugs(self) -> list[str]:
        """File names of the arms, unique."""
        slugs: list[str] = []
        for arm in self.arms:
            label = arm.label if self.preset is None else arm.label.replace(PAPERS, FORMER)
            slug = re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.") or "arm"
            slugs.append(slug if slug not in slugs else f"{slug}-{len(slugs)}")
        return slugs


def _named_as_now(arm: Arm) -> Arm:
    """An arm of a preset with the label that it has now."""
    control = None if arm.control is None else arm.control.replace(FORMER, PAPERS)
    return replace(arm, label=arm.label.replace(FORMER, PAPERS), control=control)


def _check_size(plan: StudyPlan) -> None:
    """Raises ValueError for numbers of runs, seeds and steps that no study has."""
    whole = {
        "runs": [arm.runs for arm in plan.arms],
        "first_seed": [plan.first_seed],
        "log_every": [plan.log_every],
        "histograms_every": [plan.histograms_every],
    }
    for name, values in whole.items():
        if not all(type(value) is int and value >= 0 for value in values):
            raise ValueError(f"found {name} {values}, expected whole numbers")
    if sum(arm.runs for arm in plan.arms) > MOST_RUNS:
        raise ValueError(f"found {sum(arm.runs for arm in plan.arms):,} runs, expected at most {MOST_RUNS:,}")


Plan = StudyPlan
"""The name this class had before; scripts may import it."""
