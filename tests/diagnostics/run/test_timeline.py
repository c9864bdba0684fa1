"""The steps of a run that was turned back, against a plain account of what was made and undone."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.run.run import Run
from diagnostics.run.source import MemorySource, index_rows, records
from diagnostics.run.timeline import Timeline
from diagnostics.schema.header import Header
from diagnostics.schema.rollback import Rollback, rollbacks_of
from diagnostics.schema.tables import (
    CHECKPOINTS,
    COUNTED,
    EPOCHS,
    EVENTS,
    INDEX,
    ROLLBACKS,
    SILENT,
    SNAPSHOTS,
    VALIDATIONS,
    rows_of,
)
from tests.helpers.small_runs import small_info

AN_EPOCH = 4


class PlainAccount:
    """What a log holds, made step by step: every table as a list, and beside it what is part of the run."""

    def __init__(self) -> None:
        self.recorded: dict[str, list[dict[str, Any]]] = {table.path: [] for table in (*COUNTED, ROLLBACKS)}
        self.current: dict[str, list[int]] = {table.path: [] for table in COUNTED}
        self.before: list[dict[str, list[int]]] = []
        self.step = 0

    def add(self, path: str, **fields: Any) -> None:
        self.current[path].append(len(self.recorded[path]))
        self.recorded[path].append(fields)

    def train(self, steps: int) -> None:
        for _ in range(steps):
            if self.step % 3 == 0:
                self.add(CHECKPOINTS.path, step=self.step, file=f"step-{self.step}")
                self.add(EVENTS.path, step=self.step, event="checkpoint", value=self.step)
            self.add(INDEX.path, step=self.step)
            if self.step % 2 == 0:
                self.add(SNAPSHOTS.path, step=self.step)
            self.add(EVENTS.path, step=self.step, event="rule", value=self.step)
            self.step += 1
            if self.step % AN_EPOCH == 0:
                epoch = self.step // AN_EPOCH
                self.add(EPOCHS.path, epoch=epoch, first_step=self.step - AN_EPOCH, last_step=self.step - 1)
                self.add(VALIDATIONS.path, epoch=epoch, step=self.step - 1)

    def turn_back(self, to: int) -> None:
        counts = {rows_of(table): len(self.recorded[table.path]) for table in COUNTED}
        rollback = Rollback(to, self.step - 1, "collapsed", 0, "half-rate", "lr", 0.5, None, "step")
        self.recorded[ROLLBACKS.path].append({**rollback.to_row(), **counts})
        self.before.append({path: list(rows) for path, rows in self.current.items()})
        for path, rows in self.current.items():
            self.current[path] = [row for row in rows if self.holds(path, self.recorded[path][row], to)]
        self.add(EVENTS.path, step=to, event="rollback", value=to)
        self.step = to

    @staticmethod
    def holds(path: str, row: dict[str, Any], step: int) -> bool:
        if path == CHECKPOINTS.path:
            return bool(row["step"] <= step)
        if path == EVENTS.path and row["event"] == "checkpoint":
            return bool(row["step"] <= step)
        return bool(row.get("event") == "rollback" or row.get("last_step", row.get("step", 0)) < step)

    def source(self) -> MemorySource:
        tables = {
            table.path: records(table, self.recorded[table.path]) for table in (*COUNTED, ROLLBACKS) if table != INDEX
        }
        steps = [row["step"] for row in self.recorded[INDEX.path]]
        known = small_info()
        values = np.arange(len(steps) * len(known.columns), dtype=np.float32).reshape(len(steps), -1)
        silent = np.arange(len(self.recorded[SNAPSHOTS.path]), dtype=np.uint8)[:, None]
        return MemorySource(
            Header(known),
            index_rows(steps, [step // AN_EPOCH + 1 for step in steps]),
            values.reshape(len(steps), len(known.columns)),
            tables,
            {SILENT.path: silent},
        )


@st.composite
def accounts(draw: st.DrawFn) -> PlainAccount:
    """A training of some steps, turned back up to three times."""
    account = PlainAccount()
    account.train(draw(st.integers(1, 12)))
    for _ in range(draw(st.integers(0, 3))):
        account.turn_back(draw(st.integers(0, account.step)))
        account.train(draw(st.integers(0, 12)))
    return account


def assert_is(timeline: Timeline, account: PlainAccount, expected: dict[str, list[int]]) -> None:
    recorded = account.source()
    places = expected[INDEX.path]
    assert timeline.index().tobytes() == recorded.index_rows[places].tobytes()
    np.testing.assert_array_equal(timeline.values(0, timeline.count()), recorded.value_rows[places])
    for start, stop in ((0, 1), (1, 5), (3, 100), (5, 2)):
        np.testing.assert_array_equal(timeline.values(start, stop), recorded.value_rows[places[start:stop]])
    for table in COUNTED:
        if table != INDEX:
            assert timeline.table(table).tobytes() == recorded.table(table)[expected[table.path]].tobytes()
    np.testing.assert_array_equal(timeline.array(SILENT), recorded.arrays[SILENT.path][expected[SNAPSHOTS.path]])


@given(accounts())
def test_a_timeline_is_what_was_made_and_not_undone(account: PlainAccount) -> None:
    timeline = Timeline(account.source())

    assert_is(timeline, account, account.current)
    assert timeline.index()["step"].tolist() == list(range(account.step))


@given(accounts())
def test_the_run_before_each_rollback_is_what_it_was_then(account: PlainAccount) -> None:
    undone = Timeline(account.source()).undone()

    assert len(undone) == len(account.before)
    for number, (timeline, before) in enumerate(zip(undone, account.before, strict=True)):
        assert_is(timeline, account, before)
        assert len(timeline.table(ROLLBACKS)) == number
        assert timeline.status == "stopped"


@given(accounts())
def test_a_run_says_its_rollbacks(account: PlainAccount) -> None:
    run = Run(Timeline(account.source()), "run")

    assert len(run.rollbacks) == len(account.before)
    assert [one.step for one in run.rollbacks] == [row["step"] for row in account.recorded[ROLLBACKS.path]]
    assert run.rollbacks == rollbacks_of(account.source().table(ROLLBACKS))


def test_counts_that_a_damaged_table_could_have_do_no_harm() -> None:
    account = PlainAccount()
    account.train(6)
    account.turn_back(2)
    account.train(3)
    for count in (-5, 10_000):
        source = account.source()
        for table in COUNTED:
            source.tables[ROLLBACKS.path][rows_of(table)] = count
        timeline = Timeline(source)
        for one in (timeline, *timeline.undone()):
            assert one.count() == len(one.values(0, 10_000))
            assert len(one.array(SILENT)) == len(one.table(SNAPSHOTS))
