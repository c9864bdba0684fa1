"""Names of a package that are imported when they are first used, so that a part does not cost the import of all.

    if TYPE_CHECKING:
        from diagnostics.run.run import Run as Run

    __getattr__, __dir__, __all__ = lazy_names(__name__, __file__)

The imports that a type checker reads are the only declaration of the names.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def lazy_names(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The ``__getattr__``, the ``__dir__`` and the ``__all__`` of a package.

    Args:
        package: the name of the package.
        file: its ``__init__.py``, whose imports under ``if TYPE_CHECKING:`` say which names it offers, and where they
            are defined.
    """
    module = ast.parse(Path(file).read_text(encoding="utf-8"))
    lines = [line for block in module.body if isinstance(block, ast.If) for line in block.body]
    imports = [line for line in lines if isinstance(line, ast.ImportFrom)]
    places = {name.asname or name.name: (str(line.module), name.name) for line in imports for name in line.names}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home, defined = places[name]
        return getattr(importlib.import_module(home), defined)

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return get, listed, sorted(places)
