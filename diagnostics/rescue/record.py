"""The branches of a rescue on disk: one line a branch, appended as soon as its fate is certain.

A rescue that was interrupted goes on where it stopped. A line that a kill cut short is
left out, and its branch runs again. The plan lies beside the branches; results are never
continued under another plan. Branches that were trained to the end of the run have a file
of their own.
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
from diagnostics.files import JSON_SIZE, append_line, read_json, write_bytes, write_json
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
    Raises StudyError where the folder holds the branches of another plan, or any without ``resume``.
    """

    def __init__(self, folder: Path, plan: RescuePlan, *, resume: bool = False) -> None:
        self.folder = folder
        self.plan = plan
        self._resume = resume
        self._order_seeds = {branch.key: branch.order_seed for branch in plan.branches}

    @contextmanager
    def open(self) -> Iterator[dict[str, BranchResult]]:
        """The results so far, by key, while this process alone may add to them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = try_lock(self.folder / PLAN)
        if lock is None:
            raise StudyError(f"{self.folder}: another process runs this rescue; wait for it, or stop it")
        with lock:
            yield self._begin()

    def add(self, result: BranchResult) -> None:
        """Append one result with its order seed, and let it reach the disk."""
        line = {**asdict(result), "order_seed": self._order_seeds.get(result.key)}
        append_line(self.folder / BRANCHES, json.dumps(line))

    def endings(self) -> dict[str, Ending]:
        """The branches that were trained to the end of the run, by key. Ask while the folder is open."""
        return load_endings(self.folder / ENDINGS)

    def add_ending(self, ending: Ending) -> None:
        """Append one ending, and let it reach the disk."""
        append_line(self.folder / ENDINGS, json.dumps(asdict(ending)))

    def _begin(self) -> dict[str, BranchResult]:
        plan_file, content = self.folder / PLAN, self.plan.to_json()
        if plan_file.exists():
            known = read_json(plan_file, FORMAT)
            if not self._resume:
                raise StudyError(
                    f"{self.folder}: holds a rescue already; go on with it by resume=True (--resume), "
                    "or give another folder"
                )
            if not is_same_plan(known.get("plan"), content):
                raise StudyError(
                    f"{self.folder}: holds a rescue with another plan; give the same run and options, or another folder"
                )
        else:
            write_json(plan_file, {"format": FORMAT, "plan": content, "made_by": code_version()})
        return load_branches(self.folder / BRANCHES)


def is_same_plan(stored: Any, plan: dict[str, Any]) -> bool:
    """Whether a stored plan is this one; the words for its arms may have changed since."""
    try:
        return _without_titles(stored) == _without_titles(json.loads(json.dumps(plan)))
    except (KeyError, TypeError, AttributeError):
        return False


def _without_titles(plan: dict[str, Any]) -> dict[str, Any]:
    arms = [{name: value for name, value in arm.items() if name != "title"} for arm in plan["arms"]]
    return {**plan, "arms": arms}


def load_branches(path: Path, *, cut: bool = True) -> dict[str, BranchResult]:
    """The results in a file of branches, by key.

    path: the file; no file is no results.
    cut: whether a last line that a kill cut short is cut off the file, so that the next one can be appended.
    Raises DamagedFileError for any other line that is no result.
    """
    return _load(path, _result, "result of a branch", cut)


def load_endings(path: Path, *, cut: bool = True) -> dict[str, Ending]:
    """The endings in a file of them, by key; arguments and errors as in :func:`load_branches`."""
    return _load(path, _ending, "ending of a branch", cut)


def _load(path: Path, read: Callable[[dict[str, Any]], Line], what: str, cut: bool) -> dict[str, Line]:
    if not path.exists():
        return {}
    try:
        content = read_regular(path, JSON_SIZE)
    except OSError as error:
        raise DamagedFileError(f"{path}: cannot be read: {reason_of(error)}") from None
    whole = content[: content.rfind(b"\n") + 1]
    if cut and whole != content:
        write_bytes(path, whole)
    found = {}
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            one = read(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise DamagedFileError(f"{path}: line {number} is no {what}; move the file away") from None
        found[one.key] = one
    return found


def _result(value: dict[str, Any]) -> BranchResult:
    losses = tuple((int(step), loss) for step, loss in value["losses"])
    return BranchResult(str(value["key"]), Fate(value["fate"]), int(value["last_step"]), str(value["digest"]), losses)


def _ending(value: dict[str, Any]) -> Ending:
    loss = value["loss"]
    return Ending(
        str(value["key"]),
        Fate(value["fate"]),
        int(value["last_step"]),
        str(value["digest"]),
        float(value["accuracy"]),
        None if loss is None else float(loss),
    )
