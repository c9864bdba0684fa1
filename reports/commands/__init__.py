"""The commands of the command line, one file each, and what they share.

In: what a user typed.
Out: data to stdout, messages to stderr, and an exit code.

A command is a file here whose docstring begins with "`lenet-diag NAME`: what it is for." and which has a ``command``.
The first line of the file is the only place where name and help line are declared.
"""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path

ORDER = (
    "demo",
    "train",
    "watch",
    "diagnose",
    "report",
    "replay",
    "rescue",
    "stats",
    "study",
    "export",
    "import",
    "gradcheck",
    "repair",
    "rules",
    "schema",
)
"""The order of a user's day, in which ``--help`` lists the commands; others follow by name."""
FIRST_LINE = re.compile(r'"""`lenet-diag ([a-z-]+)`: (.+?\.)(?:"""|$)')


def module_of(command: str) -> str:
    """The name of the file of a command; one that is a word of Python ends in "_"."""
    return f"{command}_" if iskeyword(command) else command


def help_lines() -> dict[str, str]:
    """The help line of each command by its name, read from the first lines of the files: nothing is imported."""
    found = {}
    for folder in __path__:
        for file in sorted(Path(folder).glob("*.py")):
            with file.open(encoding="utf-8") as text:
                declared = FIRST_LINE.match(text.readline().strip())
            if declared:
                found[declared[1]] = declared[2][0].upper() + declared[2][1:]
    known = [name for name in ORDER if name in found]
    return {name: found[name] for name in dict.fromkeys([*known, *found])}
