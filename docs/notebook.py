"""Executes the notebook of the documentation, cell by cell.

python -m docs.notebook            execute it, and keep what it shows in the file

The file in docs/ is committed as it was executed, so that it shows its pictures on the code host and in the site.
A test executes it again.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

NOTEBOOK = Path(__file__).parent / "from-dead-to-rescued.ipynb"
LONGEST_CELL = 600
"""Seconds."""


def read() -> Any:
    """The notebook as it is committed."""
    return nbformat.read(NOTEBOOK, as_version=4)


def execute(notebook: Any) -> Any:
    """The notebook, executed in a folder of its own. Raises CellExecutionError where a cell fails."""
    from nbclient import NotebookClient  # half a second that reading the notebook does not need

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPATH"] = str(NOTEBOOK.parents[1])
        client = NotebookClient(
            notebook,
            timeout=LONGEST_CELL,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        return client.execute()


def main() -> int:
    """Execute the notebook and write it; times and machine names stay out of it."""
    notebook = execute(read())
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(notebook, NOTEBOOK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
