"""replay: makes any step of a logged run again.

    from diagnostics.replay import replay
    moment = replay("dead.h5").at(34)

A replay trains the model again, from the seed or from the nearest checkpoint before the
step, and compares every row with the log, bit for bit. It ends at the first difference and
reports it.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from numbers import Integral
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import CheckpointError, NoSuchStepError, ReplayError
from diagnostics.log.reader import open_run
from diagnostics.measure.silence import State as MeterState
from diagnostics.replay.library import LibraryRun, ModelMaker
from diagnostics.replay.moment import Moment
from diagnostics.replay.own_loop import OwnRun
from diagnostics.replay.own_network import BatchMaker, NetworkMaker
from diagnostics.replay.proof import LogComparison, ReplayCheck, reasons
from diagnostics.replay.recipe import Recipe, Trained
from diagnostics.replay.rows import compared
from diagnostics.replay.starts import Start, Starts
from diagnostics.replay.training_set import GivenData, find_training_set
from diagnostics.run.run import Run
from diagnostics.schema.run_info import RunInfo
from lenet.errors import LenetError
from lenet.hooks import Hook, StepStart, UpdateDone
from lenet.training.order import Order
from lenet.training.state import State

CERTAIN_AFTER = 2
"""With so many equal rows before the first one that differs, the difference does not come from the checkpoint."""


def replay(
    path: str | os.PathLike[str] | Run,
    data: GivenData = None,
    *,
    build: ModelMaker | NetworkMaker | None = None,
    batches: BatchMaker | None = None,
    order: Order | None = None,
    threads: int | None = None,
) -> ReplayedRun:
    """A run of which every step can be made again.

    Args:
        path: the log, or the run that was read from one.
        data: what the run was trained on: (X, y), a :class:`lenet.Dataset`, or the folder of one. None (default)
            for the folder that the log names or the embedded MNIST. Data with another checksum are refused.
        build: a function that returns the model as it was before its first step. None (default) makes it from the
            log, which cannot be done where it has layers that you wrote or weights that were set by hand. For a
            training loop that you wrote, it returns the network: see :mod:`diagnostics.replay.own_network`.
        batches: for a training loop that you wrote: a function that gives the batches of the whole run, in order.
            None (default) for a run of ``Model.train``.
        order: the order of the samples; None (default) where the run was given none and shuffled by its seed.
        threads: how many threads compute; None (default) for all cores. The result does not depend on it.

    Raises:
        LogError: the log cannot be read.
        ReplayError: the data are not here, or are others.
    """
    run = path if isinstance(path, Run) else open_run(path)
    if batches is not None:
        if build is None:
            raise ReplayError("batches: received without build, expected both functions")
        return ReplayedRun(run, OwnRun(run.info, cast("NetworkMaker", build), batches))
    if not is_of_this_library(run.info):
        cure = (
            "to replay it, hand over two functions in Python: replay(path, build=..., batches=...), see docs/replay.md"
        )
        cure = "it does not say how to train it again" if run.info.is_imported else cure
        raise ReplayError(f"{run.path or run.name}: {whose_log(run.info)}; {cure}")
    training_set, maker = find_training_set(run.info, data), cast("ModelMaker | None", build)
    return ReplayedRun(run, LibraryRun(run.info, training_set, maker, order, threads, run.rollbacks))


def is_of_this_library(info: RunInfo) -> bool:
    """Whether the model of a run can be made from its log, since ``Model.train`` trained it."""
    return bool(info.settings) or "layers" in info.description


def whose_log(info: RunInfo) -> str:
    """What the log is of a run that is not of this library."""
    if info.is_imported:
        return "was imported from the log of another tool"
    return "is the log of a training loop that is not this library's"


@dataclass(frozen=True)
class ReplayedPart:
    """A part of a run that was made again, with its proof.

    Args:
        proof: what was compared with the log, and the result.
        state: the state before the step that was wanted; None where no step was wanted or it was not reached.
        meter: the state of the recorder's meter then.
        after: all parameters after that step, flat; None where the step was not made.
    """

    proof: ReplayCheck
    state: State | None = None
    meter: MeterState | None = None
    after: NDArray[Any] | None = None


class ReplayedRun:
    """A run that can be made again; :func:`replay` returns it.

    ``run`` is the run as it was logged; ``recipe`` makes it again.
    """

    def __init__(self, run: Run, recipe: Recipe) -> None:
        self.run = run
        self.recipe = recipe
        self._starts = Starts(run, seed_only=not recipe.can_start_anywhere)
        steps = run.index["step"]
        if not len(steps):
            raise ReplayError(f"{self._name}: holds no step, so there is nothing to replay")
        self._rows = np.asarray(steps)

    @property
    def steps(self) -> int:
        """The number of steps that can be replayed: those up to the last row of the log."""
        return int(self._rows[-1]) + 1

    @property
    def origin(self) -> int:
        """The first step of the chain of events; where there is none, the step with the largest single update."""
        diagnosis = self.run.diagnosis
        if diagnosis.cause is not None:
            return min(diagnosis.cause.step, self.steps - 1)
        if diagnosis.chain:
            return min(min(finding.first_step for finding in diagnosis.chain), self.steps - 1)
        columns = [c.name for c in self.run.columns if c.statistic == "ratio"]
        ratios = np.nan_to_num(self.run.block(columns), nan=-1.0, posinf=-1.0)
        return int(self._rows[int(np.argmax(ratios.max(axis=1)))])

    def at(self, step: int) -> Moment:
        """The run just before ``step``, with the batch of that step.

        Raises ReplayError, one line, where the log has no such step, or where the replay differs from the log. The
        line then names the first step and the first columns that differ, and the likely reasons.
        """
        step = self._checked(step)
        part = self._replayed(step, self._row_at_or_after(step))
        if not part.proof.is_proven:
            raise ReplayError(f"{self._name}: {part.proof}")
        if part.state is None or part.after is None or part.meter is None:
            raise AssertionError("a proven replay has passed the step that was wanted")
        self._starts.remember(step, part.state, part.meter)
        return Moment(self.run, self.recipe, step, part.state, part.meter, part.after, part.proof)

    def check(self, first: int = 0, last: int | None = None) -> ReplayCheck:
        """Replay the steps from ``first`` to ``last`` (None: the last one) and say whether they are proven."""
        first = self._checked(first)
        last = self.steps - 1 if last is None else self._checked(last)
        if last < first:
            raise NoSuchStepError(f"check: received {first}:{last}, expected a first step that is not after the last")
        return self._replayed(first, last).proof

    def seconds_between(self, first: int, last: int) -> float:
        """Seconds that a replay from the nearest start before ``first`` to ``last`` takes, by the times in the log."""
        times = self.run.block(["seconds"], self._starts.nearest(first), last)[:, 0].astype(float)
        return float(np.nansum(times)) * self.run.header.log_every

    # ---- inside

    @property
    def _name(self) -> str:
        return str(self.run.path or self.run.name)

    def _checked(self, step: object) -> int:
        if not isinstance(step, Integral) or not 0 <= int(step) < self.steps:
            raise NoSuchStepError(f"{self._name}: has no step {step}, expected 0 to {self.steps - 1}")
        return int(step)

    def _row_at_or_after(self, step: int) -> int:
        """The first step from ``step`` on that has a row, so that the replay of ``step`` is compared with the log."""
        return int(self._rows[int(np.searchsorted(self._rows, step))])

    def _replayed(self, step: int, last: int) -> ReplayedPart:
        """Replay until ``last`` from the nearest sound start at or before ``step``; keep the state before ``step``."""
        failed: ReplayedPart | None = None
        notes: list[str] = []
        for start in self._starts.before(step, notes):
            try:
                part = self._from(start, step, last, tuple(notes))
            except (CheckpointError, LenetError) as error:
                notes.append(f"{start.name} was not used: {error}")
                continue
            if part.proof.difference is None:
                return part
            notes.append(f"from {start.name} the replay differs at step {part.proof.difference.step:,}")
            failed = part if failed is None or _is_earlier(part, failed) else failed
            if part.proof.rows >= CERTAIN_AFTER:
                break
        if failed is None:
            raise ReplayError(f"{self._name}: there is no state to start from: {'; '.join(notes)}")
        return failed

    def _from(self, start: Start, step: int, last: int, notes: tuple[str, ...]) -> ReplayedPart:
        model = self.recipe.begin(start.state)
        comparison = LogComparison(self.run, start.meter)
        wanted = StateAtStep(step, model, comparison)
        self.recipe.train(model, last + 1, [comparison, wanted])
        if comparison.difference is None:
            comparison.compare_end(model.step, model.digest())
        difference = comparison.difference
        proof = ReplayCheck(
            start.name,
            start.step,
            last,
            comparison.rows,
            comparison.digests,
            difference,
            reasons(self.run.info.environment) if difference is not None else (),
            notes,
            compared(self.run),
        )
        return ReplayedPart(proof, wanted.state, wanted.meter, wanted.after)


class StateAtStep(Hook):
    """Keeps the state before one step and the parameters after it; compares the digests of all steps it passes.

    Args:
        step: the step.
        model: the training.
        comparison: compares its rows with the log.
    """

    def __init__(self, step: int, model: Trained, comparison: LogComparison) -> None:
        self._step, self._comparison = step, comparison
        self._model: Trained = weakref.proxy(model)  # it holds its hooks: neither shall keep the other alive
        self.state: State | None = None
        self.meter: MeterState | None = None
        self.after: NDArray[Any] | None = None

    def wants(self, step: int) -> bool:
        """Whether this is the step, or one before which the log has the digest of all parameters."""
        return step == self._step or step in self._comparison.digested_steps

    def on_step_start(self, event: StepStart) -> None:
        """Keep the state before the step."""
        if event.step == self._step:
            self.state = self._model.state()
            self.meter = self._comparison.meter_state()
        self._comparison.compare_digest(event.step, self._model.digest())

    def on_update_done(self, event: UpdateDone) -> None:
        """Keep the parameters after the step."""
        if event.step == self._step:
            self.after = event.values.copy()


def _is_earlier(one: ReplayedPart, other: ReplayedPart) -> bool:
    a, b = one.proof.difference, other.proof.difference
    return a is not None and (b is None or a.step < b.step)
