"""An imported run: a run in memory that can be saved as a log."""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.log.writer import LogWriter
from diagnostics.run.run import Run


class ImportedRun(Run):
    """A run from the log of another tool. ``path`` is the file it came from."""

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the run as a log, which every command and :func:`diagnostics.open_run` read; returns its path.

        path: the log, a name that ends in ".h5". overwrite: whether a file of that name is replaced, default no.

        Raises LogExistsError where the name is taken, and LogWriteError where the log cannot be written.
        """
        place = Path(path)
        writer = LogWriter(place, self.header, overwrite=overwrite, copy_of=self.source)
        writer.close(self.status)
        return place
