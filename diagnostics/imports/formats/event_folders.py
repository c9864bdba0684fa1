"""Which event files of TensorBoard belong to one run, and what the scalars in them are called.

Keras' callback writes the folders ``train`` and ``validation`` into that of a run, whose files have the same tags. For
``add_scalars("Loss", {"val": ...})`` PyTorch's ``SummaryWriter`` writes a folder ``Loss_val``, whose file has the tag
``Loss``.
"""

from __future__ import annotations

from pathlib import Path

from diagnostics.imports.columns import VALIDATION_WORDS

TRAIN = "train"


def event_files(folder: Path) -> list[Path]:
    """The event files of a run, in the order of their names: those of its folder, then those of the folders in it.

    folder: the folder of a run. One that has no event file itself, nor one in ``train``, is none.
    """
    own, inside = _files_in(folder), sorted(one for one in folder.iterdir() if one.is_dir())
    if not own and not _files_in(folder / TRAIN):
        return []
    return [*own, *(file for one in inside for file in _files_in(one))]


def name_of(tag: str, folder: str) -> str | None:
    """The name of a scalar in a file of a folder in that of the run; None where it is of another run.

    tag: what the file calls it.
    folder: the name of the folder that the file is in.
    """
    if folder.lower() in VALIDATION_WORDS:
        return f"val_{tag}"
    if folder.lower() == TRAIN:
        return tag
    return folder if folder.startswith(f"{tag.replace('/', '_')}_") else None


def _files_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*tfevents*") if file.is_file())
