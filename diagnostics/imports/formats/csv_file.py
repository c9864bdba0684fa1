"""CSV, also of Keras' CSVLogger, Lightning's metrics.csv and exported charts of Weights & Biases; gzip too.

An empty cell is a metric that was not logged in that row, so that sparse rows, as Lightning writes them, are joined by
their steps.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import pandas as pd

from diagnostics.imports.cells import number_of
from diagnostics.imports.columns import is_epoch, is_step, meaning_of
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.formats.wide_rows import wide_rows
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.tabular import metrics_of_table

SEPARATORS = (",", ";", "\t", "|")
BLANKS, WIDE_BLANKS = r"\s+", r"\s{2,}"
"""The separators of columns that blanks keep apart; two or more where names have words."""
SEPARATOR_OF_EXCEL = re.compile(r"sep=[^\n]\r?\n")
COMMENT = "#"


def recognises(path: Path, head: bytes) -> bool:
    """Whether the name ends in .csv or .tsv, or one of the names in the first line is that of a loss."""
    text = _without_comments(text_of(head))
    line = _first_line(text)
    if path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        return bool(line)
    separator = _separator(text)
    names = re.split(separator if len(separator) > 1 else r"[,;\t|]", line.strip())[:1000]
    names = [name.strip().strip('"') for name in names]
    found = [meaning_of(name) for name in names]
    is_sentence = separator == BLANKS and any(map(_is_of_sentence, names))
    return any(one is not None and one.quantity == "loss" for one in found) and not is_sentence and "\0" not in line


def read(path: Path) -> list[LoggedMetrics]:
    """The runs of a CSV file. Without a step in it, a row an epoch holds means over epochs."""
    whole = text_of(content(path))
    text = _without_comments(whole)
    separator = _separator(text)
    if separator == WIDE_BLANKS:
        text, separator = "\n".join("\t".join(re.split(WIDE_BLANKS, one.strip())) for one in text.splitlines()), "\t"
    told, text = wide_rows(text, separator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a line that has too many cells loses those that are too many
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, keep_default_na=False, na_values=[""], skip_blank_lines=True,
            on_bad_lines="skip", low_memory=False, index_col=False, decimal="," if separator == ";" else ".",
        )  # fmt: skip
    names = [str(name) for name in frame.columns]
    if names and all(number_of(name) is not None for name in names):
        raise ValueError("its first line holds numbers, expected the names of the columns, such as step,loss,accuracy")
    has_epochs_alone = any(map(is_epoch, names)) and not any(map(is_step, names))
    first_line = 2 + whole.count("\n") - text.count("\n")
    return metrics_of_table(frame, rows="means" if has_epochs_alone else "steps", first_line=first_line, told=told)


def _is_of_sentence(word: str) -> bool:
    """Whether a word is a number, also in brackets, or a name before one, and none of a column."""
    return word.endswith((":", "=")) or number_of(word.strip("[](){},:")) is not None


def _without_comments(text: str) -> str:
    """The text from its names on: NumPy writes these as a comment, and other comments may stand above them.

    So may a line with the separator, which Excel reads.
    """
    text = SEPARATOR_OF_EXCEL.sub("", text) if SEPARATOR_OF_EXCEL.match(text) else text
    lines = text.splitlines(keepends=True)
    first = next((n for n, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(COMMENT)), None)
    if not first:
        return text
    before = lines[first - 1].strip().lstrip(COMMENT).strip()
    if number_of(re.split(r"[,;\t|\s]", lines[first].strip())[0]) is not None and before:
        return "".join([f"{before}\n", *lines[first:]])
    return "".join(lines[first:])


def _separator(text: str) -> str:
    """What stands between the cells of the first line that is not blank."""
    line = _first_line(text)
    found = max(SEPARATORS, key=line.count)
    if found in line:
        return found
    below = _first_line(text[text.find(line) + len(line) :])
    names, cells = len(line.split()), len(below.split())
    if 1 < len(re.split(WIDE_BLANKS, line.strip())) == len(re.split(WIDE_BLANKS, below.strip())) < names:
        return WIDE_BLANKS
    return BLANKS if 1 < names == cells or (names + 1 == cells and below.startswith('"')) else ","


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


FORMAT = ImportFormat("CSV", recognises, read)
