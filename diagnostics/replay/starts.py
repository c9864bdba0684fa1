"""The states from which a replay can begin: those of earlier replays, the checkpoints beside the log, and the seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from diagnostics.errors import CheckpointError
from diagnostics.log.checkpoints import CheckpointRing
from diagnostics.log.names import checkpoint_folder
from diagnostics.measure.silence import State as MeterState
from diagnostics.run.run import Run
from diagnostics.schema.tables import DIGESTS
from lenet.errors import LenetError, reason_of
from lenet.training.state import State

KEPT = 8
SEED = "the seed"
MET = "which was proven before"


@dataclass(frozen=True)
class Start:
    """A state of the run from which it can be made again.

    Args:
        step: the first step after it.
        name: its name in messages.
        state: the exact state; None for the beginning of the run, which the seed gives.
        meter: the state of the recorder's meter then.
    """

    step: int
    name: str
    state: State | None = None
    meter: MeterState | None = None


class Starts:
    """All starts of one run. ``seed_only``: whether the run can be made only from its beginning."""

    def __init__(self, run: Run, seed_only: bool = False) -> None:
        self._seed_only = seed_only
        self._ring: CheckpointRing | None = None
        if run.path is not None and not seed_only:
            self._ring = CheckpointRing(checkpoint_folder(run.path), run.header.run_id)
        self._digests = {int(row["step"]): row["file"].decode() for row in run.source.table(DIGESTS)}
        self._version = run.header.schema_version
        self._met: dict[int, Start] = {}

    def remember(self, step: int, state: State, meter: MeterState) -> None:
        """Keep a state that a proven replay has reached; the last few are kept."""
        if self._seed_only:
            return
        if len(self._met) >= KEPT and step not in self._met:
            del self._met[next(iter(self._met))]
        self._met[step] = Start(step, f"step {step:,}, {MET}", state, meter)

    def nearest(self, step: int) -> int:
        """The step of the nearest start at or before ``step``, sound or not."""
        checkpoints = self._ring.steps if self._ring is not None else []
        return max(place for place in (0, *checkpoints, *self._met) if place <= step)

    def before(self, step: int, notes: list[str]) -> Iterator[Start]:
        """The starts at or before ``step``, the nearest first; the seed is always one of them.

        Checkpoints that are damaged, or whose digest in the log is another, are passed over, with a line in ``notes``.
        """
        checkpoints = self._ring.steps if self._ring is not None else []
        for place in sorted({*checkpoints, *self._met, 0}, reverse=True):
            if place > step:
                continue
            if place in self._met:
                yield self._met[place]
            if place == 0:
                yield Start(0, SEED)
            if place in checkpoints:
                try:
                    yield self._load(place)
                except (CheckpointError, LenetError) as error:
                    notes.append(f"the checkpoint before step {place:,} was passed over: {error}")

    def _load(self, step: int) -> Start:
        if self._ring is None:
            raise AssertionError("without a folder there are no checkpoints to load")
        path = self._ring.path(step)
        expected = self._digests.get(step)
        if expected is None and self._version >= (1, 2):
            raise CheckpointError(f"{path}: the log does not list it")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read: {reason_of(error)}") from None
        if expected is not None and sha256(content).hexdigest() != expected:
            raise CheckpointError(f"{path}: was changed since it was written")
        checkpoint = self._ring.load(step)
        return Start(step, f"the checkpoint before step {step:,}", checkpoint.model, checkpoint.recorder)
