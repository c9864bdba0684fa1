"""The branches of a rescue on disk: one line a branch, appended as soon as its fate is certain.

A rescue that was interrupted goes on where it stopped. A line that a kill cut short is
left out, and its branch runs again. The plan lies beside the branches; results are never
continued under another plan, without their plan, or with lines of another rescue. Branches
that were trained to the end of the run have a file of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from diagnostics.errors import DamagedFileError, StudyError
from diagnostics.file_locks import try_lock
from diagnostics.files import JSON_SIZE, append_line, make_folder, read_json, write_bytes, write_json
from diagnostics.json_values import finite
from diagnostics.provenance import code_version
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.plan import RescuePlan
from lenet.errors import reason_of
from lenet.regular_files import read_regular

PLAN, BRANCHES, ENDINGS = "rescue.json", "branches.jsonl", "endings.jsonl"
FORMAT = "lenet-diag rescue 1"


@dataclass(frozen=True)
class BranchResult:
    """What became of one branch.

    key: the name of the branch within its plan.
    fate: dead, alive or undecided.
    last_step: the last step that the branch made.
    digest: the hash of its parameters after that step.
    losses: the mean data loss of every tenth of its steps and the last one, as (step, loss) pairs.
    """

    key: str
    fate: Fate
    last_step: int
    digest: str
    losses: tuple[tuple[int, float | None], ...] = ()


@dataclass(frozen=True)
class Ending:
    """What one branch was at the end of the run.

    key: the name of the branch within its plan.
    fate: dead, alive or undecided, by the verdict over the whole run.
    last_step: the last step that it made; an earlier one than the run's where nothing could end its defect any more.
    digest: the hash of its parameters after that step.
    accuracy: on the validation data, after that step.
    loss: the mean loss on the validation data; None where it is not finite.
    """

    key: str
    fate: Fate
    last_step: int
    digest: str
    accuracy: float
    loss: float | None


Line = TypeVar("Line", BranchResult, Ending)


class RescueFolder:
    """The folder of one rescue.

    folder: where plan and branches lie; made where it does not exist.
    plan: the plan of the rescue.
    resume: whether branches that are there may be taken over.
    Raises StudyError where the folder holds the branches of another plan, of none, or any without ``resume``.
    """

    def __init__(self, folder: Path, plan: RescuePlan, *, resume: bool = False) -> None:
        self.folder = folder
        self.plan = plan
        self._resume = resume
        self._order_seeds = {branch.key: branch.order_seed for branch in plan.branches}

    @contextmanager
    def open(self) -> Iterator[dict[str, BranchResult]]:
        """The results so far, by key, while this process alone may add to them."""
        make_folder(self.folder)
        lock = try_lock(self.folder / PLAN)
        if lock is None:
            raise StudyError(f"{self.folder}: another process runs this rescue; wait for it, or stop it")
        with lock:
            yield self._begin()

    def add(self, result: BranchResult) -> None:
        """Append one result with its order seed and its run, and let it reach the disk."""
        self._append(BRANCHES, {**asdict(result), "order_seed": self._order_seeds.get(result.key)})

    def add_ending(self, ending: Ending) -> None:
        """Append one ending with its run, and let it reach the disk."""
        self._append(ENDINGS, asdict(ending))

    def branches(self, *, cut: bool = False) -> dict[str, BranchResult]:
        """The results, by key; none where there is no file.

        cut: whether a last line that a kill cut short is cut off the file, so that the next one can be appended; only
            while the folder is open. Default False.
        Raises DamagedFileError for any other line that is no result of this rescue.
        """
        return self._load(BRANCHES, _result, "result of a branch", cut)

    def endings(self, *, cut: bool = False) -> dict[str, Ending]:
        """The branches that were trained to the end of the run, by key; as :meth:`branches`."""
        return self._load(ENDINGS, _ending, "ending of a branch", cut)

    def check_plan(self) -> None:
        """Raises StudyError unless the folder holds nothing yet, or with ``resume`` results of this plan."""
        if not (self.folder / PLAN).exists():
            self._expect_no_lines()
            return
        known = read_json(self.folder / PLAN, FORMAT)
        if not self._resume:
            raise StudyError(
                f"{self.folder}: holds a rescue already; go on with it by resume=True (--resume), "
                "or give another folder"
            )
        if not is_same_plan(known.get("plan"), self.plan.to_json()):
            raise StudyError(
                f"{self.folder}: holds a rescue with another plan; give the same run and options, or another folder"
            )

    def _begin(self) -> dict[str, BranchResult]:
        self.check_plan()
        if not (self.folder / PLAN).exists():
            content = {"format": FORMAT, "plan": self.plan.to_json(), "made_by": code_version()}
            write_json(self.folder / PLAN, content)
        return self.branches(cut=True)

    def _expect_no_lines(self) -> None:
        """Raises StudyError for results beside which no plan says what they are results of."""
        for name in (BRANCHES, ENDINGS):
            if (path := self.folder / name).exists():
                raise StudyError(
                    f"{path}: the plan of these results is missing ({PLAN}); move the file away, or give another folder"
                )

    def _append(self, name: str, line: dict[str, Any]) -> None:
        append_line(self.folder / name, json.dumps({**line, "run_id": self.plan.run_id}))

    def _load(self, name: str, read: Callable[[dict[str, Any]], Line], what: str, cut: bool) -> dict[str, Line]:
        path = self.folder / name
        if not path.exists():
            return {}
        try:
            content = read_regular(path, JSON_SIZE)
        except OSError as error:
            raise DamagedFileError(f"{path}: cannot be read: {reason_of(error)}") from None
        whole = content[: content.rfind(b"\n") + 1]
        if cut and whole != content:
            write_bytes(path, whole)
        found: dict[str, Line] = {}
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                value = json.loads(line)
                one = read(value)
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                raise DamagedFileError(f"{path}: line {number} is no {what}; move the file away") from None
            if self._is_of_another(value) or found.get(one.key, one) != one:
                raise DamagedFileError(f"{path}: line {number} is of another rescue; move the file away")
            found[one.key] = one
        return found

    def _is_of_another(self, line: dict[str, Any]) -> bool:
        """Whether a line says that it is of another run or of another order of the samples than the plan has."""
        seed = self._order_seeds.get(str(line["key"]))
        return line.get("run_id", self.plan.run_id) != self.plan.run_id or line.get("order_seed", seed) != seed


def is_same_plan(stored: Any, plan: dict[str, Any]) -> bool:
    """Whether a stored plan is this one; the words for its arms may have changed since."""
    try:
        return _without_titles(stored) == _without_titles(json.loads(json.dumps(plan)))
    except (KeyError, TypeError, AttributeError):
        return False


def _without_titles(plan: dict[str, Any]) -> dict[str, Any]:
    arms = [{name: value for name, value in arm.items() if name != "title"} for arm in plan["arms"]]
    return {**plan, "arms": arms}


def _result(value: dict[str, Any]) -> BranchResult:
    losses = tuple((_step(step), _number_or_none(loss)) for step, loss in value["losses"])
    return BranchResult(str(value["key"]), Fate(value["fate"]), _step(value["last_step"]), str(value["digest"]), losses)


def _ending(value: dict[str, Any]) -> Ending:
    accuracy = _number_or_none(value["accuracy"])
    if accuracy is None or not 0 <= accuracy <= 1:
        raise ValueError(f"found accuracy {accuracy}, expected a share")
    return Ending(
        str(value["key"]),
        Fate(value["fate"]),
        _step(value["last_step"]),
        str(value["digest"]),
        accuracy,
        _number_or_none(value["loss"]),
    )


def _step(value: Any) -> int:
    """The number of a step. Raises ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError(f"found step {value!r}, expected a whole number")
    return value


def _number_or_none(value: Any) -> float | None:
    """A finite number, or None where there was none. Raises ValueError for anything else."""
    if value is not None and (type(value) not in (int, float) or finite(value) is None):
        raise ValueError(f"found {value!r}, expected a number")
    return None if value is None else float(value)
