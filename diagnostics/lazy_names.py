"""Names of a package that are imported when they are first used, so that a part does not cost the import of all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The ``__getattr__``, the ``__dir__`` and the ``__all__`` of a package.

    Args:
        package: the name of the package, for the AttributeError that an unknown name raises.
        homes: for each module the names it defines, each as ``name`` or as ``name as public_name``.
    """
    places = {}
    for module, names in homes.items():
        for name in names:
            defined, _, public = name.partition(" as ")
            places[public or defined] = module, defined

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, defined = places[name]
        return getattr(importlib.import_module(module), defined)

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return get, listed, sorted(places)
