"""Tells where a file or folder of the user hides a package of this project.

Python takes the first ``lenet``, ``diagnostics`` or ``reports`` on its path, and the folder of the script that was
started comes first. The packages load this file by its place, since ``lenet`` itself may be the one that is hidden.
It imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
USAGE = 2
COMMAND = "lenet-diag"


def hidden_by(package: str) -> str:
    """What Python would import in the place of our ``package``, such as "/home/me/lenet.py"; "" where it is ours."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):  # it is being imported, or was made by hand
        return ""
    if spec is None:
        return ""
    folders = list(spec.submodule_search_locations or ())
    place = Path(spec.origin or (folders[0] if folders else ""))
    folder = place.parent if place.name == "__init__.py" else place
    return "" if not folder.name or os.path.realpath(folder) == str(HERE / package) else str(folder)


def words(package: str, place: str) -> str:
    """One line: what is in the way, of what, and what to do."""
    kind = "file" if place.endswith(".py") else "folder"
    ending = ".py" if kind == "file" else ""
    return (
        f"{place}: this {kind} hides the package {package} of lenet-diag (in {HERE}); rename it, such as to "
        f"my_{package}{ending}, or start your script in another folder"
    )


def expect_ours(*packages: str) -> None:
    """Raise ImportError where one of the packages is hidden; the command line then ends with that line and code 2."""
    for package in packages:
        if place := hidden_by(package):
            line = words(package, place)
            if sys.argv[:1] == ["-m"] or Path(*sys.argv[:1]).stem == COMMAND:
                sys.stderr.write(f"error: {line}\n")
                sys.exit(USAGE)
            raise ImportError(line, name=package, path=place)


def warn_of(package: str) -> None:
    """Warn where a package that is not needed yet is hidden: its import would bring the user's own."""
    if place := hidden_by(package):
        import warnings

        warnings.warn(words(package, place), stacklevel=3)
