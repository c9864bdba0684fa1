"""PyTorch, Keras, JAX and scikit-learn are imported when a recorder of theirs is used, and never before."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FRAMEWORKS = {"torch", "keras", "jax", "optax", "sklearn", "tensorflow"}
IMPORTED_AT_ONCE = {"keras_recorder.py": {"keras"}, "jax_tap.py": {"jax", "optax"}}
"""The modules that import a framework when they are imported; nobody imports them before they are used."""


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """The frameworks among what some statements import."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names & FRAMEWORKS


def at_once(tree: ast.Module) -> Iterator[ast.AST]:
    """The statements that run when a module is imported, those for type checkers left out."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If):
            yield from ast.walk(node)


@pytest.mark.parametrize("package", ["lenet", "diagnostics", "reports"])
def test_frameworks_are_imported_only_where_they_are_used(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert imported(at_once(tree)) <= IMPORTED_AT_ONCE.get(path.name, set()), path
        assert package == "diagnostics" or not imported(ast.walk(tree)), path


def test_the_adapters_import_no_framework() -> None:
    program = f"import sys, diagnostics.adapters; print(*{FRAMEWORKS!r} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert shown.stdout.split() == []
