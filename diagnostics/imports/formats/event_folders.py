"""Which event files of TensorBoard belong to one run, and what the scalars in them are called.

Keras' callback writes the folders ``train`` and ``validation`` into that of a run, whose files have the same tags. For
``add_scalars("Loss", {"val": ...})`` PyTorch's ``SummaryWriter`` writes a folder ``Loss_val``, whose file has the tag
``Loss``; tensorboardX writes a folder ``val`` in a folder ``Loss``.
"""

from __future__ import annotations

import re
from pathlib import Path

from diagnostics.imports.columns import VALIDATION_WORDS

TRAIN = "train"
NEXT_TRAIN = re.compile(rf"{TRAIN}[-_]?\d+")
"""What Ultralytics calls the folders of the runs after the one in ``train``."""
DEEPEST = 3
"""So many folders below that of the run may hold its files."""


def event_files(folder: Path) -> list[Path]:
    """The event files of a run, in the order of their names: those of its folder, then those of the folders below.

    folder: the folder of a run. One that has no event file itself, nor one in ``train``, is none; nor is one that has
    further runs beside ``train``.
    """
    own = _files_in(folder)
    if not own and (not _files_in(folder / TRAIN) or any(NEXT_TRAIN.fullmatch(one.name) for one in folder.iterdir())):
        return []
    return [*own, *(file for depth in range(1, DEEPEST + 1) for file in _files_in(folder, depth))]


def name_of(tag: str, folder: str) -> str | None:
    """The name of a scalar in a file of a folder in that of the run; None where it is of another run.

    tag: what the file calls it.
    folder: the folder that the file is in, as a path from that of the run.
    """
    if folder.lower() in VALIDATION_WORDS:
        return f"val_{tag}"
    if folder.lower() == TRAIN:
        return tag
    is_of_tag = "/" not in folder and folder.startswith(f"{tag.replace('/', '_')}_")
    return folder if is_of_tag or folder.rpartition("/")[0] == tag else None


def _files_in(folder: Path, depth: int = 0) -> list[Path]:
    """The event files so many folders below a folder."""
    return sorted(file for file in folder.glob("*/" * depth + "*tfevents*") if file.is_file())
