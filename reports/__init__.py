"""What people see: figures, pages, the terminal, notebooks and the command line.

In: runs, studies and rescues, with their diagnoses and statistics.
Out: pictures, pages and text.
"""

from pathlib import Path as _Path
from runpy import run_path as _run_path

# By its place: a file of the user may hide any of the packages.
_run_path(str(_Path(__file__).resolve().parents[1] / "lenet" / "in_the_way.py"))["expect_ours"]("lenet", "diagnostics")
