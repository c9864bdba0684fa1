"""Makes the page of the log format from the declarations, for ``lenet-diag schema`` and ``docs/log-format.md``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diagnostics.schema.attributes import Attribute
from diagnostics.schema.datasets import Array, Table
from diagnostics.schema.header import ATTRIBUTES
from diagnostics.schema.measures import ACTIVATION_STATISTICS, RATE, RATIO, SCALARS, TENSOR_STATISTICS, Measure
from diagnostics.schema.number_range import MEANING
from diagnostics.schema.tables import (
    FORMAT,
    GROWING_TABLES,
    INDEX,
    LAYOUT_TABLES,
    SNAPSHOT_ARRAYS,
    SNAPSHOTS,
    VALUES,
    VERSION,
)

INTRODUCTION = f"""# The log format, version {VERSION[0]}.{VERSION[1]}

A log is one HDF5 file for one run ("{FORMAT}"). It is written in SWMR mode, so that other programs can read it
during the run, and is an ordinary HDF5 file when it is closed. This page is generated from the declarations in
`diagnostics/schema/`; `lenet-diag schema` prints it.

A program refuses a file of another major version. A newer minor version only adds. Rows are trusted as far as their
CRC-32 (`zlib.crc32`) is right; readers stop at the first row whose CRC-32 is wrong. Numbers are little-endian; texts
are UTF-8 of fixed length, padded with zero bytes. Growing datasets are extensible along their first axis.

After a kill the file is still marked as open for writing. `open_run` reads it all the same; plain `h5py` reads it
after `lenet-diag repair FILE`.
"""


def log_format_markdown() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    parts += [
        "## Attributes of the file\n\nAttributes with (changes) are written again while the run goes on.\n",
        _attributes(),
    ]
    parts += ["## Layout: what the columns are\n", *(_table(t) for t in LAYOUT_TABLES)]
    parts += ["## Steps\n", _array(VALUES), _statistics(), _table(INDEX)]
    parts += ["## Tables\n", *(_table(t) for t in GROWING_TABLES)]
    parts += ["## Snapshots: every k steps, and where a rule fires\n", _table(SNAPSHOTS)]
    parts += [_array(a) for a in SNAPSHOT_ARRAYS]
    return "\n".join(parts)


def _attributes() -> str:
    rows = [(f"`{name}`", one.dtype, one.unit, one.meaning + _remarks(one)) for name, one in ATTRIBUTES.items()]
    return _grid(("name", "type", "unit", "meaning"), rows)


def _remarks(attribute: Attribute) -> str:
    added = f"; since {VERSION[0]}.{attribute.since}" if attribute.since else ""
    return added + (" (changes)" if attribute.changes else "")


def _table(table: Table) -> str:
    rows = [(f"`{f.name}`", f"`{f.dtype}`", f.unit, f.meaning) for f in table.fields]
    return f"### `{table.path}`\n\n{_sentence(table.meaning)}\n\n" + _grid(("field", "type", "unit", "meaning"), rows)


def _array(array: Array) -> str:
    dims = ", ".join(array.dims)
    unit = f"; unit: {array.unit}" if array.unit else ""
    return f"### `{array.path}`\n\n({dims}), `{array.dtype}`{unit}. {_sentence(array.meaning)}\n"


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."


def _statistics() -> str:
    groups: Sequence[tuple[str, Iterable[Measure]]] = (
        ("scalar: one column each", SCALARS),
        ("tensor: for every tensor and each of value, gradient and update", TENSOR_STATISTICS),
        ("tensor, of updates only", (RATIO,)),
        ("activation: for the input and every trainable layer, after its activation function", ACTIVATION_STATISTICS),
        ("tensor, of updates only, behind all others", (RATE,)),
    )
    text = (
        "The columns stand in the order of these tables; in one table those of tensors by kind, then statistic, then "
        "tensor, and those of activations by statistic, then layer.\n\n"
        "The description of a log lists under `not_recorded` what it lacks: there are no columns of that. Tensors "
        "under `without_gradient` have no columns of gradient and update.\n\n"
    )
    text += f"{MEANING}\n\n"
    for title, statistics in groups:
        rows = [(f"`{s.name}`", s.unit, s.meaning) for s in statistics]
        text += f"**{title}**\n\n{_grid(('statistic', 'unit', 'meaning'), rows)}\n"
    return text


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
