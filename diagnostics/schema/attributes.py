"""The declaration of a log's attributes. Each is declared once, at the field that holds its value.

    batch_size: Annotated[int, Attribute("int64", "samples", "size of a batch")]

The classes with such fields are :class:`~diagnostics.schema.header.Header` and
:class:`~diagnostics.schema.run_info.RunInfo`. Writer, reader and the page of the log
format loop over :func:`attributes_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import get_type_hints


@dataclass(frozen=True, slots=True)
class Attribute:
    """How the value of a field is stored in the file.

    ``dtype``: int64, float64, one of them with a length such as "float64[classes]", text or JSON.
    ``unit``: its unit; "" for none.
    ``meaning``: its meaning, in words.
    ``changes``: whether it is rewritten while the run goes on.
    ``choices``: the texts of which the file stores the position in this list; () for all other attributes.
    ``least``, ``most``: the range of a whole number; a log with a number outside is refused.
    ``since``: the minor version of the log format that added it. A field that was added has a default for older logs.
    """

    dtype: str
    unit: str
    meaning: str
    changes: bool = False
    choices: tuple[str, ...] = ()
    since: int = 0
    least: int = 0
    most: int = 2**53


@cache
def attributes_of(kind: type) -> Mapping[str, Attribute]:
    """The attributes that the fields of a class declare, by name, in order."""
    hints = get_type_hints(kind, include_extras=True)
    found = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return MappingProxyType(
        {name: one for name, extras in found.items() for one in extras if isinstance(one, Attribute)}
    )
