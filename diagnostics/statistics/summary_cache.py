"""Keeps the summaries of finished runs beside their logs, so that a thousand logs need not be read again.

Each log has a small JSON file in the folder ``.summaries`` next to it. It holds the
size and the time of the log, a fingerprint of the code that judged it, and a checksum of
all that. Where one of them has changed, or the JSON is not what was written, the summary
is made from the log again. Deleting the folder costs only time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostics.arguments import expect_several
from diagnostics.errors import LogError, LogWriteError
from diagnostics.files import readable_name, write_text
from diagnostics.log.run_names import RunNames
from diagnostics.statistics.code_fingerprint import fingerprint
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.statistics.summarising import summarise
from lenet.errors import reason_of
from lenet.regular_files import obstacle, read_regular

if TYPE_CHECKING:
    from diagnostics.imports import ImportOptions

FOLDER = ".summaries"
LARGEST = 64_000_000
"""The largest size of a summary, in bytes."""
OPEN = ("running", "unclear")
"""The statuses of runs that may still be trained."""
JUDGING_CODE = (
    "schema",
    "detect",
    "run/run.py",
    "run/frames.py",
    "run/source.py",
    "run/timeline.py",
    "log/reader.py",
    "log/file_source.py",
    "log/native.py",
    "log/plausible.py",
    "log/attributes.py",
    "log/layout.py",
    "statistics/run_summary.py",
    "statistics/summarising.py",
)
"""The rooms and modules of ``diagnostics`` that decide the contents of a summary: the verdict, and every number."""


@dataclass(frozen=True)
class Loaded:
    """The summaries of many runs.

    Args:
        runs: the summaries of the runs that have ended.
        unfinished: the logs of runs that are still being trained.
        problems: one line for each log that could not be read, or is damaged.
    """

    runs: tuple[RunSummary, ...]
    unfinished: tuple[Path, ...]
    problems: tuple[str, ...]

    def __repr__(self) -> str:
        counts = {"runs": self.runs, "unfinished": self.unfinished, "problems": self.problems}
        return f"<Loaded: {', '.join(f'{len(found)} {what}' for what, found in counts.items())}>"


def load_summaries(
    paths: Sequence[str | os.PathLike[str]],
    progress: Callable[[int, int], None] | None = None,
    options: ImportOptions | None = None,
) -> Loaded:
    """Summaries of many run files.

    Args:
        paths: the files.
        progress: is called after each file with the number of files done and of all; None (default) for nothing.
        options: what is known of runs in the logs of other tools; None (default) for what their files say.

    Raises:
        TypeError: ``paths`` is a single path.
    """
    paths = expect_several("paths", paths, "files, as find_runs gives them")
    runs: list[RunSummary] = []
    unfinished, problems = [], []
    files = [Path(path) for path in paths]
    names = RunNames(files)
    for i, path in enumerate(files):
        try:
            summaries = _summaries_of(path, options, names)
        except LogError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{path}: cannot be read: {reason_of(error)}")
        else:
            if any(summary.status in OPEN for summary in summaries):
                unfinished.append(path)
            runs += [summary for summary in summaries if summary.status not in OPEN]
            if any(summary.status == "damaged" for summary in summaries):
                problems.append(f"{path}: damaged, so the run counts as crashed; lenet-diag repair saves what is left")
        if progress:
            progress(i + 1, len(paths))
    return Loaded(tuple(runs), tuple(unfinished), tuple(problems))


def _summaries_of(path: Path, options: ImportOptions | None, names: RunNames) -> list[RunSummary]:
    """The summaries of the runs in a file. Only those are kept that need nothing but a log of lenet-diag.

    Raises LogError, and MissingLibraryError as :func:`diagnostics.imports.import_runs`.
    """
    says_shares = options is not None and bool(options.shares)
    if path.suffix == ".h5" and not says_shares:
        return [replace(summary_of(path), name=f"{names.unused(names.of_file(path))}.h5")]
    from diagnostics.imports import format_of, open_runs  # imported here, since most runs are logs

    if not says_shares and format_of(path) is None:
        return [replace(summary_of(path), name=names.unused(names.of_file(path)))]
    return [summarise(run) for run in open_runs(path, options, names)]


def summary_of(path: Path) -> RunSummary:
    """The summary of one log: the kept one where it is still right, else a new one. Raises LogError."""
    return kept_summary(path) or _made_anew(path)


def kept_summary(path: Path) -> RunSummary | None:
    """The kept summary, if this log and this code made it and the file is unchanged; None otherwise."""
    place = _place(path)
    try:
        if obstacle(place.parent) != "a folder" or obstacle(place):
            return None
        kept = json.loads(read_regular(place, LARGEST))
        if kept.pop("checksum") != _checksum(kept) or kept["made_from"] != _stamp(path):
            return None
        return RunSummary.from_json({**kept["summary"], "name": readable_name(path.name), "path": str(path)})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _made_anew(path: Path) -> RunSummary:
    from diagnostics.log.reader import open_run  # imported here, since most summaries are kept ones

    stamp = _stamp(path)
    summary = summarise(open_run(path))
    if summary.status not in OPEN:
        keep(path, summary, stamp)
    return summary


def keep(path: Path, summary: RunSummary, stamp: Mapping[str, int | str] | None = None) -> None:
    """Keep a summary. Where the folder cannot be written, or is a link, the log is read again next time."""
    place = _place(path)
    content = {"made_from": stamp or _stamp(path), "summary": summary.to_json()}
    with suppress(LogWriteError, OSError):
        if obstacle(place.parent) in ("", "a folder"):
            write_text(place, json.dumps({**content, "checksum": _checksum(content)}))


def _checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of what is kept, as JSON in the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _place(path: Path) -> Path:
    return path.parent / FOLDER / f"{path.name}.json"


def _stamp(path: Path) -> dict[str, int | str]:
    """The size and time of the log, and the fingerprint of the judging code, as they are now."""
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "judge": JUDGE}


def judging_files() -> list[Path]:
    """The files of ``JUDGING_CODE``."""
    package = Path(__file__).parent.parent
    places = (package / name for name in JUDGING_CODE)
    return [file for place in places for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]


JUDGE = fingerprint(judging_files())
"""The fingerprint at the import of this module: the files may change while a study runs, the loaded code does not."""
