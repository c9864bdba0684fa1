"""Checkpoints: the exact state of a run, beside its log, to go on from after any kill, and to replay from.

Each is an npz file, written under a temporary name, put on disk, then renamed;
its members carry checksums. As many are kept as 10 MB an epoch hold, spread evenly
over the run: any step can then be replayed from one that is not far before it.
While the run goes on the newest three are kept as well; those of the last hundred
steps and the one before them, so that a collapse noticed late still has one from
before; and, once a defect is confirmed, the last one before its onset.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import CheckpointError
from diagnostics.files import remove_abandoned_parts
from lenet.errors import LenetError, NotRegularError, reason_of
from lenet.regular_files import obstacle
from lenet.training.state import load_state, save_state, steps_made

State = Mapping[str, NDArray[Any]]
NEWEST = 3
OLDER_STEPS = 100
BYTES_AN_EPOCH = 10_000_000
PREFIX = "recorder/"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint as it was read: the model's state, and what the recorder added to it."""

    step: int
    model: dict[str, NDArray[Any]]
    recorder: dict[str, NDArray[Any]]

    @property
    def name(self) -> str:
        """The name of its file."""
        return file_name(self.step)


def file_name(step: int) -> str:
    """The name of the file of the checkpoint before ``step``."""
    return f"step-{step:08d}.npz"


