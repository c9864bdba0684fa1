"""Compares a replay with the log, bit for bit: every row, and the parameters with their digests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.measure.silence import State as MeterState
from diagnostics.provenance import arithmetic, code_version
from diagnostics.replay.measuring import MeasuringHook
from diagnostics.replay.rows import ALL, RowComparison
from diagnostics.run.run import Run
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import DIGESTS
from lenet.hooks import RunStart, StepEnd, StopTraining

NAMED_COLUMNS = 3
PARAMETERS = "all parameters"
LONGEST_VALUE = 40

# The entries of an environment that decide the last bits of a result, with their names in words, the likeliest first.
REASONS = {
    "blas": "matrix products of",
    "simd": "instruction sets",
    "numpy": "NumPy",
    "machine": "a processor of the kind",
    "version": "lenet-diag",
    "commit": "code of the commit",
}


@dataclass(frozen=True)
class Difference:
    """The first step at which a replay differs from the log.

    Args:
        step: the step.
        columns: names of the columns that differ, or "all parameters" where a digest does.
        logged: their values in the log, one entry a column.
        replayed: their values in the replay.
    """

    step: int
    columns: tuple[str, ...]
    logged: tuple[Any, ...]
    replayed: tuple[Any, ...]

    def __str__(self) -> str:
        named = [
            f"{name} ({_number(then)} in the log, {_number(now)} here)"
            for name, then, now in zip(self.columns, self.logged, self.replayed, strict=True)
        ]
        more = f" and {len(named) - NAMED_COLUMNS} more columns" if len(named) > NAMED_COLUMNS else ""
        return f"step {self.step:,}: {', '.join(named[:NAMED_COLUMNS])}{more}"


@dataclass(frozen=True)
class ReplayCheck:
    """What a replay compared with the log, and the result.

    Args:
        start: where it began, in words: the seed, or a checkpoint.
        first_step: the first step that was made.
        last_step: the last step that was made.
        rows: how many rows of the log are equal in all columns that were compared.
        digests: how many digests of all parameters are equal.
        difference: the first difference; None where there is none.
        reasons: likely reasons for the difference: what has changed since the log was made.
        notes: what was passed over, such as a damaged checkpoint.
        compared: which columns of a row were compared, in words.
    """

    start: str
    first_step: int
    last_step: int
    rows: int
    digests: int
    difference: Difference | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: str = ALL

    @property
    def is_proven(self) -> bool:
        """Whether all that could be compared was equal, and at least one row was."""
        return self.difference is None and self.rows > 0

    def __str__(self) -> str:
        begun = f"steps {self.first_step:,} to {self.last_step:,} from {self.start}"
        if self.difference is not None:
            told = f"the replay is not the run: it differs at {self.difference}"
            return f"{told}; {'; '.join(self.reasons)}"
        if not self.is_proven:
            return f"replayed {begun}; the log holds no row of them, so nothing is proven"
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        digests = f", and {self.digests} digest{'s' * (self.digests > 1)} of the parameters" if self.digests else ""
        return f"replayed {begun}: {rows} equal to the log {self.compared}{digests}"


class LogComparison(MeasuringHook):
    """Compares the rows of a replay with those of the log, and ends it at the first difference.

    Args:
        run: the run as it was logged.
        state: the state of the meter before the first step of this replay; None at the beginning of the run.
    """

    def __init__(self, run: Run, state: MeterState | None = None) -> None:
        super().__init__(run, state)
        index = run.index
        self._rows = {int(step): place for place, step in enumerate(index["step"])}
        self._first = int(index["step"][0])
        self._digests = {int(row["step"]): row["parameters"].decode() for row in run.source.table(DIGESTS)}
        self.rows = self.digests = 0
        self.difference: Difference | None = None

    def wants(self, step: int) -> bool:
        """Whether ``step`` is one of which the recorder makes a row."""
        return super().wants(step) and step >= self._first

    def on_run_start(self, event: RunStart) -> None:
        """Compare what the log says of the run before its first step."""
        super().on_run_start(event)
        info = self.meter.info
        self._compare_beginnings(event, info)
        self._comparison = RowComparison(self._run, info.columns)

    def on_step_end(self, event: StepEnd) -> None:
        """Compare the row, if the log has it."""
        row = self.meter.finish(event)
        place = self._rows.get(event.step)
        if place is None:
            return
        there = self._run.source.values(place, place + 1)[0]
        wrong = np.flatnonzero(self._comparison.differ(row, there))
        if not len(wrong):
            self.rows += 1
            return
        here, there = self._comparison.common(row, there)
        self._differ(event.step, self._comparison.names[wrong].tolist(), there[wrong].tolist(), here[wrong].tolist())

    @property
    def digested_steps(self) -> Collection[int]:
        """The steps before which the log has the digest of all parameters."""
        return self._digests.keys()

    def meter_state(self) -> MeterState:
        """The state of the meter now."""
        return self.meter.state()

    def compare_digest(self, step: int, digest: str) -> None:
        """Compare the digest of all parameters before ``step``, if the log has one."""
        logged = self._digests.get(step)
        if logged:
            self._compare_digest(step, logged, digest)

    def compare_end(self, steps: int, digest: str) -> None:
        """Compare the digest of all parameters after the last of ``steps`` steps, if that was the end of the run."""
        if steps == self._run.steps_made and self._run.header.digest_end:
            with suppress(StopTraining):  # it is over
                self._compare_digest(steps - 1, self._run.header.digest_end, digest)

    # ---- inside

    def _compare_beginnings(self, event: RunStart, info: RunInfo) -> None:
        """Compare what the log says of the run before its first step with the replay."""
        then = self._run.info
        for name in ("tensors", "layers", "batch_size", "samples", "steps_per_epoch", "seed", "prior"):
            logged, here = getattr(then, name), getattr(info, name)
            if logged != here:
                self._differ(event.first_step, [name.replace("_", " ")], [logged], [here])
        if event.first_step == self._first == 0 and self._run.header.digest_start:
            self._compare_digest(0, self._run.header.digest_start, event.digest)

    def _compare_digest(self, step: int, logged: str, here: str) -> None:
        if logged == here:
            self.digests += 1
        else:
            self._differ(step, [PARAMETERS], [logged[:10]], [here[:10]])

    def _differ(self, step: int, columns: list[str], logged: list[Any], here: list[Any]) -> None:
        if self.difference is None:
            self.difference = Difference(step, tuple(columns), tuple(logged), tuple(here))
        raise StopTraining("the replay differs from the log")


def reasons(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Likely reasons for a difference: what has changed since the log was made.

    Args:
        environment: what the log says of versions and machine.
    """
    import platform

    now = {**code_version(), **arithmetic(), "machine": platform.machine()}
    found = tuple(
        f"the log was made with {words} {environment[name]}, here it is {now[name] or 'unknown'}"
        for name, words in REASONS.items()
        if environment.get(name) and str(environment[name]) != str(now[name])
    )
    if found:
        return found
    told = [name for name in ("blas", "simd") if name not in environment]
    if told:
        return ("the log does not say which processor it was made on; here it may be another one",)
    return ("processor, libraries and code are those of the log: data, settings, a checkpoint or the log was changed",)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
