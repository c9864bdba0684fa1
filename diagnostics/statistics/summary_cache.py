"""The summaries of finished runs, kept beside them so that a thousand runs need not be read again.

Each run file has a small JSON file in the folder ``.summaries`` next to it. It
holds the size and time of the run file it was made from, and a fingerprint
of the code that judged it; where one of them has changed, or the JSON is damaged, it is
made again from the run. Deleting the folder loses nothing but time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from diagnostics.errors import LogError, LogWriteError
from diagnostics.files import readable_name, write_text
from diagnostics.log.names import was_resumed
from diagnostics.statistics.run_summary import RunSummary, summarise

FOLDER = ".summaries"


@dataclass(frozen=True)
class Loaded:
    """What was read: the summaries, runs that have not ended, and one line for each file that failed."""

    runs: tuple[RunSummary, ...]
    unfinished: tuple[Path, ...]
    problems: tuple[str, ...]


def find_runs(paths: Iterable[Path]) -> list[Path]:
    """The run files among ``paths`` and directly inside the folders among them, each once however it is spelt.

    Logs that a resumed run left behind are no runs of their own. Raises LogError
    for a path that does not exist and for a folder without runs.
    """
    found: list[Path] = []
    for path in paths:
        try:
            found += _runs_in(path)
        except OSError as error:
            raise LogError(f"{path}: cannot be read: {os.strerror(error.errno or 0).lower()}") from None
    return _each_once(found)


def find_readable(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """As :func:`find_runs`, path by path: the run files, and what is wrong with the paths that have none."""
    found: list[Path] = []
    problems = []
    for path in paths:
        try:
            found += find_runs([path])
        except LogError as error:
            problems.append(str(error))
    return _each_once(found), problems


def _each_once(paths: Iterable[Path]) -> list[Path]:
    """One path a file, in order, as it was spelt first."""
    by_file: dict[str, Path] = {}
    for path in paths:
        by_file.setdefault(os.path.realpath(path), path)  # not resolve(), which raises for a link in a circle
    return list(by_file.values())


def _runs_in(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [p for p in sorted(path.glob("*.h5")) if not was_resumed(p)]
        if not inside:
            raise LogError(f"{path}: no runs in this folder (expected files ending in .h5)")
        return inside
    if not path.exists():
        raise LogError(f"{path}: no such file or folder")
    return [path]


def load(paths: Sequence[Path], progress: Callable[[int, int], None] | None = None) -> Loaded:
    """Summaries of all run files; ``progress`` is told (done, all) after each."""
    runs, unfinished, problems = [], [], []
    for i, path in enumerate(paths):
        try:
            summary = summary_of(path)
        except LogError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{path}: cannot be read: {os.strerror(error.errno or 0).lower()}")
        else:
            if summary.status == "running":
                unfinished.append(path)
            else:
                runs.append(summary)
            if summary.status == "damaged":
                problems.append(f"{path}: damaged, so the run counts as crashed; lenet-diag repair saves what is left")
        if progress:
            progress(i + 1, len(paths))
    return Loaded(tuple(runs), tuple(unfinished), tuple(problems))


def summary_of(path: Path) -> RunSummary:
    """The summary of one run file, from the index where it is still true. Raises LogError."""
    return remembered(path) or _made(path)


def remembered(path: Path) -> RunSummary | None:
    """The summary in the index, if it was made from this very file by this very version."""
    try:
        kept = json.loads(_place(path).read_text(encoding="utf-8"))
        if kept["made_from"] != _stamp(path):
            return None
        return RunSummary.from_json({**kept["summary"], "name": readable_name(path.name), "path": str(path)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _made(path: Path) -> RunSummary:
    from diagnostics.log.reader import open_run  # here, since most summaries come from the index

    stamp = _stamp(path)
    summary = summarise(open_run(path))
    if summary.status != "running":
        keep(path, summary, stamp)
    return summary


def keep(path: Path, summary: RunSummary, stamp: Mapping[str, int | str] | None = None) -> None:
    """Put a summary into the index. A folder that cannot be written is read again next time."""
    content = {"made_from": stamp or _stamp(path), "summary": summary.to_json()}
    with suppress(LogWriteError):
        write_text(_place(path), json.dumps(content))


def _place(path: Path) -> Path:
    return path.parent / FOLDER / f"{path.name}.json"


def _stamp(path: Path) -> dict[str, int | str]:
    """What the file and the judge are at this moment."""
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "judge": JUDGE}


def _fingerprint() -> str:
    """Of this package's code, so that after a change of rules every run is asked again."""
    digest = sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


JUDGE = _fingerprint()  # when imported and not when asked for: the code may change while a study runs
