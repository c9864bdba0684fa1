"""LogWriter: rows are gathered, and written 64 at a time or once a second.

The file is built under a temporary name, switched to single-writer-multiple-
reader mode, put on disk, and only then given its name. Signals wait while it is
written to. Before each write the space that is left on the disk is looked at. If a
write fails all the same, the file is never touched again: what was flushed stays
readable, and LogWriteError says so once.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import LogWriteError
from diagnostics.files import fsync_folder, open_part, place
from diagnostics.log import guards
from diagnostics.log.attributes import change
from diagnostics.log.file import LogFile
from diagnostics.log.file_source import FileSource, Opened
from diagnostics.log.hdf5 import reason_in_a_line
from diagnostics.log.locks import WriterLock
from diagnostics.log.names import check_log_path
from diagnostics.run.source import Records, Source, records
from diagnostics.schema.datasets import Table
from diagnostics.schema.header import Header
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.tables import COUNTED, EVENTS, FLUSH_ROWS, INDEX, ROLLBACKS, SNAPSHOTS, rows_of
from diagnostics.signals import Deferral

log = logging.getLogger("lenet-diag")
FLUSH_SECONDS = 1.0
FSYNC_SECONDS = 5.0
GO_ON = "lenet-diag train --resume goes on from the last checkpoint before that"


class LogWriter:
    """Writes one log.

    ``path``: the log.
    ``header``: its attributes.
    ``overwrite``: whether a file of this name is replaced.
    ``keep_old_as``: the name that a file of this name gets; None where there is none to keep.
    ``copy_of``: rows and tables of an interrupted run, which the log begins with.
    ``before``: the step before which they are copied; None for all.

    ``failure`` says why it stopped before it was closed, ``loss`` why it will not be found although it is
    written; None while all is well.

    Raises LogWriteError where the log cannot be made, now or later.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        overwrite: bool = False,
        keep_old_as: Path | None = None,
        copy_of: Source | None = None,
        before: int | None = None,
    ) -> None:
        self.path = path
        self.header = header
        self.failure: str | None = None
        self.loss: str | None = None
        check_log_path(path, overwrite=overwrite or keep_old_as is not None)
        self._lock = WriterLock(path)
        try:
            self._start(overwrite, keep_old_as, copy_of, before)
        except BaseException:
            self._lock.release()
            raise
        self._index: Records = np.zeros(FLUSH_ROWS, INDEX.dtype)
        self._values = np.zeros((FLUSH_ROWS, len(header.info.columns)), np.float32)
        self._gathered = 0
        self._tables: list[tuple[Table, Records]] = []
        self._snapshots: list[tuple[Records, dict[str, NDArray[Any]]]] = []
        self._flushed = self._synced = time.monotonic()
        self._open = True
        guards.watch_forks(self)
        atexit.register(self._at_exit)

    @property
    def is_open(self) -> bool:
        """Whether it still writes: not closed, and not stopped by a failure."""
        return self._open

    def row(self, step: int, epoch: int, values: NDArray[np.float32]) -> None:
        """One row; written with the next flush."""
        if not self._open:
            return
        i = self._gathered
        self._values[i] = values
        self._index[i] = (step, time.time(), epoch, 0)
        self._gathered = i + 1
        if self._gathered == FLUSH_ROWS or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def add(self, table: Table, **fields: Any) -> None:
        """One row of a table; ``wall`` is now. Written with the next flush."""
        if not self._open:
            return
        self._tables.append((table, records(table, [{"wall": time.time(), **fields}])))

    def event(self, step: int, event: str, message: str, **fields: Any) -> None:
        """One event, with the rows before it."""
        room = EVENTS.dtype["message"].itemsize
        text = message.encode()[:room].decode(errors="ignore")
        self.add(EVENTS, step=step, event=event, message=text, **fields)

    def turn_back(self, rollback: Rollback) -> None:
        """The rows of the steps from the rollback's on are undone: say so, and put it on disk. Raises LogWriteError."""
        self.flush()
        if not self._open:
            return
        counts = {rows_of(table): len(self._log.datasets[table.path]) for table in COUNTED}
        self.add(ROLLBACKS, **rollback.to_row(), **counts)
        self.flush(sync=True)

    def source(self) -> Source:
        """What has been written until now, to be read while the log is written. Raises LogError."""
        source = FileSource(self.path, lambda: [lambda: Opened(self._log.file)])
        source.freeze()
        return source

    def snapshot(self, step: int, extra: bool, arrays: dict[str, NDArray[Any]]) -> None:
        """One snapshot, of arrays by path without their first axis."""
        if not self._open:
            return
        index = np.zeros(1, SNAPSHOTS.dtype)
        index[0] = (step, time.time(), extra, 0)
        self._snapshots.append((index, {path: rows[None] for path, rows in arrays.items()}))

    def flush(self, sync: bool = False) -> None:
        """Write what was gathered, so that readers see it; ``sync`` waits until the disk has it.

        Raises LogWriteError where that fails; the log is then closed.
        """
        if not self._open:
            return
        self._flushed = time.monotonic()
        self._notice_loss()
        if guards.free_space(self.path.parent) < guards.LOW_SPACE:
            self._stop_in_order()
        with self._signals:
            try:
                self._write()
                if sync or self._flushed - self._synced > FSYNC_SECONDS:
                    os.fsync(self._log.descriptor)
                    self._synced = self._flushed
            except Exception as error:
                self._fail(error)

    def change(self, **attributes: Any) -> None:
        """Rewrite attributes that may change. Raises LogWriteError where that fails; the log is then closed."""
        if not self._open:
            return
        with self._signals:
            try:
                change(self._log.file, **attributes)
                self._log.file.flush()
            except Exception as error:
                self._fail(error)

    def close(self, status: str, **attributes: Any) -> None:
        """Write the rest, note how the run ended, and close; does nothing the second time."""
        if not self._open:
            return
        try:
            with self._signals:
                self.flush()
                try:
                    change(self._log.file, status=status, **attributes)
                    self._log.file.flush()
                    os.fsync(self._log.descriptor)
                    self._log.file.close()
                except Exception as error:
                    self._fail(error)
                self._end()
        finally:  # a signal that waited is an exception by now
            self._signals.remove()

    def after_fork_in_child(self) -> None:
        """In a forked child this log is not open: the parent goes on writing it."""
        if self._open:
            self._open = False
            guards.poison(self._log.descriptor)
            self._lock.forget()

    # -- inside ---------------------------------------------------------------------------

    def _start(self, overwrite: bool, keep_old_as: Path | None, copy_of: Source | None, before: int | None) -> None:
        self._signals = Deferral()
        part: Path | None = None
        log: LogFile | None = None
        try:
            with self._signals:
                part, locked = open_part(self.path)
                with locked:
                    self._lock.hold(locked)
                self._log = log = LogFile.create(part, self.header)
                if copy_of is not None:
                    log.copy(copy_of, before)
                log.file.swmr_mode = True
                log.file.flush()
                os.fsync(log.descriptor)
                place(part, self.path, overwrite=overwrite, keep_old_as=keep_old_as)
                fsync_folder(self.path.parent)
        except BaseException as error:
            if log is not None:
                log.abandon()
            if part is not None:
                part.unlink(missing_ok=True)
            self._signals.remove()
            if isinstance(error, (OSError, RuntimeError)):
                raise LogWriteError(f"{self.path}: cannot be made: {reason_in_a_line(error)}") from error
            raise

    def _notice_loss(self) -> None:
        """Say once that the file has been removed or replaced: it is written all the same, and nobody will find it."""
        if not self.loss and not self._lock.holds(self.path):
            self.loss = "it was removed or replaced while it was written"
            log.warning("%s: %s; the training goes on", self.path, self.loss)

    def _write(self) -> None:
        if self._gathered:
            count, self._gathered = self._gathered, 0
            self._log.append_rows(self._index[:count], self._values[:count])
        snapshots, self._snapshots = self._snapshots, []
        for index, arrays in snapshots:
            self._log.append_snapshots(index, arrays)
        tables, self._tables = self._tables, []
        for table, rows in tables:
            self._log.append(table, rows)
        self._log.file.flush()

    def _stop_in_order(self) -> None:
        """Close cleanly while there is still room for that, and leave the rows that were not written."""
        try:
            with self._signals:
                with contextlib.suppress(OSError, RuntimeError):
                    change(self._log.file, status="log-stopped")
                    self._log.file.close()
                self._end()
        finally:
            self._signals.remove()
        megabytes = guards.LOW_SPACE // 1_000_000
        reason = f"less than {megabytes} MB free on its disk"
        self._complain(f"{reason}; what was written so far is kept; make room, then {GO_ON}")

    def _fail(self, error: Exception) -> None:
        self._log.abandon()
        self._end()
        self._signals.remove()
        reason = reason_in_a_line(error)
        self._complain(f"{reason}; what was flushed before is kept; when that is mended, {GO_ON}", error)

    def _complain(self, reason: str, error: Exception | None = None) -> None:
        self.failure = reason
        raise LogWriteError(f"{self.path}: the log has stopped: {reason}") from error

    def _end(self) -> None:
        self._open = False
        self._lock.release()
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        with contextlib.suppress(LogWriteError):
            self.close("failed")
