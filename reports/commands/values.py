"""What the arguments and options of several commands take: paths of each kind, and whole numbers."""

from __future__ import annotations

from pathlib import Path

import click

# Whether a log can be read is told by the command itself, with its own exit code.
LOG = click.Path(path_type=Path, readable=False)
PATH = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
FROM_0, FROM_1 = click.IntRange(min=0), click.IntRange(min=1)
