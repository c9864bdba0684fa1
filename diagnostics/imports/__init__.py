"""Logs of other tools as runs.

In: files that another program wrote, such as CSV, TensorBoard events or trainer_state.json.
Out: a :class:`~diagnostics.run.run.Run` in memory, with what was assumed and how finely it is resolved.
"""

from __future__ import annotations

from diagnostics.imports.build import build_run
from diagnostics.imports.find import find_files
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.read import format_of, import_runs, open_runs

__all__ = ["ImportOptions", "build_run", "find_files", "format_of", "import_runs", "open_runs"]