class CheckpointRing:
    """The checkpoints of one run in one folder.

    Args:
        folder: where they lie.
        run_id: the name of the run in its log; checkpoints of other runs are refused.
        steps_per_epoch: how long an epoch is, which decides how many are kept; only needed to save some.
    """

    def __init__(self, folder: Path, run_id: str, steps_per_epoch: int = 1) -> None:
        self.folder = folder
        self._run_id = run_id
        self._steps_per_epoch = steps_per_epoch
        self._onset: int | None = None

    @property
    def steps(self) -> list[int]:
        """The steps before which there is a checkpoint, sound or not, in order."""
        return sorted(self._files())

    def path(self, step: int) -> Path:
        """Where the checkpoint before ``step`` lies, if there is one."""
        return self.folder / file_name(step)

    def clear(self) -> None:
        """Remove what an earlier run left in the folder, halves of checkpoints too."""
        for path in (*self._files().values(), *self._listed("step-*.npz.part-*")):
            _remove(path)

    def save(self, step: int, model: State, recorder: State) -> tuple[Path, bytes]:
        """Write the state before ``step``, then remove what need not be kept; returns the file and its content.

        Raises OSError where it cannot be written, and where the folder is a link to another place.
        """
        if obstacle(self.folder) not in ("", "a folder"):
            raise NotRegularError(errno.ENOTDIR, f"is {obstacle(self.folder)}, no folder", str(self.folder))
        self.folder.mkdir(exist_ok=True)
        path = self.path(step)
        if found := obstacle(path):
            raise NotRegularError(errno.EEXIST, f"{path.name} is {found}, and only regular files are replaced")
        remove_abandoned_parts(path)
        added = {PREFIX + name: array for name, array in recorder.items()}
        content = save_state(path, {**model, **added, PREFIX + "run_id": np.array(self._run_id)})
        self._prune(is_over=False)
        return path, content

    def finish(self) -> None:
        """The run is complete: what was kept only to go on with it need not be kept any more."""
        if self.steps:
            self._prune(is_over=True)

    def pin_before(self, onset: int) -> None:
        """Keep the last checkpoint that was taken at or before this step."""
        self._onset = onset

    def forget_after(self, step: int) -> None:
        """The run was turned back to ``step``: what was taken later is undone, and no onset is to be kept in mind."""
        self._onset = None
        for taken, path in self._files().items():
            if taken > step:
                _remove(path)

    def newest(self, last_step: int, listed: Mapping[int, str] | None = None) -> Checkpoint:
        """The newest sound checkpoint of this run at or before ``last_step``.

        ``listed``: the SHA-256 of the files that are part of the run, by step; None (default) for any file.

        Damaged ones are passed over. Raises CheckpointError where there is none, and where one cannot be opened,
        which says nothing against what is in it.
        """
        if obstacle(self.folder) not in ("", "a folder"):
            raise CheckpointError(f"{self.folder}: is {obstacle(self.folder)}, expected the folder of the checkpoints")
        refused: list[str] = []
        for step in sorted(self._files(), reverse=True):
            if step > last_step:
                refused.append(f"the log ends before step {step}")
                continue
            try:
                if listed is not None and sha256(self.path(step).read_bytes()).hexdigest() != listed.get(step):
                    raise CheckpointError(f"{self.path(step)}: is none of those that the log lists")
                return self.load(step)
            except OSError as error:
                raise CheckpointError(f"{self.path(step)}: cannot be read: {error.strerror}") from error
            except (LenetError, CheckpointError) as error:
                if isinstance(error.__cause__, OSError):
                    cure = "see to that, or remove the file to go on from an older one"
                    raise CheckpointError(f"{error}; {cure}") from None
                refused.append(str(error))
        if not refused:
            cure = "train anew, or give the name under which the log was written"
            raise CheckpointError(f"{self.folder}: found no checkpoints; {cure}")
        raise CheckpointError(
            f"{self.folder}: found {len(refused)} checkpoints, none of them sound and of this run (the newest: "
            f"{refused[0]}); train anew"
        )

    def load(self, step: int) -> Checkpoint:
        """The checkpoint before ``step``.

        Raises LenetError or CheckpointError where it is not sound; their cause is an OSError where it cannot be opened.
        """
        path = self.path(step)
        state = load_state(path)
        recorder = {n.removeprefix(PREFIX): state.pop(n) for n in list(state) if n.startswith(PREFIX)}
        if str(recorder.pop("run_id", "")) != self._run_id:
            raise CheckpointError(f"{path}: belongs to another run")
        if (made := steps_made(state)) != step:
            raise CheckpointError(f"{path}: holds the state before step {made}, not {step}")
        return Checkpoint(step, state, recorder)

    def _files(self) -> dict[int, Path]:
        """The checkpoints in the folder by their steps."""
        return {int(p.stem[5:]): p for p in self._listed("step-*.npz") if p.stem[5:].isdecimal()}

    def _listed(self, pattern: str) -> list[Path]:
        """The regular files of the folder that fit the pattern; none where it is a link: that is another run's place.

        Raises CheckpointError where the folder cannot be read.
        """
        if obstacle(self.folder) != "a folder":
            return []
        try:
            paths = list(self.folder.iterdir())
        except OSError as error:
            raise CheckpointError(f"{self.folder}: cannot be read: {reason_of(error)}") from error
        return [path for path in paths if fnmatch.fnmatch(path.name, pattern) and not obstacle(path)]

    def _prune(self, is_over: bool) -> None:
        files = self._files()
        steps = sorted(files)
        keep = self._spread(steps, files[steps[-1]].stat().st_size)
        if not is_over:
            reach = steps[-1] - OLDER_STEPS
            keep |= {*steps[-NEWEST:], *(s for s in steps if s > reach)}
            keep |= set([s for s in steps if s <= reach][-1:])
        if self._onset is not None:
            keep |= set([s for s in steps if s <= self._onset][-1:])
        for step in set(steps) - keep:
            _remove(files[step])

    def _spread(self, steps: list[int], size: int) -> set[int]:
        """Of ``steps`` those that are kept for good: the first, and each that is far enough from the one before."""
        distance = self._steps_per_epoch * size / BYTES_AN_EPOCH
        kept = steps[:1]
        for step in steps[1:]:
            if step - kept[-1] >= distance:
                kept.append(step)
        return set(kept)


def _remove(path: Path) -> None:
    """Remove a checkpoint; one that cannot be removed is in nobody's way."""
    with contextlib.suppress(OSError):
        path.unlink()
